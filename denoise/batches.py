"""Training batches as a function of the step alone: what makes a resumed run equal to an uninterrupted one."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from denoise.datasets.base import Pictures
from denoise.noise import BatchDraws, corrupt_unchecked
from denoise.store import Store
from denoise.views import WAYS


class Batches:
    """Clean and freshly corrupted pictures for each step, and the levels of their noise as far as they are told.

    Every picture is seen once an epoch, in an order that (seed, epoch) decides; crops, levels and noise are drawn from
    (seed, step). The uint8 pictures stay on the device, and a batch is a few tensor operations, however many pictures
    it has: nothing is asked of the device that it would have to be waited for.

    Parameters
    ----------
    pictures : Pictures
    size : int
        Pictures a batch.
    channels : int
        Gray pictures are repeated to this many channels; colour pictures must have them.
    patch : int
        Side of a random square crop in pixels; 0 takes whole pictures, which must then be of one size.
    sigma : tuple of float
        Lowest and highest level; each picture gets a uniform draw. Noise is added to the dirty pictures of a dataset
        that has them, else to the clean ones.
    fresh : bool
        New noise each time that a picture is seen; without, each picture is corrupted once, as tutorials do.
    flips : bool
        Each time a picture is seen it is turned and mirrored in one of the eight ways that keep its pixels.
    untold : float
        The share of pictures whose level is given as 0, not known.
    """

    def __init__(
        self,
        pictures: Pictures,
        *,
        size: int,
        channels: int,
        patch: int,
        noise: str,
        sigma: tuple[float, float],
        clip: bool,
        fresh: bool = True,
        flips: bool = False,
        untold: float = 0.0,
        seed: int,
        device: torch.device,
    ) -> None:
        sides = {(height, width) for _, height, width in pictures.shapes}
        largest_patch = min(map(min, sides))
        if not patch and len(sides) > 1:
            raise ValueError(
                f"the pictures of {pictures.name} differ in size: give --patch, the side of a crop in pixels, "
                f"at most {largest_patch}"
            )
        if patch > largest_patch:
            key = next(key for key, one in zip(pictures.keys, pictures, strict=True) if largest_patch in one.shape[1:])
            raise ValueError(
                f"--patch {patch} is larger than the smallest picture of {pictures.name}, {key}; "
                f"valid: at most {largest_patch}"
            )
        if flips and not patch and any(height != width for height, width in sides):
            raise ValueError(f"--flips turns pictures; those of {pictures.name} are not square: give --patch")
        if any(own not in (1, channels) for own, _, _ in pictures.shapes):
            raise ValueError(f"{pictures.name} has colour pictures: give --channels 3")
        side = patch or (max(sides.pop()) if flips else 0)
        self.clean = Store(pictures.images, channels, side, device)
        self.dirty = Store(pictures.dirty, channels, side, device) if pictures.dirty else self.clean
        self.size, self.patch = size, patch
        self.flips, self.untold = flips, untold
        self.noise, self.sigma, self.clip = noise, sigma, clip
        self.seed, self.device = seed, device
        self._epoch, self._order = -1, torch.empty(0)
        self._corrupted = None if fresh else self._corrupted_once()

    def __call__(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        """The clean and the noisy pictures of a step, each (size, C, H, W) float32, and the levels told, (size,)."""
        generator = torch.Generator(self.device).manual_seed(_mixed(self.seed, 1, step))
        indices = self._indices(step * self.size)
        clean, given = self._pictures(indices, generator)
        if self._corrupted is not None:
            noisy, levels = (of_all[indices] for of_all in self._corrupted)
            return clean, noisy.expand_as(clean), levels
        noisy, levels = self._corrupt(given, generator)
        if self.untold:
            hidden = torch.rand(len(levels), generator=generator, device=self.device) < self.untold
            levels = levels.masked_fill(hidden, 0.0)
        return clean, noisy, levels

    def _corrupt(self, given: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        low, high = self.sigma
        levels = low + (high - low) * torch.rand(len(given), generator=generator, device=self.device)
        noisy = corrupt_unchecked(given, levels, BatchDraws(generator), noise=self.noise, clip=self.clip)
        return noisy, levels

    def _corrupted_once(self) -> tuple[Tensor, Tensor]:
        """Every picture under its one noise, (N, C, H, W) float32, and the levels, (N,)."""
        generator = torch.Generator(self.device).manual_seed(_mixed(self.seed, 2, 0))
        parts = torch.arange(len(self.clean), device=self.device).split(self.size)
        corrupted = [self._corrupt(self._pictures(part, generator)[1], generator) for part in parts]
        noisy, levels = zip(*corrupted, strict=True)
        return torch.cat(noisy), torch.cat(levels)

    def _pictures(self, indices: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """The clean pictures, and what noise is added to; both cut and turned alike."""
        view = self._view(indices, generator)
        clean = view(self.clean).float() / 255
        return clean, clean if self.dirty is self.clean else view(self.dirty).float() / 255

    def _view(self, indices: Tensor, generator: torch.Generator) -> Callable[[Store], Tensor]:
        """Whole pictures, or a random crop of each turned and mirrored at random, as often as it is asked for."""
        if not self.patch and not self.flips:
            return lambda store: store.whole(indices)
        count = len(indices)
        places = torch.rand(count, 2, generator=generator, device=self.device)
        ways = torch.randint(WAYS if self.flips else 1, (count,), generator=generator, device=self.device)
        return lambda store: store.crops(indices, places, ways)

    def _indices(self, first: int) -> Tensor:
        """Which pictures the next `size` are, (size,), counted from the first of the training."""
        parts, wanted = [], self.size
        while wanted:
            epoch, place = divmod(first + self.size - wanted, len(self.clean))
            parts.append(self._order_of(epoch)[place : place + wanted])
            wanted -= len(parts[-1])
        return torch.cat(parts)

    def _order_of(self, epoch: int) -> Tensor:
        if epoch != self._epoch:
            generator = torch.Generator().manual_seed(_mixed(self.seed, 0, epoch))
            self._epoch, self._order = epoch, torch.randperm(len(self.clean), generator=generator).to(self.device)
        return self._order


def _mixed(seed: int, stream: int, counter: int) -> int:
    # PyTorch's processor generator keeps 32 bits of its seed: the three numbers are mixed into that many.
    value = (seed * 0x9E3779B1 + stream * 0x85EBCA77 + counter * 0xC2B2AE3D + 0x27D4EB2F) & 0xFFFFFFFF
    value = ((value ^ (value >> 15)) * 0x2C1B3C6D) & 0xFFFFFFFF
    return value ^ (value >> 13)
