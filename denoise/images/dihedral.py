"""Dihedral transformations: the eight ways to turn and mirror an image.

References
----------
Timofte, Rothe and Van Gool, "Seven ways to improve example-based single image super resolution",
2016, https://arxiv.org/abs/1511.02228, call the average "enhanced prediction"; later papers call it
"self-ensemble".
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

WAYS = 8


def turned(x: Tensor, way: int) -> Tensor:
    """Transform (..., H, W): mirror from way 4 on, turn by `way` quarters.

    The output is (..., W, H) if `way` is odd.
    """
    x = x.flip(-1) if way >= 4 else x
    return x.rot90(way % 4, (-2, -1)) if way % 4 else x


def turned_back(x: Tensor, way: int) -> Tensor:
    """Invert `turned`."""
    x = x.rot90(-(way % 4), (-2, -1)) if way % 4 else x
    return x.flip(-1) if way >= 4 else x


def average(clean: Callable[[Tensor], Tensor], noisy: Tensor) -> Tensor:
    """Average `clean` over the eight dihedral views of (N, C, H, W); each output is turned back.

    The average takes eight times as long as one output.
    """
    total = clean(noisy).clone()
    for way in range(1, WAYS):
        total += turned_back(clean(turned(noisy, way)), way)
    return total / WAYS
