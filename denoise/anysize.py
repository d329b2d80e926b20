"""The wrapper that makes any network take any picture size, and the registry of networks."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from denoise.registry import Registry

WHOLE = (...,)  # where the picture lies in an answer of its own size

ARCHITECTURES = Registry("architecture")
"""Each entry builds `(channels, **options) -> AnySize`."""


class AnySize(nn.Module):
    """Pad, run the network, crop, bound: what every network here shares.

    Height and width are padded to the next size that the network maps to itself, by reflection where the picture is
    large enough and by repeating the border where it is not (reflection of a 1x1 or 2x2 picture does not exist).

    Parameters
    ----------
    net : nn.Module
        (N, C, H, W) -> (N, C, H, W), for H and W in `remainder + multiple * k`, at least `minimum`.
    multiple, remainder, minimum : int
        The sizes that `net` takes.
    sigmoid : bool
        `net` answers with logits; without, with the picture itself, which may leave [0, 1] a little.
    told : bool
        `net` takes one channel more than the picture has: the level of the noise.
    reach : int, optional
        How many pixels away a pixel of the answer can depend on the input; None where that is not known. Large
        pictures are cleaned in tiles that overlap by it.
    """

    def __init__(
        self,
        net: nn.Module,
        multiple: int,
        remainder: int = 0,
        minimum: int = 1,
        *,
        sigmoid: bool = True,
        told: bool = False,
        reach: int | None = None,
    ) -> None:
        super().__init__()
        self.net = net
        self.multiple, self.remainder, self.minimum = multiple, remainder, minimum
        self.sigmoid, self.told, self.reach = sigmoid, told, reach
        self.within = False  # whether `net` itself keeps to [0, 1], as one that was lowered may

    def logits(self, x: Tensor, level: float | Tensor | None = None) -> Tensor:
        """What a loss trains on.

        Parameters
        ----------
        x : Tensor
            (N, C, H, W) in about [0, 1].
        level : float or Tensor, optional
            The level of the noise, one or (N,), in units of the [0, 1] range; 0 or None: not known. Only a network
            that is `told` looks at it.

        Returns
        -------
        Tensor
            (N, C, H, W): the estimate before the sigmoid, or, without one, the estimate before it is clamped.
        """
        entering, inside = self.fitted(x, level)
        answer = self.net(entering)
        return answer if inside == WHOLE else answer[inside]

    def fitted(self, x: Tensor, level: float | Tensor | None = None) -> tuple[Tensor, tuple[Any, ...]]:
        """What `net` is given for the `x` and `level` of `logits`, and where in its answer the picture lies."""
        padded, inside = self.padded(x)
        return self.leveled(padded, level), inside

    def leveled(self, x: Tensor, level: float | Tensor | None = None) -> Tensor:
        """Append the channel of the noise level, for a network that is `told`. `level` as for `logits`."""
        if not self.told:
            return x
        levels = torch.as_tensor(0.0 if level is None else level, dtype=x.dtype, device=x.device)
        return torch.cat([x, levels.expand(len(x)).view(-1, 1, 1, 1).expand(-1, 1, *x.shape[-2:])], dim=1)

    def padded(self, x: Tensor) -> tuple[Tensor, tuple[Any, ...]]:
        """Pad `x` to a size that `net` takes; return it, and the place of the image in it."""
        height, width = x.shape[-2:]
        top, bottom = self._padding(height)
        left, right = self._padding(width)
        if not (top or bottom or left or right):
            return x, WHOLE
        return _pad(x, (left, right, top, bottom)), (..., slice(top, top + height), slice(left, left + width))

    def picture(self, logits: Tensor) -> Tensor:
        """The estimate that `logits` stand for; not clamped, so that a loss on it has gradients everywhere."""
        return logits.sigmoid() if self.sigmoid else logits

    def forward(self, x: Tensor, level: float | Tensor | None = None) -> Tensor:
        """(N, C, H, W) in about [0, 1] -> the estimate in [0, 1], same shape, float32. `level` as for `logits`."""
        return self.bounded(self.logits(x, level))

    def bounded(self, logits: Tensor) -> Tensor:
        """The estimate in [0, 1], float32, that `logits` stand for."""
        picture = self.picture(logits.float())
        return picture if self.sigmoid or self.within else picture.clamp(0, 1)

    def _padding(self, size: int) -> tuple[int, int]:
        fitting = max(size, self.minimum)
        fitting += (self.remainder - fitting) % self.multiple
        before = (fitting - size) // 2
        return before, fitting - size - before


def _pad(x: Tensor, sides: tuple[int, int, int, int]) -> Tensor:
    left, right, top, bottom = sides
    height, width = x.shape[-2:]
    mode = "reflect" if max(top, bottom) < height and max(left, right) < width else "replicate"
    return F.pad(x, sides, mode=mode)
