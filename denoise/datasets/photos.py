"""The photographs that ship inside scikit-image's wheel: real pictures that every machine has.

References
----------
scikit-image, `skimage.data`: each picture's origin and licence stand with the function that is named after it.
https://scikit-image.org/docs/stable/api/skimage.data.html
"""

from __future__ import annotations

from pathlib import Path

import skimage

from denoise import picture_files
from denoise.datasets.base import DATASETS, MissingData, Pictures

FILES = {  # logos, charts, rendered text and microscope stacks are left out; the motorcycle pair stays together
    "train": (
        *("astronaut.png", "brick.png", "chelsea.png", "grass.png", "gravel.png", "hubble_deep_field.jpg"),
        *("motorcycle_left.png", "motorcycle_right.png", "retina.jpg"),
    ),
    "val": ("coins.png", "rocket.jpg"),
    "test": ("camera.png", "coffee.png", "moon.png"),
}


@DATASETS.register(
    "photos",
    label="Photographs of scikit-image",
    license="stated for each image in scikit-image's documentation",
    kind="photographs",
    bundled=True,
)
def photos(split: str, root: Path) -> Pictures:
    """Gray and colour photographs of different sizes; `root` is not used. `notes` counts files that are absent."""
    folder = Path(skimage.__file__).parent / "data"
    files = [folder / file for file in FILES[split] if (folder / file).is_file()]
    if not files:
        raise MissingData(f"none of {', '.join(FILES[split])} is in {folder}: install scikit-image again")
    return Pictures(
        "photos",
        split,
        tuple(picture_files.read_8bit(file) for file in files),
        tuple(file.name for file in files),
        tuple(file.stem for file in files),
        {"absent": len(FILES[split]) - len(files)},
    )
