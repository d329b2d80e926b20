"""MNIST and Fashion-MNIST through torchvision, which also downloads them.

References
----------
LeCun, Cortes, Burges, "The MNIST database of handwritten digits". http://yann.lecun.com/exdb/mnist/
Xiao, Rasul, Vollgraf, "Fashion-MNIST", 2017. https://arxiv.org/abs/1708.07747
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import torchvision

from denoise.datasets.base import DATASETS, BrokenData, MissingData, Pictures

VALIDATION = 5_000  # the last of the 60,000 training pictures; the protocol's 55,000 / 5,000 / 10,000
FILES = {  # bytes of each unpacked file: header + one byte a pixel, or header + one byte a label
    "train-images-idx3-ubyte": 16 + 60_000 * 28 * 28,
    "train-labels-idx1-ubyte": 8 + 60_000,
    "t10k-images-idx3-ubyte": 16 + 10_000 * 28 * 28,
    "t10k-labels-idx1-ubyte": 8 + 10_000,
}


@DATASETS.register("mnist", label="MNIST digits", files=[f"MNIST/raw/{file}" for file in FILES])
def mnist(split: str, root: Path) -> Pictures:
    """28x28 gray digits: 55,000 / 5,000 / 10,000 pictures."""
    return _load("mnist", torchvision.datasets.MNIST, split, root, list("0123456789"))


@DATASETS.register("fashion_mnist", label="Fashion-MNIST clothes", files=[f"FashionMNIST/raw/{file}" for file in FILES])
def fashion_mnist(split: str, root: Path) -> Pictures:
    """28x28 gray clothes: 55,000 / 5,000 / 10,000 pictures."""
    source = torchvision.datasets.FashionMNIST
    return _load("fashion_mnist", source, split, root, [name.lower() for name in source.classes])


def _load(name: str, source: type[torchvision.datasets.MNIST], split: str, root: Path, classes: list[str]) -> Pictures:
    raw = root / source.__name__ / "raw"
    if not all((raw / file).exists() for file in FILES):
        _download(name, source, root, raw)
    for file, expected in FILES.items():
        found = (raw / file).stat().st_size
        if found != expected:
            raise BrokenData(f"{raw / file} has {found:,} bytes, {expected:,} expected: remove it to have it again")
    half = "test" if split == "test" else "train"
    data = source(root, train=half == "train")
    kept = slice(None)
    if half == "train":
        kept = slice(None, -VALIDATION) if split == "train" else slice(-VALIDATION, None)
    images = data.data[kept].unsqueeze(1)
    indices = range(len(data.data))[kept]
    return Pictures(
        name,
        split,
        images,
        tuple(f"{half}/{i:05d}" for i in indices),
        tuple(classes[label] for label in data.targets[kept].tolist()),
    )


def _download(name: str, source: type[torchvision.datasets.MNIST], root: Path, raw: Path) -> None:
    """Download into a temporary folder, then move each whole file to its place."""
    where = f"put {', '.join(FILES)} into {raw}, or name another folder with --data-root or DENOISE_DATA"
    try:
        raw.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root) as partial:
            source(partial, download=True)
            for file in FILES:
                os.replace(Path(partial) / source.__name__ / "raw" / file, raw / file)
    except (RuntimeError, OSError) as error:
        reason = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
        raise MissingData(f"{name} is not in {raw} and could not be downloaded ({reason}): {where}") from error
