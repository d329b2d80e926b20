"""How time is measured: warmed up, synchronised, all methods in turn within one run."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

BATCH = 128  # pictures a call behind images/s, fewer where they are large
BATCH_PIXELS = 2**19
SECONDS = 0.25  # spent on each method and batch size in a round: at least one call,
CALLS = 100  # at most this many
ROUNDS = 5  # every method has its turn in each round, so that a busy moment falls on all alike


def measure(
    denoisers: dict[str, Callable[[Tensor, float], Tensor]],
    noisy: Tensor,
    sigma: float,
    device: torch.device,
    rounds: int = ROUNDS,
    advance: Callable[[int], object] = lambda count: None,
) -> dict[str, dict[str, float]]:
    """Latency of one picture and throughput of a batch, for every denoiser.

    Parameters
    ----------
    denoisers : dict
        (noisy, sigma) -> estimate, by name.
    noisy : Tensor
        (N, C, H, W) float32; it is repeated or cut to `batch_size`.
    sigma : float
    device : torch.device
        Where the denoisers run: it is synchronised around each call.
    rounds : int
    advance : callable
        Told 1 after each denoiser of each round.

    Returns
    -------
    dict
        For each name: ms_p50 and ms_p90 of one picture, images_per_s in batches (the median over calls).
    """
    size = batch_size(noisy)
    repeats = -(-size // len(noisy))
    batch = noisy.repeat(repeats, 1, 1, 1)[:size].to(device)
    single = batch[:1]
    times: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in denoisers}
    for _ in range(rounds):
        for name, denoise in denoisers.items():
            for pictures, seconds in zip((single, batch), times[name], strict=True):
                seconds += _calls(denoise, pictures, sigma, device)
            advance(1)
    return {
        name: {
            "ms_p50": float(np.median(alone)) * 1e3,
            "ms_p90": float(np.percentile(alone, 90)) * 1e3,
            "images_per_s": size / float(np.median(together)),
        }
        for name, (alone, together) in times.items()
    }


def batch_size(noisy: Tensor) -> int:
    """Pictures a call for pictures of this size, (N, C, H, W)."""
    height, width = noisy.shape[-2:]
    return max(1, min(BATCH, BATCH_PIXELS // (height * width)))


def _calls(
    denoise: Callable[[Tensor, float], Tensor], noisy: Tensor, sigma: float, device: torch.device
) -> list[float]:
    denoise(noisy, sigma)  # warm-up: allocations, and the processor's caches after another method's turn
    seconds: list[float] = []
    end = time.perf_counter() + SECONDS
    while not seconds or (len(seconds) < CALLS and time.perf_counter() < end):
        _synchronise(device)
        began = time.perf_counter()
        denoise(noisy, sigma)
        _synchronise(device)
        seconds.append(time.perf_counter() - began)
    return seconds


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
