"""From a plan to the tidy table: a row for each dataset, noise level and method."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from bench import machine, methods, published, quality, speed, stats
from bench.columns import COLUMNS, INVALID
from bench.kept import kept
from denoise import datasets
from denoise.classical import NotApplicable
from denoise.metrics import SSIM_CONVENTION
from denoise.noise import NOISES

LEVELS: tuple[float, ...] = NOISES["gaussian"].facts["levels"]
DEFAULT_DATASETS = ("mnist", "notmnist", "glyphs")
WHOLE = ("parameters", "macs", "batch", "pictures", "height", "width", "draw", "cpu_threads")
log = logging.getLogger("bench")
TIMED_SIGMA = 0.4  # the level of the pictures that are timed: that of the Keras example


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is measured; no times if `rounds` is 0.

    `sigmas` and `clip` are those of each dataset where they are None: `levels`, clipped, but for the sets of the
    published tables. `pictures` caps the test pictures of a dataset; 0 takes all.
    """

    sigmas: tuple[float, ...] | None = None
    noise: str = "gaussian"
    clip: bool | None = None
    draw: int = 0
    pictures: int = 0
    rounds: int = speed.ROUNDS
    levels: tuple[float, ...] = LEVELS

    def corruptions(self, dataset: str) -> list[quality.Corruption]:
        """What is done to the pictures of a dataset."""
        facts = datasets.DATASETS[dataset].facts
        clip = facts.get("clipped", True) if self.clip is None else self.clip
        sigmas = self.sigmas or facts.get("levels", self.levels)
        return [quality.Corruption(self.noise, sigma, clip, self.draw) for sigma in sigmas]


def available(
    names: tuple[str, ...], root: Path | None
) -> tuple[dict[str, tuple[datasets.Pictures, datasets.Pictures]], dict[str, str]]:
    """The (training, test) pictures of each dataset that can be had, and the reason for each that cannot."""
    found, left_out = {}, {}
    for name in names:
        try:
            found[name] = (datasets.load(name, "train", root), datasets.load(name, "test", root))
        except datasets.MissingData as error:
            left_out[name] = str(error)
    called = [test.name for _, test in found.values()]
    twice = [name for name, (_, test) in found.items() if called.count(test.name) > 1]
    if twice:
        raise ValueError(f"{' and '.join(twice)} would have one name in the table: measure them one by one")
    return found, left_out


def make(
    plan: Plan, sets: dict[str, tuple[datasets.Pictures, datasets.Pictures]], arms: list[methods.Method], command: str
) -> pd.DataFrame:
    """Measure every cell.

    Parameters
    ----------
    plan : Plan
    sets : dict
        (training, test) pictures by dataset name, as `available` gives them.
    arms : list of Method
    command : str
        What made the table, for its last column.

    Returns
    -------
    pandas.DataFrame
        One row a dataset x level x method, with the columns of `COLUMNS`.
    """
    cpu = torch.device("cpu")
    devices = {"cpu": cpu} | ({"gpu": torch.device("cuda")} if torch.cuda.is_available() else {})
    common = machine.describe() | {"ssim_convention": SSIM_CONVENTION, "command": command}
    tests = {name: test.spread(plan.pictures or None) for name, (_, test) in sets.items()}
    able = {name: build(arms, sets[name][0], cpu) for name in tests}
    announce(arms, able)
    cells = sum(len(able[name]) * len(test) * len(plan.corruptions(test.name)) for name, test in tests.items())
    # Times first: they take a fraction of what the scores take, and fail as early where something does.
    timings = [_time(sets[name][0], tests[name], arms, able[name], devices, plan) for name in tests]
    rows: list[dict[str, object]] = []
    with tqdm(total=cells, unit=" pictures", desc="quality", mininterval=1, leave=False, disable=None) as bar:
        for name, test in tests.items():
            bar.set_postfix_str(name)
            denoisers = able[name]
            for corruption in plan.corruptions(test.name):
                scores = quality.score(denoisers, test, corruption, bar.update)
                own = common | _settings(test, corruption)
                by_method = dict(list(scores.groupby("method")))
                cells = {name: _cell(rows, by_method.get("noisy"), test.name) for name, rows in by_method.items()}
                rows += [own | _facts(arm) | cells[arm.name] | arm.ran for arm in arms if arm.name in cells]
                told = published.rows(test.name, corruption.noise, corruption.clip, corruption.sigma)
                rows += [row | {"command": command} for row in told]
    frame = pd.DataFrame(rows)
    frame = frame.merge(pd.concat(timings), on=["dataset", "method"], how="left", validate="many_to_one")
    whole = dict.fromkeys(WHOLE, "Int64")  # some are unknown in some rows: floats would lose digits in the CSV
    return frame.reindex(columns=list(COLUMNS)).astype(whole)


def build(
    arms: list[methods.Method], training: datasets.Pictures, device: torch.device
) -> dict[str, Callable[[Tensor, float], Tensor]]:
    """The denoisers that these pictures allow, by name."""
    denoisers = {}
    for arm in arms:
        try:
            denoisers[arm.name] = arm.build(training, device)
        except NotApplicable as error:
            log.debug("left out: %s on %s: %s", arm.name, training.name, error)
    return denoisers


