"""The eight ways to turn and mirror a picture: training shows a network all of them, and an answer may be averaged over
them.

References
----------
Timofte, Rothe and Van Gool, "Seven ways to improve example-based single image super resolution", 2016,
https://arxiv.org/abs/1511.02228, call the average "enhanced prediction"; others "self-ensemble".
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

WAYS = 8


def turned(x: Tensor, way: int) -> Tensor:
    """(..., H, W), mirrored from way 4 on, and turned by `way` quarters; (..., W, H) where `way` is odd."""
    x = x.flip(-1) if way >= 4 else x
    return x.rot90(way % 4, (-2, -1)) if way % 4 else x


def turned_back(x: Tensor, way: int) -> Tensor:
    """What `turned` made this of."""
    x = x.rot90(-(way % 4), (-2, -1)) if way % 4 else x
    return x.flip(-1) if way >= 4 else x


def average(clean: Callable[[Tensor], Tensor], noisy: Tensor) -> Tensor:
    """The mean of what `clean` makes of (N, C, H, W) turned in each way, turned back; it takes eight times as long."""
    total = clean(noisy).clone()
    for way in range(1, WAYS):
        total += turned_back(clean(turned(noisy, way)), way)
    return total / WAYS
