"""Training settings of a grid's networks.

Without torch, because the command line reads its options here.
"""

from __future__ import annotations

import dataclasses
import json
import typing
from pathlib import Path

from denoise.cli import option, whole_numbers
from denoise.files import json_files
from denoise.files.atomic import whole_file

# names of `bench.sweep.backbones.BODIES`; that module imports torch
BODIES = ("autoencoder", "unet")


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Training settings of one folder of results; rows of one recipe are comparable.

    The defaults give networks of about the size of the Keras example (27 thousand parameters, 4.6
    million MACs).
    """

    body: str = option(
        "autoencoder",
        "backbone of the decoders: autoencoder (small images) or unet (photographs)",
    )
    width: int = option(8, "channels of the encoder's first stage; each pooling doubles them")
    depth: int = option(2, "number of poolings in the encoder")
    images: int = option(400_000, "training length of each network in images")
    lengths: tuple[int, ...] = option(
        (25_000, 50_000, 100_000, 200_000),
        "training lengths below --images to score too, with the schedule wsd",
        parse=whole_numbers,
        shown="25000,50000,100000,200000",
    )
    batch: int = option(64, "images per training step")
    optimizer: str = option("muon", "optimizer")
    schedule: str = option("wsd", "schedule of the learning rate; lengths need wsd")
    lr: float = option(0.024, "highest learning rate, for arms without a tuned one")
    half: bool = option(True, "round the trained weights to float16 (default: on)")
    precision: str = option(
        "auto", "number format of training; auto: bfloat16 if the device supports it"
    )

    def __post_init__(self) -> None:
        """Raise ValueError if a setting is out of range."""
        if self.body not in BODIES:
            raise ValueError(f"unknown backbone {self.body!r}; valid: {', '.join(BODIES)}")
        for name in ("width", "depth", "images", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if self.lengths and min(self.lengths) < 1:
            raise ValueError(f"lengths has {min(self.lengths)}; it must be at least 1")

    @property
    def shorter(self) -> list[int]:
        """Shorter training lengths that are scored too, in images."""
        return sorted(
            {size for size in self.lengths if size < self.images and self.schedule == "wsd"}
        )

    @classmethod
    def read(cls, folder: Path) -> Recipe:
        """Read the recipe of a folder.

        Raises
        ------
        ValueError
            The recipe is missing or malformed; the file is not changed.
        """
        file = folder / "recipe.json"
        if not file.is_file():
            raise ValueError(
                f"{file}: no such file, so {folder} holds no grid; `python -m bench grid --out` "
                "makes one"
            )
        try:
            held = json_files.read(file)
            json_files.check(held, typing.get_type_hints(cls), "recipe")
            # a field that is newer than the file takes its default
            return cls(**held | {"lengths": tuple(held.get("lengths", cls.lengths))})
        except (ValueError, TypeError) as error:
            raise ValueError(
                f"{file}: malformed recipe ({error}); the file is not changed"
            ) from error

    def write(self, folder: Path) -> None:
        """Write the recipe to the folder."""
        with whole_file(folder / "recipe.json") as partial:
            partial.write_text(json.dumps(dataclasses.asdict(self), indent=2) + "\n")
