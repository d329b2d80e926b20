"""Training batches as a function of the step alone: what makes a resumed run equal to an uninterrupted one."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from denoise.datasets.base import Pictures
from denoise.noise import BatchDraws, corrupt
from denoise.views import WAYS, turned


class Batches:
    """Clean and freshly corrupted pictures for each step, and the levels of their noise as far as they are told.

    Every picture is seen once an epoch, in an order that (seed, epoch) decides; crops, levels and noise are drawn from
    (seed, step). The uint8 pictures stay on the device, so a batch is a few tensor operations.

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
        sides = {tuple(image.shape[-2:]) for image in pictures}
        if not patch and len(sides) > 1:
            raise ValueError(
                f"the pictures of {pictures.name} differ in size: give --patch, the side of a crop in pixels"
            )
        if patch and patch > min(min(side) for side in sides):
            raise ValueError(f"--patch {patch} is larger than the smallest picture of {pictures.name}: {min(sides)}")
        if flips and not patch and any(height != width for height, width in sides):
            raise ValueError(f"--flips turns pictures; those of {pictures.name} are not square: give --patch")
        if any(image.shape[0] not in (1, channels) for image in pictures):
            raise ValueError(f"{pictures.name} has colour pictures: give --channels 3")
        images = pictures.images
        self.images = images.to(device) if isinstance(images, Tensor) else [image.to(device) for image in images]
        self.dirty = [image.to(device) for image in pictures.dirty]
        self.size, self.channels, self.patch = size, channels, patch
        self.flips, self.untold = flips, untold
        self.noise, self.sigma, self.clip = noise, sigma, clip
        self.seed, self.device = seed, device
        self._epoch, self._order = -1, torch.empty(0)
        self._corrupted = None if fresh else self._corrupted_once()

    def __call__(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        """The clean and the noisy pictures of a step, each (size, C, H, W) float32, and the levels told, (size,)."""
        generator = torch.Generator(self.device).manual_seed(_mixed(self.seed, 1, step))
        indices = [self._index(position) for position in range(step * self.size, (step + 1) * self.size)]
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
        return corrupt(given, levels, BatchDraws(generator), noise=self.noise, clip=self.clip), levels

    def _corrupted_once(self) -> tuple[Tensor, Tensor]:
        """Every picture under its one noise, (N, C, H, W) float32, and the levels, (N,)."""
        generator = torch.Generator(self.device).manual_seed(_mixed(self.seed, 2, 0))
        parts = torch.arange(len(self.images)).split(self.size)
        corrupted = [self._corrupt(self._pictures(part.tolist(), generator)[1], generator) for part in parts]
        noisy, levels = zip(*corrupted, strict=True)
        return torch.cat(noisy), torch.cat(levels)

    def _pictures(self, indices: list[int], generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """The clean pictures, and what noise is added to; both cut and turned alike."""
        if not self.patch and not self.flips and isinstance(self.images, Tensor):
            batch = self._unit(self.images[indices])
            return batch, batch
        views = [self._view(self.images[i].shape[-2:], generator) for i in indices]
        clean = self._unit(torch.stack([view(self.images[i]) for view, i in zip(views, indices, strict=True)]))
        if not self.dirty:
            return clean, clean
        return clean, self._unit(torch.stack([view(self.dirty[i]) for view, i in zip(views, indices, strict=True)]))

    def _unit(self, batch: Tensor) -> Tensor:
        return batch.expand(-1, self.channels, -1, -1).float() / 255

    def _index(self, position: int) -> int:
        epoch, place = divmod(position, len(self.images))
        if epoch != self._epoch:
            generator = torch.Generator().manual_seed(_mixed(self.seed, 0, epoch))
            self._epoch, self._order = epoch, torch.randperm(len(self.images), generator=generator).tolist()
        return self._order[place]

    def _view(self, sides: tuple[int, int], generator: torch.Generator) -> Callable[[Tensor], Tensor]:
        """A random crop, turned and mirrored at random, as a function of (C, H, W) that can be used again."""
        patch = self.patch or max(sides)
        fractions = torch.rand(2, generator=generator, device=self.device).tolist() if self.patch else (0.0, 0.0)
        top, left = (int(f * max(1, side - patch + 1)) for f, side in zip(fractions, sides, strict=True))
        way = int(torch.randint(WAYS, (), generator=generator, device=self.device)) if self.flips else 0

        def view(image: Tensor) -> Tensor:
            crop = image[:, top : top + patch, left : left + patch].expand(self.channels, -1, -1)
            return turned(crop, way)

        return view


def _mixed(seed: int, stream: int, counter: int) -> int:
    # PyTorch's processor generator keeps 32 bits of its seed: the three numbers are mixed into that many.
    value = (seed * 0x9E3779B1 + stream * 0x85EBCA77 + counter * 0xC2B2AE3D + 0x27D4EB2F) & 0xFFFFFFFF
    value = ((value ^ (value >> 15)) * 0x2C1B3C6D) & 0xFFFFFFFF
    return value ^ (value >> 13)
