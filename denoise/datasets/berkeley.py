"""Berkeley and related datasets of the published tables.

train400 and BSDS500 are for training; Set12, BSD68 and CBSD68 are for tests. They have no stable
official link, so they are not downloaded: put the folders into the data root.

References
----------
Martin, Fowlkes, Tal and Malik, "A database of human segmented natural images", ICCV 2001.
Roth and Black, "Fields of Experts", 2009 (BSD68).
Arbelaez, Maire, Fowlkes and Malik, "Contour detection and hierarchical image segmentation", 2011
(BSDS500).
https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/resources.html
Zhang et al., DnCNN: train400, Set12 and BSD68 as PNG files. https://github.com/cszn/DnCNN
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from denoise.datasets.base import DATASETS, BrokenData, MissingData, Pictures, split_of
from denoise.images import image_files

TERMS = "non-commercial research and education (BSDS500's terms)"
# sigmas of the published tables, whose noise is not clamped
LEVELS = (15 / 255, 25 / 255, 50 / 255)
HELD_OUT = 0.05  # share of the training images for validation
MEMBERS = "bsds500/CBSD68_members.txt"  # list of the images of bsds500/val that form CBSD68


@DATASETS.register(
    "train400",
    label="Train400",
    files=["train400/test_001.png"],
    splits=("train", "val"),
    license=TERMS,
    kind="photographs",
    levels=LEVELS,
)
def train400(split: str, root: Path) -> Pictures:
    """Load 400 gray crops of 180x180 from BSDS500 train and test, the training images of DnCNN."""
    return _read("train400", split, root, _listed(root, "train400", (".png",)))


@DATASETS.register(
    "bsds500",
    label="BSDS500",
    files=["bsds500/train/100075.jpg"],
    splits=("train", "val"),
    license=TERMS,
    kind="photographs",
    levels=LEVELS,
)
def bsds500(split: str, root: Path) -> Pictures:
    """Load 400 color photographs of 481x321 from the folders train and test.

    The folder val is excluded, because BSD68 and CBSD68 come from it.
    """
    return _read(
        "bsds500",
        split,
        root,
        [f for part in ("train", "test") for f in _listed(root, f"bsds500/{part}")],
    )


@DATASETS.register(
    "set12",
    label="Set12",
    files=["set12/01.png"],
    license="none stated",
    training="train400",
    kind="photographs",
    levels=LEVELS,
    clipped=False,
)
def set12(split: str, root: Path) -> Pictures:
    """Load twelve gray images, of 256x256 and 512x512."""
    return _read("set12", split, root, _listed(root, "set12", (".png",)))


@DATASETS.register(
    "bsd68",
    label="BSD68",
    files=["bsd68/test001.png"],
    license=TERMS,
    training="train400",
    kind="photographs",
    levels=LEVELS,
    clipped=False,
)
def bsd68(split: str, root: Path) -> Pictures:
    """Load 68 gray photographs of 481x321."""
    return _read("bsd68", split, root, _listed(root, "bsd68", (".png",)))


@DATASETS.register(
    "cbsd68",
    label="CBSD68",
    files=[MEMBERS],
    license=TERMS,
    training="bsds500",
    kind="photographs",
    levels=LEVELS,
    clipped=False,
)
def cbsd68(split: str, root: Path) -> Pictures:
    """Load BSD68 in color: the images of BSDS500's val that the member list names."""
    list_ = root / MEMBERS
    if not list_.is_file():
        raise MissingData(_missing(list_))
    lines = [line.split() for line in list_.read_text().splitlines() if line.strip()]
    return _read("cbsd68", split, root, [f"bsds500/{line[-1]}" for line in lines])


def _listed(root: Path, folder: str, endings: tuple[str, ...] = (".jpg", ".png")) -> list[str]:
    found = sorted(
        path.name for path in (root / folder).glob("*") if path.suffix.lower() in endings
    )
    if not found:
        raise MissingData(_missing(root / folder))
    return [f"{folder}/{name}" for name in found]


def _missing(path: Path) -> str:
    return (
        f"{path} does not exist and has no official download link: put the folder {path.name} there"
    )


def _read(name: str, split: str, root: Path, files: Iterable[str]) -> Pictures:
    """Read the files that belong to the split; the test split of a dataset has all files."""
    kept = [
        file for file in files if split == "test" or split_of(file, val=HELD_OUT, test=0) == split
    ]
    try:
        images = tuple(image_files.read_8bit(root / file) for file in kept)
    except ValueError as error:
        raise BrokenData(f"{name}: {error}") from error
    return Pictures(name, split, images, tuple(kept), tuple(Path(file).stem for file in kept))
