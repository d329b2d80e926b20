"""Networks of the comparison, read from the committed results: small enough to ship all of them."""

from __future__ import annotations

import csv
import functools
from pathlib import Path

from demo.compute import zerogpu
from denoise.classical import DENOISERS, STRENGTHS, Denoise
from denoise.datasets import DATASETS, load
from denoise.decoders import DECODERS
from denoise.inference import engine, packed
from denoise.models.architectures import ARCHITECTURES
from denoise.registry import Entry, UnknownName, unknown

FOLDER = Path(__file__).parents[2] / "bench" / "results" / "small"
CEILINGS = ("unet", "dncnn")
CLASSICAL = ("tv", "wavelet", "nlm", "median")


@functools.cache
def trained() -> dict[str, dict[str, str]]:
    """Return the method's name by dataset and arm: the longest training of seed 0, clipped.

    A decoder has the channels of the encoder; a ceiling has as many parameters.
    """
    found: dict[str, dict[str, str]] = {}
    for row in sorted(_rows(), key=lambda row: float(row["images_seen"])):
        found.setdefault(row["dataset"], {})[row["arm"]] = row["method"]
    order = [*DECODERS.names(), *CEILINGS]
    return {
        dataset: {arm: found[dataset][arm] for arm in order if arm in found[dataset]}
        for dataset in DATASETS.names()
        if dataset in found
    }


def _rows() -> list[dict[str, str]]:
    """Return the rows of methods.csv whose networks the page shows."""
    file = FOLDER / "methods.csv"
    if not file.exists():
        return []
    held = packed.names(FOLDER)
    with file.open(newline="") as lines:
        return [
            row
            for row in csv.DictReader(lines)
            if row["method"] in held and row["clipped"] == "True" and row["seed"] in ("0", "0.0")
            if _budget(row["arm"]) in row["budgets"].split(" ")
        ]


def _budget(arm: str) -> str:
    return "parameters" if arm in CEILINGS else "channels"


def families() -> list[str]:
    """Return the datasets with trained networks of several decoders."""
    return list(trained())


def arms(family: str) -> list[str]:
    """Return the decoders, ceilings and classical methods for a dataset.

    Raises
    ------
    UnknownName
        The dataset has no networks.
    """
    if family not in trained():
        raise UnknownName(unknown("family of weights", family, families()))
    return [*trained()[family], *CLASSICAL]


def every_arm() -> list[str]:
    """Return the arms of all families, decoders first, in the order of their registries."""
    known = {arm for family in families() for arm in arms(family)}
    return [arm for arm in (*DECODERS.names(), *CEILINGS, *CLASSICAL) if arm in known]


def entry(arm: str) -> Entry:
    """Return the label and the color of an arm."""
    registry = next(one for one in (DECODERS, ARCHITECTURES, DENOISERS) if arm in one)
    return registry[arm]


@functools.cache
def network(family: str, arm: str) -> engine.Denoiser:
    """Load the network of an arm, once."""
    return packed.denoiser(FOLDER, trained()[family][arm], device=zerogpu.DEVICE, precision="auto")


@functools.cache
def classical(family: str, method: str) -> Denoise:
    """Build a classical method with the strength that was tuned for a dataset."""
    letters = load("glyphs", "test")  # the methods read only their size
    tuned = STRENGTHS.get(method, {}).get(family)
    return DENOISERS[method].build(letters, *([] if tuned is None else [tuned]))


def denoise(family: str, arm: str) -> Denoise:
    """Return the function `(noisy, sigma) -> estimate` of an arm, on (N, 1, H, W) float32."""
    if arm in CLASSICAL:
        return classical(family, arm)
    trained = network(family, arm)
    return lambda noisy, sigma: trained.estimate(noisy).cpu()


def parameters(family: str, arm: str) -> int | None:
    """Return the number of trained parameters of an arm; None for a classical method."""
    if arm in CLASSICAL:
        return None
    return sum(value.numel() for value in network(family, arm).network.parameters())
