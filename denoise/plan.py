"""How a network is run on a machine: what `denoise.calibration` finds out and `denoise.remembered` keeps."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Collection
from typing import Any

import torch

from denoise.anysize import AnySize
from denoise.lowering import BACKENDS, lower

DTYPES = ("float32", "bfloat16")
AGAIN = 3600.0  # seconds for which what was found out in a busy moment is kept


@dataclasses.dataclass(frozen=True)
class Plan:
    """How a network is run.

    Attributes
    ----------
    backend : str
        One of `denoise.lowering.BACKENDS`.
    dtype : str
        "float32" or "bfloat16": of what the convolutions take and answer.
    chunk_pixels : int
        Pixels of a batch that go through the network at once: what it keeps meanwhile should stay in the processor's
        caches. Changes no result.
    """

    backend: str = "plain"
    dtype: str = "float32"
    chunk_pixels: int = 2**17

    def __post_init__(self) -> None:
        if self.backend not in BACKENDS or self.dtype not in DTYPES:
            raise ValueError(f"unknown plan {self.backend} {self.dtype}")
        if not isinstance(self.chunk_pixels, int) or self.chunk_pixels < 1:
            raise ValueError(f"the plan's chunk_pixels are {self.chunk_pixels!r}; they must be a whole number above 0")

    def __str__(self) -> str:
        return f"{self.backend}, {self.dtype}, pieces of {self.chunk_pixels:,} pixels"

    def lower(self, network: AnySize, exact: Collection[str] = ()) -> AnySize:
        """The network as this plan runs it, those of its convolutions in float32 that are named."""
        return lower(network, self.backend, getattr(torch, self.dtype), exact)


PLAIN = Plan()
"""What runs everywhere: the network as it was trained."""


@dataclasses.dataclass(frozen=True)
class Found:
    """What was found out about a device.

    Attributes
    ----------
    quickest, exact : Plan
        Of all, and of those in float32.
    until : float, optional
        Seconds since the epoch when it is to be found out anew: other work took turns with the candidates, and what
        waits for several threads at once then looks slower than it is.
    """

    quickest: Plan
    exact: Plan
    until: float | None = None

    @classmethod
    def of(cls, kept: dict[str, Any]) -> Found:
        """From what the file holds; KeyError, TypeError or ValueError where that is something else."""
        until = None if kept["until"] is None else float(kept["until"])
        return cls(Plan(**kept["quickest"]), Plan(**kept["exact"]), until)

    def holds(self) -> bool:
        """Whether it is still to be used."""
        return self.until is None or 0 <= self.until - time.time() <= AGAIN
