"""Summary tables from the scores of each image: means, intervals, differences of arms, verdicts.

Arms are compared within a condition: same training images, clamping, budget and test corruption.
If `levels` of a condition is "all", each image's score is first averaged over the levels of its
noise.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from bench.schema import CONDITION, DIFFERENCES, SUMMARY
from bench.stats import intervals
from bench.sweep import budgets
from denoise import datasets

MEASURES = ("psnr_db", "ssim")
COMMAND = "python -m bench collect"
VERSIONS = ("protocol", "commit", "torch", "numpy", "scikit_image")


def summarise(methods: pd.DataFrame, scores: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compute the summary and the differences of collected results.

    Parameters
    ----------
    methods, scores : pandas.DataFrame
        The output of `collect.read`.

    Returns
    -------
    summary : pandas.DataFrame
        One row per condition, budget and arm: means with 95 % intervals, seeds,
        images, status. Untrained methods have no budget.
    differences : pandas.DataFrame
        One row per condition, budget and pair of arms: mean difference with its 95 % interval,
        verdict, and the smallest difference that the pair resolves.

    Raises
    ------
    ValueError
        Two methods of one condition were scored on different images, or at different levels.
    """
    facts = methods[~methods.missing].set_index("method")
    rows, pairs = list[dict[str, object]](), list[dict[str, object]]()
    for condition, psnrs, ssims in _conditions(facts, scores):
        named = datasets.groups(str(condition["tested_on"]), psnrs.index)
        groups = pd.factorize(np.asarray(named))[0]
        made_by = {"protocol": _each_once(facts.protocol[psnrs.columns]), "command": COMMAND}
        for arm, names in _untrained(facts, psnrs).items():
            found, _ = _compared({arm: names}, psnrs, ssims, groups)
            rows += [condition | {"budget": None} | row for row in found]
        for budget in budgets.BUDGETS:
            arms = _arms(facts, psnrs, budget)
            found, differences = _compared(arms, psnrs, ssims, groups)
            rows += [condition | {"budget": budget} | row for row in found]
            pairs += [condition | {"budget": budget} | pair | made_by for pair in differences]
    origins = {
        names: _origin(names, facts) for names in dict.fromkeys(str(row["methods"]) for row in rows)
    }
    whole = [row | origins[str(row["methods"])] for row in rows]
    return pd.DataFrame(whole, columns=list(SUMMARY)), pd.DataFrame(
        pairs, columns=list(DIFFERENCES)
    )


def _conditions(
    facts: pd.DataFrame, scores: pd.DataFrame
) -> Iterator[tuple[dict[str, object], pd.DataFrame, pd.DataFrame]]:
    """Yield each condition with its tables of PSNR and SSIM, images x methods."""
    own = facts[["dataset", "clipped"]].rename(
        columns={"dataset": "trained_on", "clipped": "trained_clipped"}
    )
    joined = scores.rename(columns={"dataset": "tested_on"}).merge(
        own, left_on="method", right_index=True
    )
    keys = [name for name in CONDITION if name not in ("levels", "budget")]
    for values, rows in joined.groupby(keys, sort=False):
        levels = {f"{sigma:g}": part for sigma, part in rows.groupby("sigma")}
        if len(levels) > 1:
            by_picture = rows.groupby(["method", "picture"], sort=False, as_index=False)[
                [*MEASURES]
            ]
            levels["all"] = by_picture.mean(skipna=False)
            _check_levels(rows, values)
        for level, part in levels.items():
            condition = dict(zip(keys, values, strict=True)) | {"levels": level}
            _check_pictures(part, condition)
            yield (
                condition,
                *(
                    part.pivot(index="picture", columns="method", values=score)
                    for score in MEASURES
                ),
            )


def _check_pictures(rows: pd.DataFrame, condition: dict[str, object]) -> None:
    """Raise ValueError if two methods of a condition were scored on different images."""
    of_method = rows.groupby("method", sort=False).picture.agg(frozenset)
    for name, pictures in of_method.items():
        if pictures != of_method.iloc[0]:
            raise ValueError(
                f"{of_method.index[0]} and {name} were scored on different images of "
                f"{condition['tested_on']} ({len(of_method.iloc[0]):,} and {len(pictures):,}): "
                "score one method again"
            )


def _check_levels(rows: pd.DataFrame, values: Iterable[object]) -> None:
    """Raise ValueError if two methods were scored at different levels.

    Their means would not be comparable.
    """
    of_method = rows.groupby("method", sort=False).sigma.agg(
        lambda sigmas: tuple(sorted(set(sigmas)))
    )
    for name, levels in of_method.items():
        if levels != of_method.iloc[0]:
            first, other = (
                ", ".join(f"{sigma:g}" for sigma in one) for one in (of_method.iloc[0], levels)
            )
            raise ValueError(
                f"{of_method.index[0]} and {name} were scored at different levels "
                f"({first}; {other}) of {' '.join(map(str, values))}: score one method again"
            )


def _origin(names: str, facts: pd.DataFrame) -> dict[str, object]:
    """Return the provenance of a summary row: checksums of the weights, versions, and a command."""
    behind = facts.loc[names.split()]
    first = behind.iloc[0]
    hashes = (
        "" if pd.isna(first.seed) else " ".join(digest[:12] for digest in behind.weights_sha256)
    )
    command = first.command if len(behind) == 1 else _command(behind)
    versions = {name: _each_once(behind[name]) for name in VERSIONS}
    return {"weights_sha256": hashes, "command": command, **versions}


