"""Time measurement: warm-up, synchronization, and all methods in turns within one run."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from bench.process_state import kept

BATCH = 128  # images per call behind images/s, fewer if they are large
BATCH_PIXELS = 2**19
SECONDS = 0.25  # per method and batch size in a round, unless `least` calls take longer
CALLS = 100  # maximum of calls in that time
ROUNDS = 5  # every method has a turn in each round, so that a busy moment affects all alike


def measure(
    denoisers: dict[str, Callable[[Tensor, float], Tensor]],
    noisy: Tensor,
    sigma: float,
    device: torch.device,
    sizes: Sequence[int],
    rounds: int = ROUNDS,
    advance: Callable[[int], object] = lambda count: None,
    least: int = 1,
) -> dict[str, dict[int, dict[str, float]]]:
    """Time calls of every denoiser at every batch size.

    Parameters
    ----------
    denoisers : dict
        (noisy, sigma) -> estimate, by name.
    noisy, sigma : Tensor, float
        (N, C, H, W) float32, repeated or cut to each size, and its noise level.
    device : torch.device
        Device of the denoisers, synchronized around each call.
    sizes : sequence of int
        Images per call.
    rounds, least : int
        Turns of each denoiser, and minimum of calls of each size in a turn.
    advance : callable
        Called with 1 after each denoiser of each round.

    Returns
    -------
    dict
        For each name and size: ms_p50 and ms_p90 of a call, images_per_s (of the median call), and
        the number of calls.
    """
    batches = {
        size: noisy.repeat(-(-size // len(noisy)), 1, 1, 1)[:size].to(device) for size in sizes
    }
    times: dict[str, dict[int, list[float]]] = {
        name: {size: [] for size in sizes} for name in denoisers
    }
    for _ in range(rounds):
        for name, denoise in denoisers.items():
            for size, batch in batches.items():
                with kept():
                    times[name][size] += _calls(denoise, batch, sigma, device, least)
            advance(1)
    return {
        name: {size: _summary(size, seconds) for size, seconds in by.items()}
        for name, by in times.items()
    }


def _summary(size: int, seconds: list[float]) -> dict[str, float]:
    median, slow = float(np.median(seconds)), float(np.percentile(seconds, 90))
    return {
        "ms_p50": median * 1e3,
        "ms_p90": slow * 1e3,
        "images_per_s": size / median,
        "calls": len(seconds),
    }


def batch_size(noisy: Tensor) -> int:
    """Return the number of images per call for images of this size, (N, C, H, W)."""
    height, width = noisy.shape[-2:]
    return max(1, min(BATCH, BATCH_PIXELS // (height * width)))


def _calls(
    denoise: Callable[[Tensor, float], Tensor],
    noisy: Tensor,
    sigma: float,
    device: torch.device,
    least: int,
) -> list[float]:
    """Return the seconds of each call.

    Each call gets a copy of the images, because a denoiser may write into its input.
    """
    # warm-up: allocations, and the CPU caches after another method's turn
    denoise(noisy.clone(), sigma)
    seconds: list[float] = []
    end = time.perf_counter() + SECONDS
    while len(seconds) < least or (len(seconds) < CALLS and time.perf_counter() < end):
        given = noisy.clone()
        _synchronize(device)
        began = time.perf_counter()
        denoise(given, sigma)
        _synchronize(device)
        seconds.append(time.perf_counter() - began)
    return seconds


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
