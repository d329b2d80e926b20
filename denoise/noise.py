"""Corruptions by name, each deterministic per image.

A noise is a function `(clean, level, draws) -> noisy`. `clean` is (N, C, H, W) float32 in [0, 1],
and `level` is (N, 1, 1, 1) in the units of the noise. `draws` is a source of random numbers. The
output may leave [0, 1]; `corrupt` clamps it if asked. Clipped and unclipped noise are different
corruptions and never share a column of a table.
"""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from denoise.registry import Registry

NOISES = Registry("noise")
"""Registry of noises.

Facts of an entry: `unit` is the unit of the level, `largest` the highest valid level, `levels` the
levels of the tables. `photographic` marks a noise for the tables of photographs only.
"""


class Draws(Protocol):
    """Source of random numbers."""

    def normal(self, like: Tensor) -> Tensor:
        """Draw standard normal numbers of the shape, dtype and device of `like` (N, C, H, W)."""

    def uniform(self, like: Tensor) -> Tensor:
        """Draw numbers in [0, 1) of the shape, dtype and device of `like` (N, C, H, W)."""

    def poisson(self, rate: Tensor) -> Tensor:
        """Draw counts with the expectations `rate` (N, C, H, W), in its dtype and on its device."""


class BatchDraws:
    """Random numbers for training: new for each batch, from one generator."""

    def __init__(self, generator: torch.Generator) -> None:
        self.generator = generator

    def normal(self, like: Tensor) -> Tensor:
        """Draw standard normal numbers, as in `Draws`."""
        return torch.randn(like.shape, generator=self.generator, device=self.generator.device).to(
            like
        )

    def uniform(self, like: Tensor) -> Tensor:
        """Draw numbers in [0, 1), as in `Draws`."""
        return torch.rand(like.shape, generator=self.generator, device=self.generator.device).to(
            like
        )

    def poisson(self, rate: Tensor) -> Tensor:
        """Draw counts with the expectations `rate`, as in `Draws`."""
        return torch.poisson(rate.to(self.generator.device), generator=self.generator).to(rate)


class PictureDraws:
    """Random numbers for evaluation: one counter-based generator (Philox) per image and seed.

    The noise of an image thus depends on its seed alone: not on batch size, order, network or
    device.
    """

    def __init__(self, seeds: Sequence[int]) -> None:
        self.generators = [np.random.Generator(np.random.Philox(key=seed)) for seed in seeds]

    def normal(self, like: Tensor) -> Tensor:
        """Draw standard normal numbers, as in `Draws`."""
        return self._each(
            like, lambda generator, one: generator.standard_normal(one.shape, dtype=np.float32)
        )

    def uniform(self, like: Tensor) -> Tensor:
        """Draw numbers in [0, 1), as in `Draws`."""
        return self._each(
            like, lambda generator, one: generator.random(one.shape, dtype=np.float32)
        )

    def poisson(self, rate: Tensor) -> Tensor:
        """Draw counts with the expectations `rate`, as in `Draws`."""
        return self._each(
            rate, lambda generator, one: generator.poisson(one.cpu().numpy()).astype(np.float32)
        )

    def _each(
        self, like: Tensor, draw: Callable[[np.random.Generator, Tensor], np.ndarray]
    ) -> Tensor:
        if len(like) != len(self.generators):
            raise ValueError(f"{len(like)} images but {len(self.generators)} seeds")
        rows = [draw(generator, one) for generator, one in zip(self.generators, like, strict=True)]
        return torch.from_numpy(np.stack(rows)).to(like)


@NOISES.register(
    "gaussian",
    label="Gaussian",
    unit="standard deviation in units of the [0, 1] range",
    largest=2.0,
    levels=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6),
)
def gaussian(clean: Tensor, level: Tensor, draws: Draws) -> Tensor:
    """Add white Gaussian noise of standard deviation `level`."""
    return clean + level * draws.normal(clean)


