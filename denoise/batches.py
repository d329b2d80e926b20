"""Training batches as a function of the step alone: what makes a resumed run equal to an uninterrupted one."""

from __future__ import annotations

import torch
from torch import Tensor

from denoise.datasets.base import Pictures
from denoise.noise import BatchDraws, corrupt


class Batches:
    """Clean and freshly corrupted pictures for each step.

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
        Lowest and highest level; each picture gets a uniform draw.
    fresh : bool
        New noise each time that a picture is seen; without, each picture is corrupted once, as tutorials do.
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
        if any(image.shape[0] not in (1, channels) for image in pictures):
            raise ValueError(f"{pictures.name} has colour pictures: give --channels 3")
        images = pictures.images
        self.images = images.to(device) if isinstance(images, Tensor) else [image.to(device) for image in images]
        self.size, self.channels, self.patch = size, channels, patch
        self.noise, self.sigma, self.clip = noise, sigma, clip
        self.seed, self.device = seed, device
        self._epoch, self._order = -1, torch.empty(0)
        self._noisy = None if fresh else self._corrupted_once()

    def __call__(self, step: int) -> tuple[Tensor, Tensor]:
        """The (clean, noisy) pair of a step, each (size, C, H, W) float32."""
        generator = torch.Generator(self.device).manual_seed(_mixed(self.seed, 1, step))
        indices = [self._index(position) for position in range(step * self.size, (step + 1) * self.size)]
        clean = self._clean(indices, generator)
        if self._noisy is not None:
            return clean, self._noisy[indices].expand_as(clean)
        return clean, self._corrupt(clean, generator)

    def _corrupt(self, clean: Tensor, generator: torch.Generator) -> Tensor:
        low, high = self.sigma
        levels = low + (high - low) * torch.rand(len(clean), generator=generator, device=self.device)
        return corrupt(clean, levels, BatchDraws(generator), noise=self.noise, clip=self.clip)

    def _corrupted_once(self) -> Tensor:
        """Every picture under its one noise, (N, C, H, W) float32."""
        generator = torch.Generator(self.device).manual_seed(_mixed(self.seed, 2, 0))
        parts = torch.arange(len(self.images)).split(self.size)
        return torch.cat([self._corrupt(self._clean(part.tolist(), generator), generator) for part in parts])

    def _clean(self, indices: list[int], generator: torch.Generator) -> Tensor:
        if self.patch:
            batch = torch.stack([self._crop(self.images[i], generator) for i in indices])
        elif isinstance(self.images, Tensor):
            batch = self.images[indices]
        else:
            batch = torch.stack([self.images[i] for i in indices])
        return batch.expand(-1, self.channels, -1, -1).float() / 255

    def _index(self, position: int) -> int:
        epoch, place = divmod(position, len(self.images))
        if epoch != self._epoch:
            generator = torch.Generator().manual_seed(_mixed(self.seed, 0, epoch))
            self._epoch, self._order = epoch, torch.randperm(len(self.images), generator=generator).tolist()
        return self._order[place]

    def _crop(self, image: Tensor, generator: torch.Generator) -> Tensor:
        height, width = image.shape[-2:]
        fractions = torch.rand(2, generator=generator, device=self.device).tolist()
        top, left = (int(f * (side - self.patch + 1)) for f, side in zip(fractions, (height, width), strict=True))
        crop = image[:, top : top + self.patch, left : left + self.patch]
        return crop.expand(self.channels, -1, -1)


def _mixed(seed: int, stream: int, counter: int) -> int:
    # PyTorch's processor generator keeps 32 bits of its seed: the three numbers are mixed into that many.
    value = (seed * 0x9E3779B1 + stream * 0x85EBCA77 + counter * 0xC2B2AE3D + 0x27D4EB2F) & 0xFFFFFFFF
    value = ((value ^ (value >> 15)) * 0x2C1B3C6D) & 0xFFFFFFFF
    return value ^ (value >> 13)
