"""Figure of a few noisy test images and the output of each arm."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from bench import labels
from bench.report import figures
from bench.report.results import Results, figure_name
from bench.scoring.quality import Corruption, noisy_batches
from denoise import datasets
from denoise.inference import packed
from denoise.metrics import psnr

PICTURES = 4
SIDE = 96  # pixels; a larger image is cropped to its middle, also for the score


def example(results: Results, root: Path | None) -> tuple[str, figures.Figure, str]:
    """Draw the strips of a report for seed 0 at one budget.

    Return the file name, the figure and its stamp.

    Raises
    ------
    MissingData
        The dataset is missing.
    """
    dataset, clipped = results.shown
    corruption = Corruption("gaussian", results.body.example_sigma, clipped)
    pictures = datasets.load(dataset, "test", root).spread(PICTURES)
    pairs = [(clean, noisy) for clean, _, noisy in noisy_batches(pictures, corruption)]
    there = results.methods[~results.methods.missing & (results.methods.seed == 0)]
    there = there[(there.dataset == dataset) & (there.clipped == clipped)]
    there = there[there.budgets.str.contains(labels.asked(results.budgets)[0])]
    images = {"Clean": [clean for clean, _ in pairs], "Noisy": [noisy for _, noisy in pairs]}
    for row in there.itertuples():
        denoiser = packed.denoiser(results.folder, row.method, row.weights_sha256)
        images[labels.arm(row.arm).label] = [denoiser.estimate(noisy) for _, noisy in pairs]
    cut = {name: torch.cat([_middle(one) for one in of_name]) for name, of_name in images.items()}
    clean = cut["Clean"]
    scores = {
        name: psnr(preds.clamp(0, 1), clean).numpy()
        for name, preds in cut.items()
        if name != "Clean"
    }
    shown = {name: preds[:, 0].numpy() for name, preds in cut.items()}
    return figure_name("examples", dataset, clipped), figures.strips(shown, scores), stamp(results)


def stamp(results: Results) -> str:
    """Return the stamp of the strips; checksums of the weights stand for the networks."""
    return figures.stamp(results.folder / "methods.csv")


def _middle(batch: Tensor) -> Tensor:
    height, width = batch.shape[-2:]
    top, left = max(0, height - SIDE) // 2, max(0, width - SIDE) // 2
    return batch[..., top : top + SIDE, left : left + SIDE]