@NOISES.register(
    "salt_pepper",
    label="Salt and pepper",
    unit="share of pixels replaced",
    largest=1.0,
    levels=(0.05, 0.1, 0.2),
)
def salt_pepper(clean: Tensor, level: Tensor, draws: Draws) -> Tensor:
    """Replace a share `level` of all values, half of them by 0 and half by 1."""
    chance = draws.uniform(clean)
    return clean.masked_fill(chance < level, 1.0).masked_fill(chance < level / 2, 0.0)


@NOISES.register(
    "poisson",
    label="Poisson",
    unit="standard deviation at white, in units of the [0, 1] range: white is 1 / level**2 photons",
    largest=2.0,
    levels=(0.1, 0.2, 0.4),
)
def poisson(clean: Tensor, level: Tensor, draws: Draws) -> Tensor:
    """Draw photon counts: the variance is `level**2` times the value, so black stays black."""
    white = level.clamp(min=1e-3) ** -2
    return torch.where(level > 0, draws.poisson(clean * white) / white, clean)


@NOISES.register(
    "speckle",
    label="Speckle",
    unit="standard deviation at white, in units of the [0, 1] range",
    largest=2.0,
    levels=(0.2, 0.4, 0.6),
)
def speckle(clean: Tensor, level: Tensor, draws: Draws) -> Tensor:
    """Multiply by Gaussian noise of mean 1 and standard deviation `level`.

    Radar and ultrasound images have such noise.
    """
    return clean + level * clean * draws.normal(clean)


@NOISES.register(
    "masking", label="Masking", unit="share of pixels lost", largest=1.0, levels=(0.1, 0.25, 0.5)
)
def masking(clean: Tensor, level: Tensor, draws: Draws) -> Tensor:
    """Set a share `level` of all values to 0.

    Source: Vincent et al., "Extracting and composing robust features with denoising autoencoders",
    2008.
    """
    return clean.masked_fill(draws.uniform(clean) < level, 0.0)


@NOISES.register(
    "camera",
    label="Camera",
    unit="standard deviation at white, in units of the [0, 1] range",
    largest=2.0,
    levels=(0.05, 0.1, 0.2),
    photographic=True,
)
def camera(clean: Tensor, level: Tensor, draws: Draws) -> Tensor:
    """Add photon noise and read-out noise, whose sigma is a fifth of the total sigma at white.

    The variance is linear in the value (Foi, Trimeche, Katkovnik and Egiazarian, "Practical
    Poissonian-Gaussian noise modeling", 2008).
    """
    return clean + level * (0.04 + 0.96 * clean.clamp(0, 1)).sqrt() * draws.normal(clean)


@NOISES.register(
    "jpeg",
    label="JPEG",
    unit="quality lost: 0.8 is a JPEG of quality 20",
    largest=0.99,
    levels=(0.6, 0.8, 0.9),
    photographic=True,
)
def jpeg(clean: Tensor, level: Tensor, draws: Draws) -> Tensor:
    """Round-trip through JPEG at quality 100 * (1 - level), gray or RGB, in 8 bits.

    Level 0 is the identity.
    """
    noisy = clean.clone()
    for index in torch.nonzero(level.flatten() > 0).flatten().tolist():
        eight = (
            (clean[index].clamp(0, 1) * 255)
            .round()
            .to("cpu", torch.uint8)
            .permute(1, 2, 0)
            .squeeze(2)
            .numpy()
        )
        file = io.BytesIO()
        Image.fromarray(eight).save(
            file, "JPEG", quality=max(1, round(100 * (1 - float(level.flatten()[index]))))
        )
        read = (
            torch.from_numpy(np.array(Image.open(file)))
            .reshape(*clean.shape[-2:], -1)
            .permute(2, 0, 1)
        )
        noisy[index] = read.to(clean) / 255
    return noisy


