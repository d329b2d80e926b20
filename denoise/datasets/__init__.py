"""Datasets by name. One file a source; `load` is the only door."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

# Each module registers what it offers when it is imported; the order here is the order in lists.
from denoise.datasets import idx, notmnist, glyphs, photos, berkeley, documents, camera, folder  # noqa: F401  isort: skip
from denoise.datasets.base import DATASETS, SPLITS, BrokenData, MissingData, Pictures, data_root
from denoise.registry import Entry

__all__ = [
    "DATASETS",
    "SPLITS",
    "BrokenData",
    "MissingData",
    "Pictures",
    "alike",
    "data_root",
    "groups",
    "load",
    "named",
    "present",
]


def load(name: str, split: str, root: str | Path | None = None) -> Pictures:
    """Load one split of a dataset by name.

    Parameters
    ----------
    name : str
        A name of `DATASETS`; `NAME:PATH` takes PATH for the data root (`folder:my_pictures`).
    split : {"train", "val", "test"}
        Of a set that is only tested on, train and val are those of the set that belongs to it (BSD68: train400).
    root : str or Path, optional
        The data root; see `data_root` for the default.

    Returns
    -------
    Pictures

    Raises
    ------
    UnknownName
        No dataset of that name.
    MissingData
        The files are not in the data root and could not be downloaded.
    BrokenData
        A file is truncated or not what its name says.
    ValueError
        No split of that name, or none in this dataset; or a path that is not valid (`named`).
    """
    if split not in SPLITS:
        raise ValueError(f"unknown split {split!r}; valid: {', '.join(SPLITS)}")
    entry, path = named(name)
    facts, root = entry.facts, path or root
    if split != "test" and "training" in facts:  # a set to test on alone
        return load(facts["training"], split, root)
    if split not in facts.get("splits", SPLITS):
        raise ValueError(f"{entry.name} has no {split} pictures; valid: {', '.join(facts['splits'])}")
    return entry.build(split, data_root(root))


def named(name: str) -> tuple[Entry, str | None]:
    """Return the entry of a dataset `NAME` or `NAME:PATH`, and the path if there is one.

    Raises
    ------
    UnknownName
        No dataset of that name.
    ValueError
        Nothing stands behind the colon, or a path stands behind a dataset that reads none.
    """
    kind, colon, path = name.partition(":")
    entry = DATASETS[kind]
    if colon and entry.facts.get("bundled"):
        raise ValueError(f"dataset {name!r}: {kind} comes with a package and reads no folder; valid: {kind}")
    if colon and not path.strip():
        raise ValueError(
            f"dataset {name!r} has no path behind the colon; valid: {kind}:PATH, or {kind} for the data root"
        )
    return entry, path or None


def present(name: str, root: str | Path | None = None) -> bool:
    """Whether the files of a dataset are in the data root, so that `load` needs no network."""
    return all((data_root(root) / file).is_file() for file in DATASETS[name].facts.get("files", ()))


def alike(one: str, other: str) -> bool:
    """Whether two datasets show things of one kind, so that a network that was trained on one may know the other."""
    kinds = {DATASETS[name.partition(":")[0]].facts.get("kind", "objects") for name in (one, other)}
    return len(kinds) == 1 or None in kinds


def groups(name: str, keys: Iterable[str]) -> list[str]:
    """For each picture, by its key, what it has in common with others of the dataset: its font; else the key itself.

    Pictures of one group are not independent of each other.
    """
    return [DATASETS[name].facts.get("group", str)(key) for key in keys]
