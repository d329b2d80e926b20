"""Letters A to J rendered from the fonts in Matplotlib's wheel: like notMNIST, no download."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from denoise.datasets.base import DATASETS, Pictures

LETTERS = "ABCDEFGHIJ"
SIDE = 28
DRAWN = 256  # pixels: size of a letter before it is scaled to its box

# Fonts by the part of their file names before the hyphen ("DejaVuSans-Bold"). Families are not
# split, so that no letter of the test split has another weight of its font in the training split.
# Fonts of symbols (STIXSiz*, STIXNonUni*, cmex10, cmsy10, LastResort) and the two DejaVu Display,
# which hold only a few letters, are left out.
FAMILIES = {
    "train": ("DejaVuSans", "DejaVuSansMono", "DejaVuSerif"),
    "val": ("cmr10", "cmb10", "cmti10", "cmmi10"),
    "test": (
        "STIXGeneral",
        "STIXGeneralBol",
        "STIXGeneralItalic",
        "STIXGeneralBolIta",
        "cmss10",
        "cmtt10",
    ),
}


@DATASETS.register(
    "glyphs",
    label="Letters from Matplotlib's fonts",
    license="those of the fonts DejaVu, STIX and Computer Modern: free to use and share",
    group=lambda key: key.partition("/")[0],
    bundled=True,
)
def glyphs(split: str, root: Path) -> Pictures:
    """Load 28x28 gray letters, bright on black, stretched to the box; `root` is not used.

    The fonts come with Matplotlib. A bare bar "I" stretched to its box is a white square in every
    font, so it is left out.
    """
    images, keys = _rendered(split)
    return Pictures("glyphs", split, images, keys, tuple(key[-1] for key in keys))


@functools.cache
def _rendered(split: str) -> tuple[torch.Tensor, tuple[str, ...]]:
    import matplotlib  # slow import, needed only here

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    files = [
        path
        for path in sorted(folder.glob("*.ttf"))
        if path.stem.partition("-")[0] in FAMILIES[split]
    ]
    # notMNIST stretches: 99.9 % of its images touch all four sides of the box, a narrow I like a
    # wide H.
    images = {
        f"{path.stem}/{letter}": np.asarray(
            _drawn(path, letter).resize((SIDE, SIDE), Image.Resampling.BOX)
        )
        for path in files
        for letter in LETTERS
    }
    letters = {key: image for key, image in images.items() if image.mean() < 220}
    return torch.from_numpy(np.stack(list(letters.values()))).unsqueeze(1), tuple(letters)


def render(font: Path, text: str) -> np.ndarray:
    """Render a letter or digit, bright on black; its longer side fills the 28x28 box.

    Parameters
    ----------
    font : Path
        Path of a TrueType file.
    text : str
        Text to render.

    Returns
    -------
    numpy.ndarray
        (28, 28) uint8.
    """
    drawn = _drawn(font, text)
    scale = SIDE / max(drawn.size)
    width, height = (max(1, round(side * scale)) for side in drawn.size)
    image = Image.new("L", (SIDE, SIDE))
    image.paste(
        drawn.resize((width, height), Image.Resampling.BOX),
        ((SIDE - width) // 2, (SIDE - height) // 2),
    )
    return np.asarray(image)


def _drawn(font: Path, text: str) -> Image.Image:
    """Render a large letter, cropped to its bounding box."""
    # Basic layout: the other engine may be missing, and the images must be equal on all machines.
    type_ = ImageFont.truetype(str(font), DRAWN, layout_engine=ImageFont.Layout.BASIC)
    canvas = Image.new("L", (3 * DRAWN, 3 * DRAWN))
    ImageDraw.Draw(canvas).text((DRAWN, DRAWN), text, fill=255, font=type_)
    return canvas.crop(canvas.getbbox())
