"""How every network of a grid is trained. Imports no torch: the command line reads its options from here."""

from __future__ import annotations

import dataclasses

from denoise.commandline import option


@dataclasses.dataclass(frozen=True)
class Recipe:
    """One recipe a folder of results, so that its rows can stand in one column.

    By default the networks have about the size of the Keras example's (27 thousand parameters, 4.6 million MACs).
    """

    width: int = option(8, "channels of the encoder's first stage; each pooling doubles them")
    depth: int = option(2, "poolings")
    images: int = option(150_000, "pictures that each network sees")
    batch: int = option(128, "pictures a step")
    lr: float = option(1.6e-2, "Adam's highest learning rate")

    def __post_init__(self) -> None:
        for name in ("width", "depth", "images", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