def _each_once(values: Iterable[object]) -> str:
    return " ".join(dict.fromkeys(word for value in values for word in str(value).split()))


def _command(behind: pd.DataFrame) -> str:
    """Return the command that makes the networks of all seeds."""
    words = behind.iloc[0].command.split()
    place = words.index("--only")
    arm = ["--arms", behind.iloc[0].arm, "--budgets", *behind.iloc[0].budgets.split()[:1]]
    noise = "clipped" if behind.iloc[0].clipped else "unclipped"
    return " ".join(
        [
            *words[:place],
            "--noise",
            noise,
            *arm,
            "--seeds",
            str(behind.seed.max() + 1),
            *words[place + 2 :],
        ]
    )


def _untrained(facts: pd.DataFrame, table: pd.DataFrame) -> dict[str, dict[int, str]]:
    """Return the untrained methods as arms with one seed."""
    return {facts.arm[name]: {0: name} for name in table.columns if pd.isna(facts.seed[name])}


def _arms(facts: pd.DataFrame, table: pd.DataFrame, budget: str) -> dict[str, dict[int, str]]:
    """Return the names of a budget's networks by arm and seed, in the order of the registry."""
    arms: dict[str, dict[int, str]] = {}
    for name, row in facts.loc[[name for name in facts.index if name in table.columns]].iterrows():
        if not pd.isna(row.seed) and budget in row.budgets.split():
            arms.setdefault(row.arm, {})[int(row.seed)] = name
    return arms


def _compared(
    arms: dict[str, dict[int, str]], psnrs: pd.DataFrame, ssims: pd.DataFrame, groups: np.ndarray
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Compute the rows and differences of the arms of one condition and budget.

    The mean of an arm is over all of its seeds, a difference over the seeds that both arms have.
    `groups` numbers each image's group of dependent images.
    """
    rows, valid = list[dict[str, object]](), list[str]()
    for arm, names in arms.items():
        methods = list(names.values())
        shape = {"seeds": len(names), "pictures": len(psnrs), "groups": int(groups.max()) + 1}
        row: dict[str, object] = {"arm": arm, "methods": " ".join(methods), **shape}
        if invalid := int(psnrs[methods].isna().to_numpy().sum()):
            of = psnrs[methods].size
            row["status"] = f"invalid: {invalid} of {of} estimates are not finite"
        else:
            valid.append(arm)
            row["status"] = "ok"
            if len(methods) > 1:
                row["seed_sd_db"] = psnrs[methods].mean().std()
            for name, table in zip(MEASURES, (psnrs, ssims), strict=True):
                found = intervals.interval(table[methods].to_numpy(float).T, groups)
                row |= {name: found.mean, f"{name}_low": found.low, f"{name}_high": found.high}
        rows.append(row)
    pairs = [
        _pair(arms, pair, psnrs, ssims, groups)
        for pair in itertools.combinations(valid, 2)
        if arms[pair[0]].keys() & arms[pair[1]].keys()
    ]
    return rows, pairs


def _pair(
    arms: dict[str, dict[int, str]],
    pair: tuple[str, str],
    psnrs: pd.DataFrame,
    ssims: pd.DataFrame,
    groups: np.ndarray,
) -> dict[str, object]:
    """Compute the difference of two arms in PSNR and in SSIM, over their common seeds."""
    seeds = sorted(arms[pair[0]].keys() & arms[pair[1]].keys())
    methods = [[arms[arm][seed] for seed in seeds] for arm in pair]
    found = []
    for table in (psnrs, ssims):
        one, other = (table[names].to_numpy(float).T for names in methods)
        found.append(intervals.difference(one, other, groups))
    quality, structure = found
    return {
        "arm": pair[0],
        "other": pair[1],
        "psnr_db": quality.mean,
        "psnr_db_low": quality.low,
        "psnr_db_high": quality.high,
        "verdict": quality.verdict,
        "ssim": structure.mean,
        "ssim_low": structure.low,
        "ssim_high": structure.high,
        "resolvable_db": quality.resolvable,
        "seeds": len(seeds),
        "pictures": len(psnrs),
        "groups": int(groups.max()) + 1,
    }


def both_ways(differences: pd.DataFrame) -> pd.DataFrame:
    """Return each pair in both orders; the reversed pair has the opposite signs and verdict."""
    turned = differences.rename(columns={"arm": "other", "other": "arm"})
    for name in MEASURES:
        low, high = f"{name}_low", f"{name}_high"
        turned = turned.assign(**{name: -turned[name], low: -turned[high], high: -turned[low]})
    opposite = {intervals.BETTER: intervals.WORSE, intervals.WORSE: intervals.BETTER}
    turned = turned.assign(verdict=turned.verdict.replace(opposite))
    return pd.concat([differences, turned[differences.columns]], ignore_index=True)


def own_noise(frame: pd.DataFrame) -> pd.Series:
    """Return a mask of the rows tested under the training condition.

    The condition is the same dataset and clamping, and Gaussian noise.
    """
    same = (frame.trained_on == frame.tested_on) & (frame.trained_clipped == frame.clipped)
    return same & (frame.noise == "gaussian")
