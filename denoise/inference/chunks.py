"""Chunked inference: batches run in chunks, so that activations stay in the caches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor


def run(network: Callable[[Tensor], Tensor], batch: Tensor, pixels: int) -> Tensor:
    """Return the output of a network for a batch, as if the network were called once.

    Parameters
    ----------
    network : callable
        (N, C, H, W) -> the same shape, float32.
    batch : Tensor
        (N, C, H, W).
    pixels : int
        Pixels of a chunk at most; a larger image is a chunk of its own.

    Returns
    -------
    Tensor
        (N, C, H, W) float32 on the device of `batch`, contiguous.
    """
    height, width = batch.shape[-2:]
    count = -(-len(batch) // max(1, pixels // (height * width)))
    if count <= 1:
        return network(batch).to(batch.device).contiguous()
    output = torch.empty(batch.shape, dtype=torch.float32, device=batch.device)
    # chunks of nearly equal size: a short last chunk would use the device less well
    size = -(-len(batch) // count)
    for part, place in zip(batch.split(size), output.split(size), strict=True):
        _copy(network(part), place)
    return output


def _copy(values: Tensor, to: Tensor) -> None:
    """Copy values; on the CPU with one thread.

    After a copy, PyTorch's other threads would spin for a while on the cores that OpenVINO computes
    on.
    """
    if values.device.type == to.device.type == "cpu":
        np.copyto(to.numpy(), values.numpy())
    else:
        to.copy_(values)
