"""`python -m bench early`: save and measure each decoder's network at early training steps.

The page plays them as a film: checkerboards arise and fade.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from bench import provenance
from bench.commands.checkerboard import SIGMA, measure, settling_batches
from bench.schema import EARLY
from bench.scoring import checkerboard
from bench.scoring.quality import Corruption, noisy_batches
from bench.sweep import budgets
from bench.sweep.grid import Network
from bench.sweep.recipe import Recipe
from denoise import datasets
from denoise.decoders import DECODERS
from denoise.files import json_files
from denoise.files.atomic import whole_file
from denoise.inference import packed
from denoise.metrics import psnr
from denoise.models import weights
from denoise.models.base import AnySize
from denoise.train import distributed
from denoise.train.run import Run
from denoise.train.settings import Settings

PICTURES = 500  # validation images

log = logging.getLogger(__name__)


def main(given: argparse.Namespace) -> None:
    """Train each decoder to the last step; write its early networks and their scores."""
    recipe, folder = Recipe(), given.runs
    steps = sorted({0, *given.steps})
    if steps[0] < 0:
        raise ValueError(f"--steps has {steps[0]}; valid: 0 or more")
    arms = [DECODERS[name].name for name in given.arms or DECODERS.names()]
    folder.mkdir(parents=True, exist_ok=True)
    for dataset in given.datasets:
        networks = [_network(dataset, arm, recipe) for arm in arms]
        for network in networks:
            missing = [step for step in steps if not _file(folder, network, step).exists()]
            if missing:
                _train(network, recipe, missing, given)
        # every early network of the folder, as `_rows`: earlier parts are replaced
        files = sorted(folder.glob(f"{dataset}-clipped-*-step*.safetensors"))
        given.out.mkdir(parents=True, exist_ok=True)
        packed.write(files, given.out, f"weights-{dataset}-clipped")
        log.info("%s: %d networks", dataset, len(files))
    _write_rows(folder, given.out / "early.csv", set(given.datasets))


def _network(dataset: str, arm: str, recipe: Recipe) -> Network:
    widths = budgets.possible(arm, "channels", recipe)
    assert widths is not None  # every arm has the channels of the encoder
    return Network(dataset, True, arm, widths, seed=0)


def _file(folder: Path, network: Network, step: int) -> Path:
    return folder / f"{network.name}-step{step}.safetensors"


def _train(network: Network, recipe: Recipe, steps: list[int], given: argparse.Namespace) -> None:
    """Train a network of the comparison up to the last step; save it at each of them."""
    run = Run(network.settings(recipe), distributed.team(recipe.batch), given.data_root)
    run.start(given.runs / f"{network.name}.checkpoint.safetensors")
    for step in range(steps[-1] + 1):
        if step in steps:
            _save(run, network, step, given)
        if step < steps[-1]:
            run.step(step)


def _save(run: Run, network: Network, step: int, given: argparse.Namespace) -> None:
    """Save the present weights as float16, with settled normalization, and their scores."""
    noisy = settling_batches(run.settings, given.data_root)
    now = checkerboard.settle(_rounded(run.settings, run.network), noisy)
    images = datasets.load(network.dataset, "val", given.data_root).spread(PICTURES)
    found, _ = measure(now, images, clip=True)
    row = {
        "method": _file(given.runs, network, step).stem,
        "dataset": network.dataset,
        "arm": network.arm,
        "step": step,
        "images": step * run.settings.batch,
        "lr": run.settings.lr,
        "psnr_db": _psnr(now, images),
        **{name: found[name] for name in EARLY if name in found},
    }
    facts = {name: provenance.describe()[name] for name in ("protocol", "commit", "torch")}
    card = {"architecture": run.settings.network(), "settings": run.settings.plain()}
    card["row"] = row | facts | {"command": given.command}
    weights.save(now, card, _file(given.runs, network, step))
    run.network.train()
    log.info("%s: %.2f dB", row["method"], row["psnr_db"])


def _rounded(settings: Settings, network: AnySize) -> AnySize:
    """Return a copy of a network with its weights rounded to float16, as the grid rounds them."""
    copied = weights.build(settings.network())
    copied.load_state_dict(network.state_dict())
    for weight in copied.parameters():
        weight.data = weight.data.half().float()
    return copied


def _psnr(network: AnySize, images: datasets.Pictures) -> float:
    """Return the mean PSNR of images, in dB, at the noise of the checkerboard metrics."""
    with torch.inference_mode():
        values = [
            psnr(network(noisy).clamp(0, 1), clean)
            for clean, _, noisy in noisy_batches(images, Corruption("gaussian", SIGMA, True))
        ]
    return torch.cat(values).mean().item()


def _write_rows(folder: Path, target: Path, made: set[str]) -> None:
    """Write the rows of the cards; keep the rows of data sets that were not made now."""
    rows = pd.DataFrame(_rows(folder, made), columns=list(EARLY))
    if target.exists():
        held = pd.read_csv(target)
        rows = pd.concat([held[~held.dataset.isin(made)], rows])
    rows = rows.sort_values(["dataset", "arm", "step"])
    with whole_file(target) as partial:
        rows.to_csv(partial, index=False, float_format="%.6g")


def _rows(folder: Path, made: set[str]) -> Iterator[dict[str, Any]]:
    for card in sorted(folder.glob("*-step*.json")):
        row = json_files.read(card)["row"]
        if row["dataset"] in made:
            yield row
