"""Datasets by name, one file per source; `load` is the only entry point."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

# Each module registers its datasets on import; lists keep this order.
# isort: off
from denoise.datasets import mnist, notmnist, glyphs, scikit_image, berkeley  # noqa: F401
from denoise.datasets import dirty_documents, camera, folder  # noqa: F401

# isort: on
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
        A name of `DATASETS`; `NAME:PATH` uses PATH as the data root (`folder:my_images`).
    split : {"train", "val", "test"}
        Split; for a test-only dataset, train and val come from its training dataset (BSD68:
        train400).
    root : str or Path, optional
        Data root; see `data_root` for the default.

    Returns
    -------
    Pictures

    Raises
    ------
    UnknownName
        Unknown dataset.
    MissingData
        The files are not in the data root and could not be downloaded.
    BrokenData
        A file is truncated, or its content does not match its name.
    ValueError
        Unknown split, or a split that this dataset lacks; or an invalid path (`named`).
    """
    if split not in SPLITS:
        raise ValueError(f"unknown split {split!r}; valid: {', '.join(SPLITS)}")
    entry, path = named(name)
    facts, root = entry.facts, path or root
    if split != "test" and "training" in facts:  # test-only dataset
        return load(facts["training"], split, root)
    if split not in facts.get("splits", SPLITS):
        raise ValueError(
            f"{entry.name} has no {split} images; valid splits: {', '.join(facts['splits'])}"
        )
    return entry.build(split, data_root(root))


def named(name: str) -> tuple[Entry, str | None]:
    """Return the entry of a dataset `NAME` or `NAME:PATH`, and the path if there is one.

    Raises
    ------
    UnknownName
        Unknown dataset.
    ValueError
        No path after the colon, or a path for a dataset that reads no files.
    """
    kind, colon, path = name.partition(":")
    entry = DATASETS[kind]
    if colon and entry.facts.get("bundled"):
        raise ValueError(
            f"dataset {name!r}: {kind} is part of a package and reads no folder; valid: {kind}"
        )
    if colon and not path.strip():
        raise ValueError(
            f"dataset {name!r} has no path after the colon; valid: {kind}:PATH, or "
            f"{kind} for the data root"
        )
    return entry, path or None


def present(name: str, root: str | Path | None = None) -> bool:
    """Return True if the data root holds all files of a dataset: `load` needs no download."""
    return all((data_root(root) / file).is_file() for file in DATASETS[name].facts.get("files", ()))


def alike(one: str, other: str) -> bool:
    """Return True if two datasets show one kind of image.

    A network trained on one of them then suits the other one.
    """
    kinds = {DATASETS[name.partition(":")[0]].facts.get("kind", "objects") for name in (one, other)}
    return len(kinds) == 1 or None in kinds


def groups(name: str, keys: Iterable[str]) -> list[str]:
    """Return the group of each image, by its key: its font, for example; else the key itself.

    Images of one group are not independent of each other.
    """
    return [DATASETS[name].facts.get("group", str)(key) for key in keys]
