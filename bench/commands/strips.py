"""`python -m bench strips`: figures of photographs and stained pages before and after denoising."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from bench import paths
from bench.report import figures
from bench.scoring.quality import Corruption, noisy_batches
from denoise import datasets
from denoise.inference import engine
from denoise.metrics import psnr
from denoise.models import weights

FIGURES = paths.ROOT / "docs" / "figures"


@dataclass(frozen=True)
class Strip:
    """One figure: evenly spaced test images, the sigma of their noise, and the network."""

    dataset: str
    sigma: float
    weights: str
    pictures: int
    before: str


STRIPS = {
    "photographs": Strip("cbsd68", 25 / 255, "photo-color", 3, "Noisy, sigma 25 of 255"),
    "documents": Strip("documents", 0.0, "document", 3, "Scanned page"),
}


def main(given: argparse.Namespace) -> None:
    """Draw every strip, and print the path of each file."""
    paths.checkout("bench strips")
    for name, strip in STRIPS.items():
        target = FIGURES / f"strip-{name}.png"
        figures.write(draw(strip, given.data_root), target, stamp(strip))
        print("written:", target)


def draw(strip: Strip, root: Path | None) -> figures.Figure:
    """Draw images in rows: input, output and clean, with the PSNR of the first two.

    Raises
    ------
    MissingData
        The dataset is missing.
    """
    pictures = datasets.load(strip.dataset, "test", root).spread(strip.pictures)
    denoiser = engine.load(strip.weights, "cpu", "float32")
    shown: dict[str, list] = {strip.before: [], "Cleaned": [], "Clean": []}
    scores: dict[str, list[float]] = {strip.before: [], "Cleaned": []}
    corruption = Corruption("gaussian", strip.sigma, clip=False)
    for clean, _, noisy in noisy_batches(pictures, corruption):
        for name, batch in {
            strip.before: noisy,
            "Cleaned": denoiser.estimate(noisy),
            "Clean": clean,
        }.items():
            shown[name] += list(batch.permute(0, 2, 3, 1).clamp(0, 1).squeeze(-1).numpy())
            if name in scores:
                scores[name] += psnr(batch.clamp(0, 1), clean, data_range=1.0).tolist()
    return figures.strips(shown, scores)


def stamp(strip: Strip) -> str:
    """Return the stamp of a strip, which covers the weights and the code of this file."""
    return figures.stamp(weights.locate(strip.weights), Path(__file__))
