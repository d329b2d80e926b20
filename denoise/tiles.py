"""Pictures too large to go through a network at once: tiles that overlap by as far as the network sees.

So each pixel of a tile's core depends on nothing outside the tile, and the answer is that of the whole picture: there
is no seam to hide, and nothing to blend.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from denoise.anysize import AnySize

FACTOR = 16
"""Of the sides of a tile, wherever it is in the network: oneDNN takes several times as long for a convolution whose
width is a large prime number."""


def run(network: AnySize, x: Tensor, level: float | None, pixels: int) -> Tensor:
    """`network(x, level)` in tiles.

    Parameters
    ----------
    network : AnySize
        With a `reach`.
    x : Tensor
        (N, C, H, W) in about [0, 1].
    level : float, optional
        As for the network.
    pixels : int
        About how many a tile may have beside its overlap.

    Returns
    -------
    Tensor
        (N, C, H, W) in [0, 1], float32.
    """
    assert network.reach is not None
    # The picture is made to fit as a whole, and tiles begin where poolings do: each cell is the one of the whole.
    entering, inside = network.fitted(x, level)
    unit = network.multiple
    margin = math.ceil(network.reach / unit) * unit
    core = max(math.isqrt(pixels), 2 * margin) // unit * unit or unit
    height, width = entering.shape[-2:]
    answer = torch.empty(len(x), x.shape[1], height, width, device=x.device)
    for top, bottom, above, below in _spans(height, core, margin, unit * FACTOR):
        for left, right, before, behind in _spans(width, core, margin, unit * FACTOR):
            tile = entering[..., above:below, before:behind]
            done = network.net(tile.contiguous(memory_format=torch.channels_last))
            shown = done[..., top - above : bottom - above, left - before : right - before]
            answer[..., top:bottom, left:right] = shown
    return network.bounded(answer[inside])


def _spans(size: int, core: int, margin: int, factor: int) -> Iterator[tuple[int, int, int, int]]:
    """Where each core begins and ends, and where its tile does: of a side that `factor` divides, if there is room."""
    for start in range(0, size, core):
        stop = min(start + core, size)
        end = min(stop + margin, size)
        side = math.ceil((end - max(0, start - margin)) / factor) * factor
        begin = max(0, end - side)
        yield start, stop, begin, min(begin + side, size)
