"""Wrapper that lets a network take images of any size, and the registry of architectures."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from denoise.registry import Registry

WHOLE = (...,)  # position of the image in an output of its own size

ARCHITECTURES = Registry("architecture")
"""Registry entries build `(channels, **options) -> AnySize`."""


class AnySize(nn.Module):
    """Network wrapper of all architectures: pad, compute, crop and bound to [0, 1].

    Height and width are padded to the next size that the network maps to itself. Padding is by
    reflection if the image is large enough, else by repeating the border (a 1x1 or 2x2 image cannot
    be reflected).

    Parameters
    ----------
    net : nn.Module
        (N, C, H, W) -> (N, C, H, W), for H and W in `remainder + multiple * k`, at least `minimum`.
    multiple, remainder, minimum : int
        Sizes that `net` takes.
    sigmoid : bool
        `net` returns logits; without it, `net` returns the image, which may leave [0, 1] slightly.
    noise_conditional : bool
        Noise-conditional: `net` takes one more channel than the image has, the noise level.
    reach : int, optional
        Largest distance in pixels between an output pixel and an input pixel that it depends on;
        None if unknown. Large images are processed in tiles with this overlap.
    """

    def __init__(
        self,
        net: nn.Module,
        multiple: int,
        remainder: int = 0,
        minimum: int = 1,
        *,
        sigmoid: bool = True,
        noise_conditional: bool = False,
        reach: int | None = None,
    ) -> None:
        super().__init__()
        self.net = net
        self.multiple, self.remainder, self.minimum = multiple, remainder, minimum
        self.sigmoid, self.reach = sigmoid, reach
        self.noise_conditional = noise_conditional
        self.within = False  # `net` itself keeps to [0, 1], as a lowered network may

    def logits(self, x: Tensor, level: float | Tensor | None = None) -> Tensor:
        """Return the tensor that a loss trains on.

        Parameters
        ----------
        x : Tensor
            (N, C, H, W) in about [0, 1].
        level : float or Tensor, optional
            Noise level, one or (N,), in units of the [0, 1] range; 0 or None: unknown. Only a
            noise-conditional network uses it.

        Returns
        -------
        Tensor
            (N, C, H, W): the estimate before the sigmoid, or before the clamp if there is no
            sigmoid.
        """
        entering, inside = self.fitted(x, level)
        output = self.net(entering)
        return output if inside == WHOLE else output[inside]

    def fitted(
        self, x: Tensor, level: float | Tensor | None = None
    ) -> tuple[Tensor, tuple[Any, ...]]:
        """Return the input of `net` for `logits`, and the position of the image in its output."""
        padded, inside = self.padded(x)
        return self.leveled(padded, level), inside

    def leveled(self, x: Tensor, level: float | Tensor | None = None) -> Tensor:
        """Append the channel of the noise level if the network is noise-conditional.

        `level` is that of `logits`.
        """
        if not self.noise_conditional:
            return x
        levels = torch.as_tensor(0.0 if level is None else level, dtype=x.dtype, device=x.device)
        return torch.cat(
            [x, levels.expand(len(x)).view(-1, 1, 1, 1).expand(-1, 1, *x.shape[-2:])], dim=1
        )

    def padded(self, x: Tensor) -> tuple[Tensor, tuple[Any, ...]]:
        """Pad `x` to a size that `net` takes; return it with the position of the image in it."""
        height, width = x.shape[-2:]
        top, bottom = self._padding(height)
        left, right = self._padding(width)
        if not (top or bottom or left or right):
            return x, WHOLE
        return _pad(x, (left, right, top, bottom)), (
            ...,
            slice(top, top + height),
            slice(left, left + width),
        )

    def picture(self, logits: Tensor) -> Tensor:
        """Return the estimate of `logits`.

        It is not clamped, so that a loss on it has gradients everywhere.
        """
        return logits.sigmoid() if self.sigmoid else logits

    def forward(self, x: Tensor, level: float | Tensor | None = None) -> Tensor:
        """Denoise (N, C, H, W) in about [0, 1].

        Return [0, 1], same shape, float32. `level` is that of `logits`.
        """
        return self.bounded(self.logits(x, level))

    def bounded(self, logits: Tensor) -> Tensor:
        """Return the estimate of `logits`, clamped to [0, 1], float32."""
        estimate = self.picture(logits.float())
        return estimate if self.sigmoid or self.within else estimate.clamp(0, 1)

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
