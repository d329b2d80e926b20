"""Benchmark table: one row per dataset, noise level and method."""

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

from bench import provenance, timing
from bench.process_state import kept
from bench.schema import COLUMNS, INVALID
from bench.scoring import methods, published, quality
from bench.stats import intervals
from denoise import datasets
from denoise.classical import NotApplicable
from denoise.metrics import SSIM_CONVENTION
from denoise.noise import NOISES

LEVELS: tuple[float, ...] = NOISES["gaussian"].facts["levels"]
DEFAULT_DATASETS = ("mnist", "notmnist", "glyphs")
WHOLE = ("parameters", "macs", "batch", "pictures", "height", "width", "draw", "cpu_threads")
log = logging.getLogger("bench")
TIMED_SIGMA = 0.4  # sigma of the images that are timed, as in the Keras example


@dataclasses.dataclass(frozen=True)
class Plan:
    """Settings of a benchmark run; `rounds` 0 measures no times.

    If `sigmas` or `clip` is None, each dataset uses its own: `levels` and clipped noise, except for
    the datasets of published tables. `pictures` caps the test images of a dataset; 0 takes all.
    """

    sigmas: tuple[float, ...] | None = None
    noise: str = "gaussian"
    clip: bool | None = None
    draw: int = 0
    pictures: int = 0
    rounds: int = timing.ROUNDS
    levels: tuple[float, ...] = LEVELS

    def corruptions(self, dataset: str) -> list[quality.Corruption]:
        """Return the corruptions of a dataset's images."""
        facts = datasets.DATASETS[dataset].facts
        clip = facts.get("clipped", True) if self.clip is None else self.clip
        sigmas = self.sigmas or facts.get("levels", self.levels)
        return [quality.Corruption(self.noise, sigma, clip, self.draw) for sigma in sigmas]


def available(
    names: tuple[str, ...], root: Path | None
) -> tuple[dict[str, tuple[datasets.Pictures, datasets.Pictures]], dict[str, str]]:
    """Load the (training, test) images of each dataset.

    Return the images of the available datasets, and the reason for each missing one.
    """
    found, left_out = {}, {}
    for name in names:
        try:
            found[name] = (datasets.load(name, "train", root), datasets.load(name, "test", root))
        except datasets.MissingData as error:
            left_out[name] = str(error)
    called = [test.name for _, test in found.values()]
    twice = [name for name, (_, test) in found.items() if called.count(test.name) > 1]
    if twice:
        raise ValueError(
            f"{' and '.join(twice)} would have one name in the table: measure one dataset a run"
        )
    return found, left_out


def make(
    plan: Plan,
    sets: dict[str, tuple[datasets.Pictures, datasets.Pictures]],
    arms: list[methods.Method],
    command: str,
) -> pd.DataFrame:
    """Measure every cell.

    Parameters
    ----------
    plan : Plan
    sets : dict
        (training, test) images by dataset name: the output of `available`.
    arms : list of Method
    command : str
        Command that makes the table, for its last column.

    Returns
    -------
    pandas.DataFrame
        One row per dataset, level and method, with the columns of `COLUMNS`.
    """
    cpu = torch.device("cpu")
    devices = {"cpu": cpu} | ({"gpu": torch.device("cuda")} if torch.cuda.is_available() else {})
    common = provenance.machine() | {
        "ssim_convention": SSIM_CONVENTION,
        "commit": provenance.commit(),
        "command": command,
    }
    tests = {name: test.spread(plan.pictures or None) for name, (_, test) in sets.items()}
    able = {name: build(arms, sets[name][0], cpu) for name in tests}
    announce(arms, able)
    count = sum(
        len(able[name]) * len(test) * len(plan.corruptions(test.name))
        for name, test in tests.items()
    )
    # Times come first: they take a fraction of the scores' time, so that an error appears early.
    timings = [_time(sets[name][0], tests[name], arms, able[name], devices, plan) for name in tests]
    rows: list[dict[str, object]] = []
    with tqdm(
        total=count, unit=" images", desc="quality", mininterval=1, leave=False, disable=None
    ) as bar:
        for name, test in tests.items():
            bar.set_postfix_str(name)
            denoisers = able[name]
            for corruption in plan.corruptions(test.name):
                scores = quality.score(denoisers, test, corruption, bar.update)
                own = common | _settings(test, corruption)
                by_method = dict(list(scores.groupby("method")))
                cells = {
                    method: _cell(found, by_method.get("noisy"), test.name)
                    for method, found in by_method.items()
                }
                rows += [
                    own | _facts(arm) | cells[arm.name] | arm.ran
                    for arm in arms
                    if arm.name in cells
                ]
                reported = published.rows(
                    test.name, corruption.noise, corruption.clip, corruption.sigma
                )
                rows += [row | {"command": command} for row in reported]
    frame = pd.DataFrame(rows)
    frame = frame.merge(
        pd.concat(timings), on=["dataset", "method"], how="left", validate="many_to_one"
    )
    # some are missing in some rows: as floats they would lose digits in the CSV
    whole = dict.fromkeys(WHOLE, "Int64")
    return frame.reindex(columns=list(COLUMNS)).astype(whole)


