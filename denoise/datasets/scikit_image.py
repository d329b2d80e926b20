"""Photographs that ship inside scikit-image's wheel: real images available on every machine.

References
----------
scikit-image, `skimage.data`: each function's documentation gives its image's origin and license.
https://scikit-image.org/docs/stable/api/skimage.data.html
"""

from __future__ import annotations

from pathlib import Path

import skimage

from denoise.datasets.base import DATASETS, MissingData, Pictures
from denoise.images import image_files

# logos, charts, rendered text and microscope stacks are left out; the motorcycle pair stays
# together
FILES = {
    "train": (
        *(
            "astronaut.png",
            "brick.png",
            "chelsea.png",
            "grass.png",
            "gravel.png",
            "hubble_deep_field.jpg",
        ),
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
    """Load gray and color photographs of different sizes.

    `root` is not used. `notes` counts missing files.
    """
    folder = Path(skimage.__file__).parent / "data"
    files = [folder / file for file in FILES[split] if (folder / file).is_file()]
    if not files:
        raise MissingData(
            f"none of {', '.join(FILES[split])} is in {folder}: install scikit-image again"
        )
    return Pictures(
        "photos",
        split,
        tuple(image_files.read_8bit(file) for file in files),
        tuple(file.name for file in files),
        tuple(file.stem for file in files),
        {"absent": len(FILES[split]) - len(files)},
    )
