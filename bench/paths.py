"""Folders of committed results and documents in a checkout, and those of an installed wheel."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]
IS_CHECKOUT = (ROOT / "Makefile").is_file()
RESULTS = ROOT / "bench" / "results" if IS_CHECKOUT else Path("results")
"""Default folder of results. A wheel holds none: they lie below the current folder."""


def checkout(command: str) -> Path:
    """Return the root of the checkout for a command that writes its README and documents.

    Raises
    ------
    ValueError
        The package is installed from a wheel.
    """
    if not IS_CHECKOUT:
        raise ValueError(
            f"{command} writes README.md and docs/ of a checkout of the repository, and "
            f"{ROOT} is none"
        )
    return ROOT
