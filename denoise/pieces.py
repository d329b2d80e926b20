"""A batch that goes through a network piece by piece, so that what it keeps meanwhile stays in the caches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor


def run(network: Callable[[Tensor], Tensor], batch: Tensor, pixels: int) -> Tensor:
    """What `network` answers for a batch, as if it were called once.

    Parameters
    ----------
    network : callable
        (N, C, H, W) -> the same shape, float32.
    batch : Tensor
        (N, C, H, W).
    pixels : int
        Pixels of a piece at most; a larger picture is a piece of its own.

    Returns
    -------
    Tensor
        Of the shape and device of `batch`, float32, contiguous.
    """
    height, width = batch.shape[-2:]
    pieces = -(-len(batch) // max(1, pixels // (height * width)))
    if pieces <= 1:
        return network(batch).to(batch.device).contiguous()
    answer = torch.empty(batch.shape, dtype=torch.float32, device=batch.device)
    size = -(-len(batch) // pieces)  # as even as can be: a short one would gain less from being many pictures
    for part, place in zip(batch.split(size), answer.split(size), strict=True):
        _copy(network(part), place)
    return answer


def _copy(values: Tensor, to: Tensor) -> None:
    """On the processor with one thread: PyTorch's others would wait for more to copy for a while, on the processors
    that OpenVINO computes with."""
    if values.device.type == to.device.type == "cpu":
        np.copyto(to.numpy(), values.numpy())
    else:
        to.copy_(values)