def build(
    arms: list[methods.Method], training: datasets.Pictures, device: torch.device
) -> dict[str, Callable[[Tensor, float], Tensor]]:
    """Build the denoisers that apply to these images, by name."""
    denoisers = {}
    for arm in arms:
        try:
            denoisers[arm.name] = arm.build(training, device)
        except NotApplicable as error:
            log.debug("skipped: %s on %s: %s", arm.name, training.name, error)
    return denoisers


def announce(
    arms: list[methods.Method], able: dict[str, dict[str, Callable[[Tensor, float], Tensor]]]
) -> None:
    """Log in one line how many of the methods are measured on each dataset.

    Parameters
    ----------
    arms : list of Method
    able : dict
        The output of `build`, by dataset.

    Raises
    ------
    ValueError
        No method applies to a dataset.
    """
    for name, denoisers in able.items():
        if not denoisers:
            raise ValueError(
                f"no requested method applies to the images of {name}; --verbose gives the reasons"
            )
    counts = ", ".join(
        f"{len(denoisers)} of {len(arms)} methods on {name}" for name, denoisers in able.items()
    )
    whole = all(len(denoisers) == len(arms) for denoisers in able.values())
    log.info(
        "measuring %s%s",
        counts,
        "" if whole else "; the remaining methods do not apply (--verbose lists them)",
    )


def _cell(scores: pd.DataFrame, noisy: pd.DataFrame | None, dataset: str) -> dict[str, object]:
    """Compute means over images and half widths of their intervals.

    If one image has no score, there are no means. `noisy` holds the scores of the noisy input if it
    is a method; the lowest gain of an image is relative to them.
    """
    broken = int(scores.psnr_db.isna().sum())
    if broken:
        return {"status": f"{INVALID}: {broken} of {len(scores)} estimates are not finite"}
    cell: dict[str, object] = {"status": "ok"}
    groups = datasets.groups(dataset, scores.picture)
    for column, half in (("psnr_db", "psnr_ci95_db"), ("ssim", "ssim_ci95")):
        found = intervals.interval(scores[column].to_numpy(float)[None], groups)
        cell |= {column: found.mean, half: found.high - found.mean}
    if noisy is not None:
        gains = scores.set_index("picture").psnr_db - noisy.set_index("picture").psnr_db
        cell["worst_gain_db"] = gains.min()
    squared = 10 ** (-scores.psnr_db.to_numpy(float) / 10)  # mean over the pixels of each image
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
    """Measure costs and times of every arm on this dataset's images.

    Both depend on the image size alone.
    """
    levels = plan.corruptions(test.name)
    # added noise would change the kind of an image that is noisy already
    added = TIMED_SIGMA if any(level.sigma for level in levels) else 0.0
    corruption = quality.Corruption(plan.noise, added, levels[0].clip)
    _, _, noisy = next(quality.noisy_batches(test.spread(timing.BATCH), corruption))
    arms = [arm for arm in arms if arm.name in able]
    networks = [arm for arm in arms if arm.network is not None]
    measured: dict[str, dict[str, object]] = {
        arm.name: {"dataset": test.name, "method": arm.name} for arm in arms
    }
    channels, height, width = test[0].shape
    for arm in arms:
        with kept():
            measured[arm.name] |= arm.costs((channels, height, width))
    for prefix, device in devices.items() if plan.rounds else ():
        if prefix == "cpu":
            denoisers = {arm.name: able[arm.name] for arm in arms if arm.timed}
        else:
            denoisers = build(networks, training, device)
        turns = len(denoisers) * plan.rounds
        what = f"{prefix} time, {test.name}"
        with tqdm(total=turns, unit=" turns", desc=what, leave=False, disable=None) as bar:
            size = timing.batch_size(noisy)
            times = timing.measure(
                denoisers, noisy, TIMED_SIGMA, device, (1, size), plan.rounds, bar.update
            )
        for name, by_size in times.items():
            alone, together = by_size[1], by_size[size]
            measured[name] |= {
                f"{prefix}_ms_p50": alone["ms_p50"],
                f"{prefix}_ms_p90": alone["ms_p90"],
            }
            measured[name] |= {f"{prefix}_images_per_s": together["images_per_s"]}
            measured[name] |= {"batch": size, "timed_sigma": TIMED_SIGMA}
    return pd.DataFrame(measured.values())
