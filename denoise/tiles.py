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
    for top, bottom, above in _spans(height, core, margin):
        for left, right, before in _spans(width, core, margin):
            tile = entering[..., above : bottom + margin, before : right + margin]
            done = network.net(tile.contiguous(memory_format=torch.channels_last))
            shown = done[..., top - above : bottom - above, left - before : right - before]
            answer[..., top:bottom, left:right] = shown
    return network.bounded(answer[inside])


def _spans(size: int, core: int, margin: int) -> Iterator[tuple[int, int, int]]:
    """Where each core begins and ends, and where its tile begins."""
    for start in range(0, size, core):
        yield start, min(start + core, size), max(0, start - margin)