@NOISES.register(
    "mixed",
    label="Mixed",
    unit=(
        "standard deviation at white, in units of the [0, 1] range; JPEG: 2.4 times this share "
        "of the quality"
    ),
    largest=0.4,
    levels=(0.1, 0.2),
    photographic=True,
)
def mixed(clean: Tensor, level: Tensor, draws: Draws) -> Tensor:
    """Corrupt each image by a random choice of noise.

    Half of the images get Gaussian noise, the other half Poisson, camera or JPEG noise.

    The mixture serves to train a network for noise of unknown kind.
    """
    chance = draws.uniform(clean)[:, :1, :1, :1]
    noisy = gaussian(clean, level, draws)
    noisy = torch.where(chance < 3 / 6, poisson(clean, level, draws), noisy)
    noisy = torch.where(chance < 2 / 6, camera(clean, level, draws), noisy)
    chosen = chance.flatten() < 1 / 6
    noisy[chosen] = jpeg(clean[chosen], (2.4 * level[chosen]).clamp(max=0.95), draws)
    return noisy


def corrupt(
    clean: Tensor, level: float | Tensor, draws: Draws, *, noise: str = "gaussian", clip: bool
) -> Tensor:
    """Corrupt a batch.

    Parameters
    ----------
    clean : Tensor
        (N, C, H, W) float32 in [0, 1].
    level : float or Tensor
        One level, or (N,) levels, in the units of the noise (sigma in [0, 1] units for `gaussian`).
    draws : BatchDraws or PictureDraws
    noise : str
        A name of `NOISES`.
    clip : bool
        Clamp to [0, 1], as tutorials do and papers do not.

    Returns
    -------
    Tensor
        (N, C, H, W) float32.

    Raises
    ------
    UnknownName
        Unknown noise.
    ValueError
        A level that is not a number, negative, or beyond the scale of the noise.
    """
    levels = torch.as_tensor(level, dtype=clean.dtype, device=clean.device).expand(len(clean))
    for extreme in (levels.min(), levels.max()):
        check_level(extreme.item(), noise)
    return corrupt_unchecked(clean, levels, draws, noise=noise, clip=clip)


def corrupt_unchecked(
    clean: Tensor, levels: Tensor, draws: Draws, *, noise: str, clip: bool
) -> Tensor:
    """Corrupt with (N,) valid levels.

    A check of the levels, as in `corrupt`, would synchronize with the GPU.
    """
    noisy = NOISES[noise].build(clean, levels.view(-1, 1, 1, 1), draws)
    return noisy.clamp(0, 1) if clip else noisy


def check_level(level: float, noise: str = "gaussian") -> float:
    """Return `level` if it is valid for the noise, else raise ValueError with the unit."""
    facts = NOISES[noise].facts
    try:
        level = float(level)
    except OverflowError:  # an integer beyond the range of float
        level = math.inf if level > 0 else -math.inf
    if math.isfinite(level) and 0 <= level <= facts["largest"]:
        return level
    hint = (
        f"; {level:g} on the 0-255 scale is {level / 255:.3g}"
        if facts["largest"] < level <= 255
        else ""
    )
    raise ValueError(
        f"the {noise} level is {level:g}; valid: 0 to {facts['largest']:g}, {facts['unit']}{hint}"
    )


def picture_seeds(
    dataset: str, keys: Sequence[str], noise: str, level: float, draw: int = 0
) -> list[int]:
    """Return the seed of each image's test noise.

    The seed is a 128-bit hash of (dataset, key, noise, level, draw).

    Levels are rounded to six decimals, so that 0.1 + 0.2 and 0.3 give the same noise. Clipped and
    unclipped noise share the seed and differ by the clamp alone.
    """
    stem = f"{dataset}\x1f{noise}\x1f{level:.6f}\x1f{draw}\x1f"
    return [
        int.from_bytes(hashlib.blake2b((stem + key).encode(), digest_size=16).digest(), "little")
        for key in keys
    ]
