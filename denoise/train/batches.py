"""Training batches as a function of the step alone: a resumed run equals an uninterrupted one."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from denoise.datasets.base import Pictures
from denoise.images.dihedral import WAYS
from denoise.noise import BatchDraws, corrupt_unchecked
from denoise.train.store import Store


class Batches:
    """Clean and noisy images for each step, with the noise levels for a noise-conditional network.

    Every image is seen once per epoch, in an order that depends on (seed, epoch). Crops, levels and
    noise depend on (seed, step). The uint8 images stay on the device, and a batch takes a few
    tensor operations for any number of images. No operation synchronizes with the device.

    Parameters
    ----------
    pictures : Pictures
    size : int
        Images per batch.
    channels : int
        Gray images are repeated to this many channels; color images must have this many.
    patch : int
        Side of a random square crop in pixels; 0 takes whole images, which must then have one size.
    sigma : tuple of float
        Lowest and highest noise level; each image gets a uniform draw. Noise is added to the dirty
        images of a dataset that has such images, else to the clean images.
    online_noise : bool
        Online noise: new noise each time an image is seen; without it, each image is corrupted
        once, as in tutorials.
    dihedral : bool
        Apply a random dihedral transformation to an image each time it is seen.
    noise_dropout : float
        Share of images whose level is given as 0, which means unknown.
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
        online_noise: bool = True,
        dihedral: bool = False,
        noise_dropout: float = 0.0,
        seed: int,
        device: torch.device,
    ) -> None:
        sides = {(height, width) for _, height, width in pictures.shapes}
        largest_patch = min(map(min, sides))
        if not patch and len(sides) > 1:
            raise ValueError(
                f"the images of {pictures.name} differ in size: give --patch, the side of a crop, "
                f"at most {largest_patch} pixels"
            )
        if patch > largest_patch:
            key = next(
                key
                for key, one in zip(pictures.keys, pictures, strict=True)
                if largest_patch in one.shape[1:]
            )
            raise ValueError(
                f"--patch {patch} exceeds the smallest image of {pictures.name}, {key}; "
                f"valid: at most {largest_patch}"
            )
        if dihedral and not patch and any(height != width for height, width in sides):
            raise ValueError(
                f"--dihedral turns images; those of {pictures.name} are not square: give --patch"
            )
        if any(own not in (1, channels) for own, _, _ in pictures.shapes):
            raise ValueError(f"{pictures.name} has color images: give --channels 3")
        side = patch or (max(sides.pop()) if dihedral else 0)
        self.clean = Store(pictures.images, channels, side, device)
        self.dirty = Store(pictures.dirty, channels, side, device) if pictures.dirty else self.clean
        self.size, self.patch = size, patch
        self.dihedral, self.noise_dropout = dihedral, noise_dropout
        self.noise, self.sigma, self.clip = noise, sigma, clip
        self.seed, self.device = seed, device
        self._epoch, self._order = -1, torch.empty(0)
        self._corrupted = None if online_noise else self._corrupted_once()

    def __call__(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return the clean images, the noisy images and the given levels of a step.

        Images are (size, C, H, W) float32, levels are (size,).
        """
        generator = torch.Generator(self.device).manual_seed(_mixed(self.seed, 1, step))
        indices = self._indices(step * self.size)
        clean, given = self._images(indices, generator)
        if self._corrupted is not None:
            noisy, levels = (of_all[indices] for of_all in self._corrupted)
            return clean, noisy.expand_as(clean), levels
        noisy, levels = self._corrupt(given, generator)
        if self.noise_dropout:
            hidden = (
                torch.rand(len(levels), generator=generator, device=self.device)
                < self.noise_dropout
            )
            levels = levels.masked_fill(hidden, 0.0)
        return clean, noisy, levels

    def _corrupt(self, given: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        low, high = self.sigma
        levels = low + (high - low) * torch.rand(
            len(given), generator=generator, device=self.device
        )
        noisy = corrupt_unchecked(
            given, levels, BatchDraws(generator), noise=self.noise, clip=self.clip
        )
        return noisy, levels

    def _corrupted_once(self) -> tuple[Tensor, Tensor]:
        """Corrupt every image once; return (N, C, H, W) float32 and the levels, (N,)."""
        generator = torch.Generator(self.device).manual_seed(_mixed(self.seed, 2, 0))
        parts = torch.arange(len(self.clean), device=self.device).split(self.size)
        corrupted = [self._corrupt(self._images(part, generator)[1], generator) for part in parts]
        noisy, levels = zip(*corrupted, strict=True)
        return torch.cat(noisy), torch.cat(levels)

    def _images(self, indices: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return the clean images and the images to corrupt, with equal crops and orientation."""
        view = self._view(indices, generator)
        clean = view(self.clean).float() / 255
        return clean, clean if self.dirty is self.clean else view(self.dirty).float() / 255

    def _view(self, indices: Tensor, generator: torch.Generator) -> Callable[[Store], Tensor]:
        """Return a function from a store to whole images, or to random crops.

        Each call takes the same crops and dihedral transformations.
        """
        if not self.patch and not self.dihedral:
            return lambda store: store.whole(indices)
        count = len(indices)
        places = torch.rand(count, 2, generator=generator, device=self.device)
        ways = torch.randint(
            WAYS if self.dihedral else 1, (count,), generator=generator, device=self.device
        )
        return lambda store: store.crops(indices, places, ways)

    def _indices(self, first: int) -> Tensor:
        """Return the dataset indices, (size,), of the batch that begins at image `first`.

        `first` counts all images of the training.
        """
        parts, wanted = [], self.size
        while wanted:
            epoch, place = divmod(first + self.size - wanted, len(self.clean))
            parts.append(self._order_of(epoch)[place : place + wanted])
            wanted -= len(parts[-1])
        return torch.cat(parts)

    def _order_of(self, epoch: int) -> Tensor:
        if epoch != self._epoch:
            generator = torch.Generator().manual_seed(_mixed(self.seed, 0, epoch))
            self._epoch, self._order = (
                epoch,
                torch.randperm(len(self.clean), generator=generator).to(self.device),
            )
        return self._order


def _mixed(seed: int, stream: int, counter: int) -> int:
    # PyTorch's CPU generator keeps 32 bits of its seed: the three numbers are mixed into 32 bits.
    value = (
        seed * 0x9E3779B1 + stream * 0x85EBCA77 + counter * 0xC2B2AE3D + 0x27D4EB2F
    ) & 0xFFFFFFFF
    value = ((value ^ (value >> 15)) * 0x2C1B3C6D) & 0xFFFFFFFF
    return value ^ (value >> 13)
