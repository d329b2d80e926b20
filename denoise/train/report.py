"""Report of a finished training: table of scores, strip of images, and commands for the weights."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from tabulate import tabulate
from torch import Tensor

from denoise import datasets
from denoise.datasets import DATASETS, Pictures
from denoise.files.atomic import whole_file
from denoise.inference import engine
from denoise.metrics import psnr
from denoise.train.settings import Settings
from denoise.train.validate import noisy_batches

IMAGES = 6  # number of images in the strip
SIDE = 128  # pixels; the strip shows the middle of a larger image


def report(path: Path, root: Path | None = None) -> str:
    """Write the strip of new weights beside the weights file, and return the report as text.

    Parameters
    ----------
    path : Path
        The .safetensors file.
    root : Path, optional
        Root folder of the training's datasets.

    Raises
    ------
    OSError
        The strip cannot be written; the weights are already saved.
    """
    card = json.loads(path.with_suffix(".json").read_text())
    settings = Settings.of(card)
    held_out = datasets.load(settings.dataset, "val", root)
    held_out = held_out.gray() if settings.channels == 1 else held_out
    levels = [float(level) for level in card["validation_psnr"]]
    level = levels[len(levels) // 2]
    target = path.with_suffix(".png")
    with whole_file(target) as partial:
        strip(path, held_out.spread(IMAGES), settings, level).savefig(partial, dpi=100)
    shown = (
        f"{target} shows {min(IMAGES, len(held_out))} held-out images: clean, noisy at {level:g}, "
        "denoised."
    )
    return f"\n{table(card)}\n\n{shown}\n\n{commands(path, settings, root)}"


def table(card: dict[str, Any]) -> str:
    """Format the validation PSNR of a card by sigma: noisy input, output, and gain."""
    rows = []
    for level, after in card["validation_psnr"].items():
        before = card["noisy_psnr"][level]
        gain = None if None in (before, after) else f"{after - before:+.2f}"
        rows.append(
            [
                f"{float(level):.3g}",
                f"{255 * float(level):.3g}",
                *map(_decibel, (before, after)),
                gain,
            ]
        )
    rows = rows if card["settings"]["noise"] == "gaussian" else [[row[0], *row[2:]] for row in rows]
    head = ["sigma", "of 255"] if card["settings"]["noise"] == "gaussian" else ["level"]
    held_out = f"{card['data']['validation']:,} held-out images"
    drawn = tabulate(
        rows, [*head, "noisy input", "denoised", "gain"], disable_numparse=True, stralign="right"
    )
    harm = any(str(row[-1]).startswith("-") for row in rows)
    advice = (
        "\n\nThe input is better than the output if the gain is negative: train longer (--images)."
        if harm
        else ""
    )
    return f"Validation PSNR in dB, mean of {held_out}:\n\n{drawn}{advice}"


def _decibel(value: float | None) -> str:
    return "exact" if value is None else f"{value:.2f}"


def strip(path: Path, pictures: Pictures, settings: Settings, level: float) -> Figure:
    """Draw a few images in columns: clean, noisy, denoised, the latter two with their PSNR."""
    denoiser = engine.load(path, precision="float32")
    figure = Figure(figsize=(1.6 * len(pictures) + 0.4, 5.4), layout="constrained")
    panels = figure.subplots(3, len(pictures), squeeze=False)
    column = 0
    for clean, noisy in noisy_batches(pictures, settings, level):
        noisy = noisy.expand(-1, max(noisy.shape[1], settings.channels), -1, -1)
        rows = (clean, noisy.clamp(0, 1), denoiser.estimate(noisy))
        scores = [psnr(row, clean.expand_as(row)) for row in rows[1:]]
        for place in range(len(clean)):
            for panel, row in zip(panels[:, column], rows, strict=True):
                panel.imshow(
                    _middle(row[place]), cmap="gray", vmin=0, vmax=1, interpolation="nearest"
                )
                panel.set(xticks=[], yticks=[])
            for panel, score in zip(panels[1:, column], scores, strict=True):
                panel.set_xlabel(f"{score[place]:.2f} dB", fontsize=8)
            column += 1
    for panel, name in zip(panels[:, 0], ("clean", f"noisy, {level:g}", "denoised"), strict=True):
        panel.set_ylabel(name)
    return figure


def _middle(image: Tensor) -> Tensor:
    """Crop (C, H, W) to (H, W) or (H, W, 3) of at most `SIDE` pixels per side."""
    top, left = (max(0, side - SIDE) // 2 for side in image.shape[1:])
    return image[:, top : top + SIDE, left : left + SIDE].permute(1, 2, 0).squeeze(-1)


def commands(path: Path, settings: Settings, root: Path | None = None) -> str:
    """Return three ways to use the weights: on an image, in the benchmark, in Python."""
    tested = _tested(settings.dataset, root)
    measure = [
        "python",
        "-m",
        "bench",
        "--quick",
        "--datasets",
        tested,
        "--methods",
        "noisy",
        "median",
        str(path),
    ]
    measure += ["--noise", settings.noise] if settings.noise != "gaussian" else []
    measure += [] if settings.clip else ["--unclipped"]
    measure += ["--data-root", str(root)] if root else []
    clean = ["python", "-m", "denoise", "noisy.png", "-o", "clean.png", "--model", str(path)]
    return (
        f"The weights are {path}; their card is {path.with_suffix('.json').name}. To use them:\n\n"
        f"  {shlex.join(clean)}\n  {shlex.join(measure)}\n"
        f"  denoise.load({str(path)!r})(image)   # in Python, after: import denoise"
    )


def _tested(dataset: str, root: Path | None) -> str:
    """Return the dataset whose test images belong to a training set.

    It is the training set itself if that set has test images.
    """
    kind = dataset.partition(":")[0]
    if "test" in DATASETS[kind].facts.get("splits", ("test",)):
        return dataset
    others = [entry.name for entry in DATASETS if entry.facts.get("training") == kind]
    there = [name for name in others if datasets.present(name, root)]
    return (there or others)[0]
