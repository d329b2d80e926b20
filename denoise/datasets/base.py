"""Base of all datasets: images with stable keys, found by name under one data root."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import overload

import platformdirs
import torch
from torch import Tensor

from denoise.registry import Registry

SPLITS = ("train", "val", "test")

DATASETS = Registry("dataset")
"""Registry entries build `(split, root) -> Pictures`; `root` is the data root as a `Path`.

The fact `license` gives the terms of use of the images. The fact `correlated` marks pairs of images
without and with correlated noise, for methods that get no sigma. The fact `files` lists the
required files in the data root. A dataset without this fact is always present, or is the root
itself. `bundled` datasets come with a package and read no root. `kind` is the kind of image:
"photographs", "pages", None if the user decides, and by default "objects" (small images of digits,
letters or clothes).
"""


class MissingData(ValueError):
    """Error of a dataset whose files are missing and cannot be downloaded.

    Its text names the folder for these files.
    """


class BrokenData(ValueError):
    """Error of a damaged file of a dataset; its text names the file and the expected content."""


@dataclass(frozen=True)
class Pictures(Sequence[Tensor]):
    """One split of a dataset.

    Attributes
    ----------
    name, split : str
    images : sequence of Tensor
        Each (C, H, W) uint8. One (N, C, H, W) tensor if all sizes are equal, else a tuple.
    keys : tuple of str
        One key per image, unique within the dataset (all splits) and equal on every machine. Test
        noise is drawn from the keys, so a key must never depend on the order of a folder listing or
        on another image.
    labels : tuple of str
        Content of each image ("7", "A", "astronaut"), for pages and figures.
    notes : dict of str to int
        Counts from the loader that a reader should know, e.g. `{"unreadable": 2, "duplicates":
        492}`.
    dirty : sequence of Tensor
        Dirty version of each image, of its shape, if the dataset has both (stained pages); else
        empty.
    """

    name: str
    split: str
    images: Tensor | tuple[Tensor, ...]
    keys: tuple[str, ...]
    labels: tuple[str, ...]
    notes: dict[str, int] = field(default_factory=dict)
    dirty: tuple[Tensor, ...] = ()

    def __post_init__(self) -> None:
        if self.dirty and [one.shape for one in self.dirty] != [one.shape for one in self.images]:
            raise ValueError(
                f"{self.name}: the shapes of the dirty images differ from those of the clean images"
            )
        if not len(self.images) == len(self.keys) == len(self.labels):
            raise ValueError(
                f"{self.name}: {len(self.images)} images, {len(self.keys)} keys, "
                f"{len(self.labels)} labels"
            )
        if not self.keys:
            raise MissingData(f"the {self.split} split of {self.name} has no image")

    def __len__(self) -> int:
        return len(self.keys)

    @overload
    def __getitem__(self, index: int) -> Tensor: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Tensor]: ...
    def __getitem__(self, index: int | slice) -> Tensor | Sequence[Tensor]:
        return self.images[index]

    @property
    def shapes(self) -> set[tuple[int, int, int]]:
        """All image shapes (C, H, W) of the split."""
        if isinstance(self.images, Tensor):
            _, channels, height, width = self.images.shape
            return {(channels, height, width)}
        shapes = (image.shape for image in self.images)
        return {(channels, height, width) for channels, height, width in shapes}

    def spread(self, count: int | None) -> Pictures:
        """Select `count` images evenly spread over the split, or all if `count` is None or larger.

        The first images would not be representative: some datasets are sorted by content.
        """
        if count is None or count >= len(self):
            return self
        kept = [i * len(self) // count for i in range(count)]
        images = (
            self.images[kept]
            if isinstance(self.images, Tensor)
            else tuple(self.images[i] for i in kept)
        )
        keys, labels = (tuple(column[i] for i in kept) for column in (self.keys, self.labels))
        dirty = tuple(self.dirty[i] for i in kept) if self.dirty else ()
        return Pictures(self.name, self.split, images, keys, labels, self.notes, dirty)

    def gray(self) -> Pictures:
        """Convert every image to one channel; BSD68 is CBSD68 in gray."""
        if all(channels == 1 for channels, _, _ in self.shapes):
            return self
        images, dirty = (tuple(map(_luma, some)) for some in (self.images, self.dirty))
        return replace(self, images=images, dirty=dirty)

    def batches(self, size: int) -> Iterator[tuple[Tensor, tuple[str, ...]]]:
        """Yield consecutive images of equal shape, at most `size` at once.

        Yields
        ------
        clean : Tensor
            (N, C, H, W) float32 in [0, 1].
        keys : tuple of str
            One key per image.
        """
        for clean, _, keys in self.pairs(size):
            yield clean, keys

    def pairs(self, size: int) -> Iterator[tuple[Tensor, Tensor, tuple[str, ...]]]:
        """Yield clean images, images to corrupt, and keys, in the order of `batches`.

        The images to corrupt are the dirty images if the dataset has them, else the clean images.
        """
        start = 0
        while start < len(self):
            stop = self._alike(start, size)
            alike = self.images[start:stop]
            clean = (alike if isinstance(alike, Tensor) else torch.stack(alike)).float() / 255
            given = torch.stack(self.dirty[start:stop]).float() / 255 if self.dirty else clean
            yield clean, given, self.keys[start:stop]
            start = stop

    def _alike(self, start: int, size: int) -> int:
        """Return the end of the run of at most `size` equally shaped images from `start`."""
        end = min(start + size, len(self))
        if isinstance(self.images, Tensor):
            return end
        return next(
            (at for at in range(start + 1, end) if self[at].shape != self[start].shape), end
        )


def _luma(image: Tensor) -> Tensor:
    """Convert (1 or 3, H, W) to (1, H, W), uint8: luma by ITU-R BT.601, as in MATLAB's rgb2gray."""
    if image.shape[0] == 1:
        return image
    return (
        torch.einsum("c,chw->hw", torch.tensor([0.299, 0.587, 0.114]), image.float())
        .round()
        .byte()
        .unsqueeze(0)
    )


def data_root(given: str | Path | None = None) -> Path:
    """Return the data root: `given`, else `$DENOISE_DATA`, else the user's cache folder."""
    chosen = (
        given or os.environ.get("DENOISE_DATA") or platformdirs.user_cache_path("denoise") / "data"
    )
    return Path(chosen).expanduser().resolve()


def split_of(group: str, *, val: float = 0.1, test: float = 0.1) -> str:
    """Return the split of a group of images (a font, a file), from its name alone.

    A hash decides, so a group keeps its split if new groups are added. A font has the same split in
    every archive: letters of a test font are never trained on.
    """
    share = int.from_bytes(hashlib.sha256(group.encode()).digest()[:8], "big") / 2**64
    if share < test:
        return "test"
    return "val" if share < test + val else "train"
