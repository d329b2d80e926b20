"""Training settings of a grid's networks.

Without torch, because the command line reads its options here.
"""

from __future__ import annotations

import dataclasses
import json
import typing
from pathlib import Path

from denoise.cli import option
from denoise.files import json_files
from denoise.files.atomic import whole_file

# names of `bench.sweep.backbones.BODIES`; that module imports torch
BODIES = ("autoencoder", "unet")


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Training settings of one folder of results: one recipe a folder, so that its rows are comparable.

    The defaults give networks of about the size of the Keras example (27 thousand parameters, 4.6
    million MACs).
    """

    body: str = option(
        "autoencoder",
        "what the decoders stand in: autoencoder (small pictures), unet (photographs)",
    )
    width: int = option(8, "channels of the encoder's first stage; each pooling doubles them")
    depth: int = option(2, "poolings")
    images: int = option(150_000, "pictures that each network sees")
    batch: int = option(128, "pictures a step")
    lr: float = option(1.6e-2, "Adam's highest learning rate")
    precision: str = option(
        "auto", "number format of training: auto (bfloat16 where the device has it), or a name"
    )

    def __post_init__(self) -> None:
        if self.body not in BODIES:
            raise ValueError(f"unknown body {self.body!r}; valid: {', '.join(BODIES)}")
        for name in ("width", "depth", "images", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")

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
                f"{file}: no such file, so {folder} holds no grid; `python -m bench grid "
                "--out` makes one"
            )
        try:
            held = json_files.read(file)
            json_files.check(held, typing.get_type_hints(cls), "recipe")
            return cls(**held)  # a field that is newer than the file takes its default
        except (ValueError, TypeError) as error:
            raise ValueError(
                f"{file}: not a whole recipe ({error}); it is left as it is"
            ) from error

    def write(self, folder: Path) -> None:
        """Write the recipe to the folder."""
        with whole_file(folder / "recipe.json") as partial:
            partial.write_text(json.dumps(dataclasses.asdict(self), indent=2) + "\n")
