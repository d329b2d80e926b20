"""Blind test: ten rounds of one noisy image and three outputs in random order, and their score.

The seed gives the images, the noise and the order, so that a link repeats the rounds. The order
stays on the server until a guess has been made.
"""

from __future__ import annotations

import functools
import zlib
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from demo.compute import answers, results
from demo.compute.samples import drawn, has_images
from demo.compute.worker import alone
from denoise.decoders import DECODERS
from denoise.inference import engine
from denoise.metrics import psnr
from denoise.noise import PictureDraws, corrupt

DECODER = "transposed_k3"  # the one to find
SHOWN = ("nearest", "bilinear", DECODER)
ROUNDS = 10
CHANCE = 1 / len(SHOWN)
CONFIDENCE = 0.95
LEVELS = (0.2, 0.4, 0.6)  # the outputs differ more at a higher level
SEEDS = 1_000_000  # a new game has a seed below this number, so that its link is short


@dataclass(frozen=True)
class Output:
    """An output of a round: `image` is (28, 28) uint8."""

    decoder: str
    label: str
    image: np.ndarray
    psnr: float


@dataclass(frozen=True)
class Round:
    """A clean and a noisy image, (28, 28) uint8, and the outputs in their displayed order."""

    clean: np.ndarray
    noisy: np.ndarray
    outputs: tuple[Output, ...]

    @property
    def solution(self) -> int:
        """Return the number of the output to find, from 1."""
        return [output.decoder for output in self.outputs].index(DECODER) + 1


class Score(NamedTuple):
    """Found rounds, the interval of the share that a visitor finds, and the p-value of guessing.

    `interval` is Clopper and Pearson's. `p` is the probability that guessing finds as many rounds
    or more.
    """

    found: int
    interval: tuple[float, float]
    p: float


def families() -> list[str]:
    """Return the families that ship every decoder of the test, and have images."""
    return [
        family
        for family in results.families()
        if has_images(family) and set(SHOWN) <= set(results.trained()[family])
    ]


@functools.lru_cache(maxsize=64)
@alone
def rounds(family: str, sigma: float, seed: int) -> tuple[Round, ...]:
    """Compute the rounds of a game.

    Parameters
    ----------
    family : str
        One of `families()`.
    sigma : float
        Standard deviation of the clipped Gaussian noise, in units of the [0, 1] range.
    seed : int
        Other levels and families have other rounds of the same seed.

    Raises
    ------
    ValueError
        The family, the level or the seed is invalid.
    """
    if family not in families() or sigma not in LEVELS:
        raise ValueError(f"there are no rounds of {family!r} at sigma {sigma!r}")
    random = np.random.default_rng([answers.whole(seed), zlib.crc32(f"{family} {sigma}".encode())])
    images = drawn(family, ROUNDS, random)
    clean = torch.from_numpy(images.astype(np.float32) / 255)[:, None]  # (N, 1, H, W)
    draws = PictureDraws(random.integers(2**62, size=ROUNDS).tolist())
    noisy = corrupt(clean, sigma, draws, noise="gaussian", clip=True)
    estimates = {name: _network(family, name).estimate(noisy).cpu().clamp(0, 1) for name in SHOWN}
    scores = {
        name: psnr(estimate, clean, data_range=1.0).tolist() for name, estimate in estimates.items()
    }
    return tuple(
        Round(
            images[number],
            answers.pixels(noisy[number, None]),
            tuple(
                Output(
                    name,
                    DECODERS[name].label,
                    answers.pixels(estimates[name][number, None]),
                    scores[name][number],
                )
                for name in random.permutation(SHOWN).tolist()
            ),
        )
        for number in range(ROUNDS)
    )


def _network(family: str, decoder: str) -> engine.Denoiser:
    """Return a network of the test: the only place that chooses the weights."""
    return results.network(family, decoder)


def found(played: tuple[Round, ...], guesses: list[int]) -> int:
    """Count the right guesses."""
    return sum(one.solution == guess for one, guess in zip(played, guesses, strict=False))


def score(found: int) -> Score:
    """Return the score of a game with that many right guesses."""
    from scipy.stats import binomtest  # slow import

    interval = binomtest(found, ROUNDS, CHANCE).proportion_ci(CONFIDENCE, method="exact")
    p = binomtest(found, ROUNDS, CHANCE, alternative="greater").pvalue
    return Score(found, (float(interval.low), float(interval.high)), float(p))


def verdict(score: Score) -> str:
    """Explain in plain words whether the visitor sees a difference."""
    low, high = score.interval
    if low > CHANCE:
        return (
            "Your share lies above guessing: you can tell the transposed convolution from the "
            "others, at this noise."
        )
    if high < CHANCE:
        return (
            "Your share lies below guessing: you see a difference, but take another output for the "
            "transposed convolution."
        )
    return (
        "The interval contains one third, the share of a guess: these ten rounds do not show that "
        "you can tell the outputs apart."
    )


def means(played: tuple[Round, ...]) -> dict[str, float]:
    """Return the mean PSNR of each decoder in dB, by its label, in registry order."""
    outputs = [output for one in played for output in one.outputs]
    return {
        DECODERS[name].label: float(
            np.mean([output.psnr for output in outputs if output.decoder == name])
        )
        for name in SHOWN
    }


def difference(played: tuple[Round, ...]) -> float:
    """Return the RMS difference between two outputs of a round, in gray levels of 255."""
    squares = [
        np.square(one.image.astype(float) - other.image.astype(float)).mean()
        for each in played
        for number, one in enumerate(each.outputs)
        for other in each.outputs[:number]
    ]
    return float(np.sqrt(np.mean(squares)))
