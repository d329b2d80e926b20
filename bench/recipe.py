"""How every network of a grid is trained. Imports no torch: the command line reads its options from here."""

from __future__ import annotations

import dataclasses
import json
import typing
from pathlib import Path

from denoise import json_files
from denoise.commandline import option
from denoise.files import whole_file

BODIES = ("autoencoder", "unet")  # the names of `bench.bodies.BODIES`, which imports torch


@dataclasses.dataclass(frozen=True)
class Recipe:
    """One recipe a folder of results, so that its rows can stand in one column.

    By default the networks have about the size of the Keras example's (27 thousand parameters, 4.6 million MACs).
    """

    body: str = option("autoencoder", "what the decoders stand in: autoencoder (small pictures), unet (photographs)")
    width: int = option(8, "channels of the encoder's first stage; each pooling doubles them")
    depth: int = option(2, "poolings")
    images: int = option(150_000, "pictures that each network sees")
    batch: int = option(128, "pictures a step")
    lr: float = option(1.6e-2, "Adam's highest learning rate")
    precision: str = option("auto", "number format of training: auto (bfloat16 where the device has it), or a name")

    def __post_init__(self) -> None:
        if self.body not in BODIES:
            raise ValueError(f"unknown body {self.body!r}; valid: {', '.join(BODIES)}")
        for name in ("width", "depth", "images", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")

    @classmethod
    def read(cls, folder: Path) -> Recipe:
        """How the networks of a folder were trained.

        Raises
        ------
        ValueError
            There is no recipe, or it is not whole; it is left alone.
        """
        file = folder / "recipe.json"
        if not file.is_file():
            raise ValueError(f"{file}: no such file, so {folder} holds no grid; `python -m bench grid --out` makes one")
        try:
            held = json_files.read(file)
            json_files.check(held, typing.get_type_hints(cls), "recipe")
            return cls(**held)  # a field newer than the file had its default value
        except (ValueError, TypeError) as error:
            raise ValueError(f"{file}: not a whole recipe ({error}); it is left as it is") from error

    def write(self, folder: Path) -> None:
        """Make the folder this recipe's."""
        with whole_file(folder / "recipe.json") as partial:
            partial.write_text(json.dumps(dataclasses.asdict(self), indent=2) + "\n")
