"""Tiled inference on large images.

Tiles overlap by the network's reach (about half of its receptive field).

Each pixel of a tile's core depends only on pixels inside the tile. The output thus equals that of
the whole image, without seams or blending.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from fractions import Fraction

import torch
from torch import Tensor

from denoise.models.base import AnySize

FACTOR = 16
"""Factor of a tile's sides at each depth of the network.

oneDNN is several times slower if the width of a convolution is a large prime.
"""

_size: ContextVar[int | None] = ContextVar("tile_size", default=None)
_finished: ContextVar[Callable[[Fraction], None] | None] = ContextVar("tile_finished", default=None)


@contextmanager
def sized(pixels: int, finished: Callable[[float], None]) -> Iterator[None]:
    """Set the tile size of every network in this context, and report their progress.

    The size is a context and not an argument, because the functions between caller and network need
    not know of tiles.

    Parameters
    ----------
    pixels : int
        Approximate pixels of a tile without its overlap.
    finished : callable
        Called after each tile, or image without tiles, with the finished share of one call of a
        `Denoiser`. The share grows from call to call and is 1.0 in the last.
    """
    done = Fraction(0)

    def add(share: Fraction) -> None:
        nonlocal done
        done += share
        muted = _finished.set(None)  # networks called by the callback are not part of the work
        try:
            finished(float(done))
        finally:
            _finished.reset(muted)

    size, heard = _size.set(pixels), _finished.set(add)
    try:
        yield
    finally:
        _size.reset(size)
        _finished.reset(heard)


@contextmanager
def weighted(part: int, whole: int) -> Iterator[None]:
    """Count the work in this context as `part` of the `whole` around it.

    All parts must add up to the whole. Fractions are exact, so that the last share is 1 and no
    share exceeds 1.
    """
    outer = _finished.get()
    if outer is None:
        yield
        return
    weight = Fraction(part, whole)
    inner = _finished.set(lambda share: outer(share * weight))
    try:
        yield
    finally:
        _finished.reset(inner)


def report(part: int = 1, whole: int = 1) -> None:
    """Report `part` of the `whole` work of the current context (`weighted`) as finished."""
    if heard := _finished.get():
        heard(Fraction(part, whole))


def size(usual: int) -> int:
    """Return the tile size set by the context (`sized`), or `usual` without one."""
    asked = _size.get()
    return usual if asked is None else asked


def largest(network: AnySize, pixels: int) -> float:
    """Return the pixels of the largest image that needs no more memory than one tile.

    The tile has `pixels` pixels and its overlap.
    """
    return math.inf if network.reach is None else (math.isqrt(pixels) + 2 * network.reach) ** 2


def run(network: AnySize, x: Tensor, level: float | None, pixels: int) -> Tensor:
    """Compute `network(x, level)` in tiles.

    Parameters
    ----------
    network : AnySize
        Network with a `reach`.
    x : Tensor
        (N, C, H, W) in about [0, 1].
    level : float, optional
        Noise level, passed to the network.
    pixels : int
        Approximate pixels of a tile without its overlap.

    Returns
    -------
    Tensor
        (N, C, H, W) in [0, 1], float32.
    """
    assert network.reach is not None
    # The whole image is padded, and tiles begin at pooling cells: each cell then equals one of the
    # whole image.
    padded, inside = network.padded(x)
    unit = network.multiple
    margin = math.ceil(network.reach / unit) * unit
    core = max(math.isqrt(pixels), 2 * margin) // unit * unit or unit
    height, width = padded.shape[-2:]
    output = torch.empty(padded.shape, dtype=torch.float32, device=x.device)
    for top, bottom, above, below in _spans(height, core, margin, unit * FACTOR):
        for left, right, before, behind in _spans(width, core, margin, unit * FACTOR):
            # The level map and the unbounded values exist for one tile at a time: that halves the
            # memory.
            tile = network.leveled(padded[..., above:below, before:behind], level)
            done = network.net(tile.contiguous(memory_format=torch.channels_last))
            shown = done[..., top - above : bottom - above, left - before : right - before]
            output[..., top:bottom, left:right] = network.bounded(shown)
            report(shown.shape[-2] * shown.shape[-1], height * width)
    return output[inside]


def _spans(size: int, core: int, margin: int, factor: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield the limits of each core and of its tile.

    `factor` divides the tile's side if there is room.
    """
    for start in range(0, size, core):
        stop = min(start + core, size)
        end = min(stop + margin, size)
        side = math.ceil((end - max(0, start - margin)) / factor) * factor
        begin = max(0, end - side)
        yield start, stop, begin, min(begin + side, size)
