"""What a dataset is: pictures with stable keys, found by name under one data root."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import platformdirs
import torch
from torch import Tensor

from denoise.registry import Registry

SPLITS = ("train", "val", "test")

DATASETS = Registry("dataset")
"""Each entry builds `(split, root) -> Pictures`, where `root` is the data root as a `Path`.

The fact `license` tells under which terms the images may be used. The fact `correlated` marks pairs of images without
and with correlated noise, for methods that are told no level. The fact `files` lists what must lie in the data
root; a set without it is always there, or is the root itself. `bundled` sets come with a package and read no root.
`kind` says what its pictures show: "photographs", "pages", None where that is the user's choice, and small ones of
"objects" (digits, letters, clothes) where it is not given.
"""


class MissingData(ValueError):
    """The files of a dataset are neither in the data root nor to be had; its text says where to put them."""


class BrokenData(ValueError):
    """A file of a dataset is there but not whole; its text names it and what was expected."""


@dataclass(frozen=True)
class Pictures(Sequence[Tensor]):
    """One split of a dataset.

    Attributes
    ----------
    name, split : str
    images : sequence of Tensor
        Each (C, H, W) uint8. One (N, C, H, W) tensor where all sizes agree, else a tuple.
    keys : tuple of str
        One a picture, unique within the dataset (all splits) and the same on every machine: test noise is drawn
        from them, so a key must never depend on the order of a folder listing or on other pictures.
    labels : tuple of str
        What each picture shows ("7", "A", "astronaut"), for pages and figures.
    notes : dict of str to int
        What the loader counted and a reader should know, e.g. `{"unreadable": 2, "duplicates": 492}`.
    dirty : sequence of Tensor
        What each picture looks like before it is cleaned, of its shape, where the dataset has both (stained pages);
        empty where the clean picture is all there is.
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
            raise ValueError(f"{self.name}: the dirty pictures have not the shapes of the clean ones")
        if not len(self.images) == len(self.keys) == len(self.labels):
            raise ValueError(
                f"{self.name}: {len(self.images)} images, {len(self.keys)} keys, {len(self.labels)} labels"
            )
        if not self.keys:
            raise MissingData(f"the {self.split} split of {self.name} has no picture")

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, index: int) -> Tensor:
        return self.images[index]

    @property
    def shapes(self) -> set[tuple[int, int, int]]:
        """(C, H, W), each that there is."""
        if isinstance(self.images, Tensor):
            return {tuple(self.images.shape[1:])}
        return {tuple(image.shape) for image in self.images}

    def spread(self, count: int | None) -> Pictures:
        """`count` pictures evenly spread over the split (all of them where `count` is None or larger).

        The first ones would not do: some sets are sorted by what they show.
        """
        if count is None or count >= len(self):
            return self
        kept = [i * len(self) // count for i in range(count)]
        images = self.images[kept] if isinstance(self.images, Tensor) else tuple(self.images[i] for i in kept)
        keys, labels = (tuple(column[i] for i in kept) for column in (self.keys, self.labels))
        dirty = tuple(self.dirty[i] for i in kept) if self.dirty else ()
        return Pictures(self.name, self.split, images, keys, labels, self.notes, dirty)

    def gray(self) -> Pictures:
        """The same pictures, each with one channel: BSD68 is CBSD68 so."""
        if all(channels == 1 for channels, _, _ in self.shapes):
            return self
        images, dirty = (tuple(map(_luma, some)) for some in (self.images, self.dirty))
        return replace(self, images=images, dirty=dirty)

    def batches(self, size: int) -> Iterator[tuple[Tensor, tuple[str, ...]]]:
        """Consecutive pictures of equal shape, at most `size` at once.

        Yields
        ------
        clean : Tensor
            (N, C, H, W) float32 in [0, 1].
        keys : tuple of str
            One a picture.
        """
        for clean, _, keys in self.pairs(size):
            yield clean, keys

    def pairs(self, size: int) -> Iterator[tuple[Tensor, Tensor, tuple[str, ...]]]:
        """As `batches`, with what noise is added to between the two: the dirty picture, else the clean one itself."""
        start = 0
        while start < len(self):
            stop = self._alike(start, size)
            alike = self.images[start:stop]
            clean = (alike if isinstance(alike, Tensor) else torch.stack(alike)).float() / 255
            given = torch.stack(self.dirty[start:stop]).float() / 255 if self.dirty else clean
            yield clean, given, self.keys[start:stop]
            start = stop

    def _alike(self, start: int, size: int) -> int:
        """Where the pictures of the shape of the one at `start` end, at most `size` further."""
        end = min(start + size, len(self))
        if isinstance(self.images, Tensor):
            return end
        return next((at for at in range(start + 1, end) if self[at].shape != self[start].shape), end)


def _luma(image: Tensor) -> Tensor:
    """(1 or 3, H, W) -> (1, H, W), both uint8: how bright a colour is by ITU-R BT.601, as MATLAB's rgb2gray has it."""
    if image.shape[0] == 1:
        return image
    return torch.einsum("c,chw->hw", torch.tensor([0.299, 0.587, 0.114]), image.float()).round().byte().unsqueeze(0)


def data_root(given: str | Path | None = None) -> Path:
    """The one folder that holds all data: `given`, else `$DENOISE_DATA`, else the user's cache folder."""
    chosen = given or os.environ.get("DENOISE_DATA") or platformdirs.user_cache_path("denoise") / "data"
    return Path(chosen).expanduser().resolve()


def split_of(group: str, *, val: float = 0.1, test: float = 0.1) -> str:
    """The split that a group of pictures (a font, a file) belongs to, from nothing but its name.

    A hash decides, so a group keeps its split when others are added, and the same font is in the same split of
    every archive: letters of a test font are never trained on.
    """
    share = int.from_bytes(hashlib.sha256(group.encode()).digest()[:8], "big") / 2**64
    if share < test:
        return "test"
    return "val" if share < test + val else "train"
