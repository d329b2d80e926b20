"""Roofline of this machine: the best measured rates, as reference for a network's rate."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

SIDE = 2_048  # of the matrices
COPIED = 2**28  # bytes, more than any cache holds
CONV = (64, 64, 56, 56)  # (N, C, H, W) of a convolution 64 -> 64, 3x3, channels_last
CONV_MACS = CONV[0] * 64 * CONV[1] * 9 * CONV[2] * CONV[3]
TURNS, SECONDS = 8, 1.0  # minimum of turns, and of seconds, for each rate
GLANCE = 3  # turns of a quick check; more would average over the pauses of other jobs
CALLS_ON_GPU = 50  # per turn, because one synchronization takes as long as a short call


def rates(device: torch.device, dtype: torch.dtype) -> dict[str, float]:
    """Measure matrix product and convolution in TMAC/s, and copy in GB/s.

    A copy counts bytes read plus bytes written. Each rate is the best of several measurements over
    at least a second: a ceiling is the highest rate reached, not the usual one.
    """
    a, b = (torch.ones(SIDE, SIDE, device=device, dtype=dtype) for _ in range(2))
    source = torch.ones(COPIED, device=device, dtype=torch.uint8)
    target = torch.empty_like(source)
    with torch.inference_mode():
        return {
            "ceiling_matmul_tmacs": SIDE**3
            / min(_turns(lambda: a @ b, device, TURNS, SECONDS))
            / 1e12,
            "ceiling_conv_tmacs": CONV_MACS
            / min(_turns(_convolution(device, dtype), device, TURNS, SECONDS))
            / 1e12,
            "ceiling_copy_gb_s": 2
            * COPIED
            / min(_turns(lambda: target.copy_(source), device, TURNS, SECONDS))
            / 1e9,
        }


@torch.inference_mode()
def usual(device: torch.device, dtype: torch.dtype) -> float:
    """Measure the convolution's current rate in TMAC/s, which is low if another job runs.

    The rate is the median of a few measurements.
    """
    return (
        CONV_MACS
        / statistics.median(_turns(_convolution(device, dtype), device, GLANCE, 0.0))
        / 1e12
    )


def _convolution(device: torch.device, dtype: torch.dtype) -> Callable[[], Tensor]:
    x = torch.ones(CONV, device=device, dtype=dtype).contiguous(memory_format=torch.channels_last)
    kernel = torch.ones(64, CONV[1], 3, 3, device=device, dtype=dtype).contiguous(
        memory_format=torch.channels_last
    )
    return lambda: F.conv2d(x, kernel, padding=1)


def _turns(
    call: Callable[[], object], device: torch.device, turns: int, least: float
) -> list[float]:
    """Return the seconds per call of each turn but the first.

    There are at least `turns` turns, and at least `least` seconds of turns.
    """
    on_gpu = device.type == "cuda"
    calls = CALLS_ON_GPU if on_gpu else 1
    seconds: list[float] = []
    end = time.perf_counter() + least
    while len(seconds) <= turns or time.perf_counter() < end:
        began = time.perf_counter()
        for _ in range(calls):
            call()
        if on_gpu:
            torch.cuda.synchronize(device)
        seconds.append((time.perf_counter() - began) / calls)
    return seconds[1:]
