"""MNIST and Fashion-MNIST, which torchvision downloads.

References
----------
LeCun, Cortes, Burges, "The MNIST database of handwritten digits" (and the format of its files).
http://yann.lecun.com/exdb/mnist/
Xiao, Rasul, Vollgraf, "Fashion-MNIST", 2017. https://arxiv.org/abs/1708.07747
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from denoise.datasets.base import DATASETS, BrokenData, MissingData, Pictures
from denoise.files.atomic import partial_folder

VALIDATION = 5_000  # last of the 60,000 training images; the protocol's 55,000 / 5,000 / 10,000
SIDE = 28
HEADERS = {"images": 16, "labels": 8}  # bytes; after the header, one byte per pixel or label
# first bytes: uint8 in 3 dimensions, or in 1
MAGIC = {"images": b"\0\0\x08\x03", "labels": b"\0\0\x08\x01"}
FILES = {  # bytes of each unpacked file
    "train-images-idx3-ubyte": HEADERS["images"] + 60_000 * SIDE**2,
    "train-labels-idx1-ubyte": HEADERS["labels"] + 60_000,
    "t10k-images-idx3-ubyte": HEADERS["images"] + 10_000 * SIDE**2,
    "t10k-labels-idx1-ubyte": HEADERS["labels"] + 10_000,
}
CLOTHES = (
    "t-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)


@DATASETS.register(
    "mnist",
    label="MNIST digits",
    files=[f"MNIST/raw/{file}" for file in FILES],
    license="CC BY-SA 3.0 (as Keras states)",
)
def mnist(split: str, root: Path) -> Pictures:
    """Load 28x28 gray digits: 55,000 / 5,000 / 10,000 images."""
    return _load("mnist", "MNIST", split, root, "0123456789")


@DATASETS.register(
    "fashion_mnist",
    label="Fashion-MNIST clothes",
    files=[f"FashionMNIST/raw/{file}" for file in FILES],
    license="MIT",
)
def fashion_mnist(split: str, root: Path) -> Pictures:
    """Load 28x28 gray clothes: 55,000 / 5,000 / 10,000 images."""
    return _load("fashion_mnist", "FashionMNIST", split, root, CLOTHES)


def _load(name: str, source: str, split: str, root: Path, classes: Sequence[str]) -> Pictures:
    raw = root / source / "raw"
    if not all((raw / file).exists() for file in FILES):
        _download(name, source, root, raw)
    for file, expected in FILES.items():
        found = (raw / file).stat().st_size
        if found != expected:
            raise BrokenData(
                f"{raw / file} has {found:,} bytes, {expected:,} expected: remove it to "
                "download it again"
            )
    half, stem = ("test", "t10k") if split == "test" else ("train", "train")
    images, labels = (
        _bytes(raw / f"{stem}-images-idx3-ubyte"),
        _bytes(raw / f"{stem}-labels-idx1-ubyte"),
    )
    every = range(len(labels))
    kept = (
        every
        if half == "test"
        else every[:-VALIDATION]
        if split == "train"
        else every[-VALIDATION:]
    )
    return Pictures(
        name,
        split,
        images.view(-1, 1, SIDE, SIDE)[kept.start : kept.stop],
        tuple(f"{half}/{i:05d}" for i in kept),
        tuple(classes[label] for label in labels[kept.start : kept.stop].tolist()),
    )


def _bytes(file: Path) -> Tensor:
    """Read the bytes after the header."""
    kind, whole = file.name.split("-")[1], np.fromfile(file, np.uint8)
    values = whole[HEADERS[kind] :]
    if whole[:4].tobytes() != MAGIC[kind] or (kind == "labels" and values.max() > 9):
        raise BrokenData(
            f"{file} does not hold {kind} in IDX format: remove it to download it again"
        )
    return torch.from_numpy(values)


def _download(name: str, source: str, root: Path, raw: Path) -> None:
    """Download into a temporary folder, then move each complete file to its place."""
    import torchvision  # imports as slowly as PyTorch itself, and is not needed if the files exist

    where = (
        f"put {', '.join(FILES)} into {raw}, or name another folder with --data-root or "
        "DENOISE_DATA"
    )
    try:
        raw.mkdir(parents=True, exist_ok=True)
        with partial_folder(root) as partial:
            getattr(torchvision.datasets, source)(partial, download=True)
            for file in FILES:
                (partial / source / "raw" / file).replace(raw / file)
    except (RuntimeError, OSError) as error:
        reason = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
        raise MissingData(
            f"{name} is not in {raw} and could not be downloaded ({reason}): {where}"
        ) from error
