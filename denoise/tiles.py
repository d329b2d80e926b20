"""Pictures too large to go through a network at once: tiles that overlap by as far as the network sees.

So each pixel of a tile's core depends on nothing outside the tile, and the answer is that of the whole picture: there
is no seam to hide, and nothing to blend.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from fractions import Fraction

import torch
from torch import Tensor

from denoise.anysize import AnySize

FACTOR = 16
"""Of the sides of a tile, wherever it is in the network: oneDNN takes several times as long for a convolution whose
width is a large prime number."""

_size: ContextVar[int | None] = ContextVar("tile_size", default=None)
_finished: ContextVar[Callable[[Fraction], None] | None] = ContextVar("tile_finished", default=None)


@contextmanager
def sized(pixels: int, finished: Callable[[float], None]) -> Iterator[None]:
    """Set the size of the tiles of every network that runs in this context, and report their progress.

    A context and no argument, because the functions between the caller and the network need not know of tiles.

    Parameters
    ----------
    pixels : int
        Pixels of a tile beside its overlap, about.
    finished : callable
        Called after each tile, or image without tiles, with the finished share of one call of a `Denoiser`. The share
        grows from call to call and is 1.0 in the last.
    """
    done = Fraction(0)

    def add(share: Fraction) -> None:
        nonlocal done
        done += share
        muted = _finished.set(None)  # networks that the callback runs are no part of the work
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
    """Count the work in this context as `part` of the `whole` around it. The parts of a work must add up to the whole.

    Exact fractions are added, so that the last share is 1 and no share exceeds 1.
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
    """Report `part` of the `whole` work of the present context (`weighted`) as finished."""
    if heard := _finished.get():
        heard(Fraction(part, whole))


def size(usual: int) -> int:
    """Return the size that the context asks for (`sized`), without one `usual`."""
    asked = _size.get()
    return usual if asked is None else asked


def largest(network: AnySize, pixels: int) -> float:
    """Return the pixels of the largest image that takes no more memory than a tile of that size with its overlap."""
    return math.inf if network.reach is None else (math.isqrt(pixels) + 2 * network.reach) ** 2


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
    padded, inside = network.padded(x)
    unit = network.multiple
    margin = math.ceil(network.reach / unit) * unit
    core = max(math.isqrt(pixels), 2 * margin) // unit * unit or unit
    height, width = padded.shape[-2:]
    answer = torch.empty(padded.shape, dtype=torch.float32, device=x.device)
    for top, bottom, above, below in _spans(height, core, margin, unit * FACTOR):
        for left, right, before, behind in _spans(width, core, margin, unit * FACTOR):
            # For each tile alone, not for the whole image: the level, and values beyond [0, 1]. It halves the memory.
            tile = network.leveled(padded[..., above:below, before:behind], level)
            done = network.net(tile.contiguous(memory_format=torch.channels_last))
            shown = done[..., top - above : bottom - above, left - before : right - before]
            answer[..., top:bottom, left:right] = network.bounded(shown)
            report(shown.shape[-2] * shown.shape[-1], height * width)
    return answer[inside]


def _spans(size: int, core: int, margin: int, factor: int) -> Iterator[tuple[int, int, int, int]]:
    """Where each core begins and ends, and where its tile does: of a side that `factor` divides, if there is room."""
    for start in range(0, size, core):
        stop = min(start + core, size)
        end = min(stop + margin, size)
        side = math.ceil((end - max(0, start - margin)) / factor) * factor
        begin = max(0, end - side)
        yield start, stop, begin, min(begin + side, size)
