"""Scanned pages with real stains, folds and print-through, and clean versions of these pages.

References
----------
Kaggle, "Denoising Dirty Documents", 2015 (measure: RMSE). https://www.kaggle.com/c/denoising-dirty-documents
Castro-Bleda et al., "The NoisyOffice database", 2019.
"""

from __future__ import annotations

from pathlib import Path

from denoise.datasets.base import DATASETS, BrokenData, MissingData, Pictures
from denoise.images import image_files

FOLDER = "dirty_documents"
PAGES = f"{FOLDER}/groups.txt"  # one page per line: the files of its four stains
TEST_EVERY, VALIDATION = 5, (1, 13)  # pages 0, 5, 10, ... are for tests, 1 and 13 for validation


def page(key: str) -> str:
    """Return the page of an image.

    Its key is PAGE/FILE, and a page is named after the first of its files.
    """
    return key.partition("/")[0]


@DATASETS.register(
    "documents",
    label="Dirty documents",
    kind="pages",
    files=[PAGES],
    license="CC BY 4.0 (NoisyOffice, from which the pages are)",
    group=page,
    levels=(0.0,),
    clipped=True,
    measure="rmse",
)
def documents(split: str, root: Path) -> Pictures:
    """Load gray pages of 540x420 or 540x258, 24 of them with four stains each, split by page.

    `dirty` holds the stained pages.
    """
    groups = root / PAGES
    if not groups.is_file():
        raise MissingData(
            f"{groups} does not exist and has no official download link: put the folder "
            f"{FOLDER} there"
        )
    kept = []
    for number, line in enumerate(groups.read_text().splitlines()):
        files = [name if name.endswith(".png") else f"{name}.png" for name in line.split()]
        if files and _split(number) == split:
            kept += [f"{Path(files[0]).stem}/{name}" for name in files]
    try:
        clean, dirty = (
            tuple(image_files.read_8bit(root / FOLDER / part / Path(key).name) for key in kept)
            for part in ("train_cleaned", "train")
        )
    except ValueError as error:
        raise BrokenData(f"documents: {error}") from error
    return Pictures(
        "documents",
        split,
        clean,
        tuple(kept),
        tuple(f"page {page(key)}" for key in kept),
        {},
        dirty,
    )


def _split(number: int) -> str:
    if number % TEST_EVERY == 0:
        return "test"
    return "val" if number in VALIDATION else "train"