def announce(arms: list[methods.Method], able: dict[str, dict[str, Callable[[Tensor, float], Tensor]]]) -> None:
    """Say in one line how many of the methods are measured on each dataset.

    Parameters
    ----------
    arms : list of Method
    able : dict
        What `build` gave, by dataset.

    Raises
    ------
    ValueError
        A dataset that no method is for.
    """
    for name, denoisers in able.items():
        if not denoisers:
            raise ValueError(f"none of these methods is for the images of {name}; --verbose says why")
    said = ", ".join(f"{len(denoisers)} of {len(arms)} methods on {name}" for name, denoisers in able.items())
    whole = all(len(denoisers) == len(arms) for denoisers in able.values())
    log.info("measuring %s%s", said, "" if whole else "; the others are for other images (--verbose names them)")


def _cell(scores: pd.DataFrame, noisy: pd.DataFrame | None, dataset: str) -> dict[str, object]:
    """Means over pictures with the half widths of their intervals; no mean where one picture has no score.

    `noisy` are the scores of the noisy input if it is a method, of which the lowest gain of an image is.
    """
    broken = int(scores.psnr_db.isna().sum())
    if broken:
        return {"status": f"{INVALID}: {broken} of {len(scores)} estimates are not finite"}
    cell: dict[str, object] = {"status": "ok"}
    groups = datasets.groups(dataset, scores.picture)
    for column, half in (("psnr_db", "psnr_ci95_db"), ("ssim", "ssim_ci95")):
        interval = stats.compare(scores[column].to_numpy(float)[None, None], groups)
        cell |= {column: interval.mean[0], half: interval.high[0] - interval.mean[0]}
    if noisy is not None:
        gains = scores.set_index("picture").psnr_db - noisy.set_index("picture").psnr_db
        cell["worst_gain_db"] = gains.min()
    squared = 10 ** (-scores.psnr_db.to_numpy(float) / 10)  # the mean over the pixels of each picture
    return cell | {"rmse": np.sqrt(np.average(squared, weights=scores.pixels))}


def _settings(test: datasets.Pictures, corruption: quality.Corruption) -> dict[str, object]:
    return {
        "dataset": test.name,
        "split": test.split,
        "pictures": len(test),
        "height": test[0].shape[-2],
        "width": test[0].shape[-1],
        "noise": corruption.noise,
        "clipped": corruption.clip,
        "sigma": corruption.sigma,
        "sigma_255": round(corruption.sigma * 255, 1),
        "draw": corruption.draw,
    }


def _facts(arm: methods.Method) -> dict[str, object]:
    return {
        "method": arm.name,
        "label": arm.label,
        "told_sigma": arm.told_sigma,
        "trained_on": arm.trained_on,
        "decoder": arm.decoder,
        "weights_sha256": arm.weights_sha256,
    }


def _time(
    training: datasets.Pictures,
    test: datasets.Pictures,
    arms: list[methods.Method],
    able: dict[str, Callable[[Tensor, float], Tensor]],
    devices: dict[str, torch.device],
    plan: Plan,
) -> pd.DataFrame:
    """Costs and times of every arm on pictures of this dataset: they depend on its picture size alone."""
    levels = plan.corruptions(test.name)
    added = TIMED_SIGMA if any(level.sigma for level in levels) else 0.0  # more noise on a dirty image is another kind
    corruption = quality.Corruption(plan.noise, added, levels[0].clip)
    _, _, noisy = next(quality.noisy_batches(test.spread(speed.BATCH), corruption))
    arms = [arm for arm in arms if arm.name in able]
    networks = [arm for arm in arms if arm.network is not None]
    measured: dict[str, dict[str, object]] = {arm.name: {"dataset": test.name, "method": arm.name} for arm in arms}
    for arm in arms:
        with kept():
            measured[arm.name] |= arm.costs(tuple(test[0].shape))
    for prefix, device in devices.items() if plan.rounds else ():
        if prefix == "cpu":
            denoisers = {arm.name: able[arm.name] for arm in arms if arm.timed}
        else:
            denoisers = build(networks, training, device)
        turns = len(denoisers) * plan.rounds
        what = f"{prefix} time, {test.name}"
        with tqdm(total=turns, unit=" turns", desc=what, leave=False, disable=None) as bar:
            size = speed.batch_size(noisy)
            times = speed.measure(denoisers, noisy, TIMED_SIGMA, device, (1, size), plan.rounds, bar.update)
        for arm, by_size in times.items():
            alone, together = by_size[1], by_size[size]
            measured[arm] |= {f"{prefix}_ms_p50": alone["ms_p50"], f"{prefix}_ms_p90": alone["ms_p90"]}
            measured[arm] |= {f"{prefix}_images_per_s": together["images_per_s"]}
            measured[arm] |= {"batch": size, "timed_sigma": TIMED_SIGMA}
    return pd.DataFrame(measured.values())
