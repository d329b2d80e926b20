"""Guess of the kind of an image, photograph or scanned page, with the measured reason.

`tests/demo/compute/test_kinds.py` measures the hit rate on real photographs and pages.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL import Image

from denoise.images import image_files
from denoise.images.image_files import PictureFile

PHOTOGRAPH, PAGE = "photograph", "page"
SIDE = 512  # pixels: a larger image is measured at this size
BLOCK = 32  # pixels of a side: blocks are small enough for even light within each
PAPER_PERCENTILE = 80  # of the gray levels of a block
NEAR, DARK = 0.1, 0.6  # of the paper's level: tolerance of paper, upper limit of ink
INKED = 0.03  # fraction of a block's pixels

# Limits of a page, chosen on the images of the test; fractions.
LEAST_PAPER = 0.5  # pixels near the level of the paper around them
LEAST_LEVEL = 0.5  # median level of the paper, of white
LEAST_INKED = 0.6  # blocks with ink
MOST_SPREAD = 0.42  # difference of the paper's level between dark and bright parts, of white


class Guess(NamedTuple):
    """Kind of an image, a key of `photographs.KINDS`, and one sentence with the reason."""

    kind: str
    reason: str


def guess(image: PictureFile) -> Guess:
    """Guess the kind of an image from the paper and the ink in its blocks.

    The level of the paper is that of the bright pixels of each block, so that shadows and stains
    do not hide a page.
    """
    gray = _gray(image)
    if min(gray.shape) < BLOCK:
        return Guess(PHOTOGRAPH, "Treated as a photograph: too small to tell.")
    blocks = _blocks(gray)
    paper = np.percentile(blocks, PAPER_PERCENTILE, axis=1, keepdims=True)
    near = float((np.abs(blocks - paper) <= NEAR * paper).mean())
    inked = float(((blocks < DARK * paper).mean(axis=1) > INKED).mean())
    dark, level, bright = np.percentile(paper, (10, 50, 90))
    doubt = next(filter(None, _doubts(near, level, inked, bright - dark)), None)
    if doubt:
        return Guess(PHOTOGRAPH, f"Looks like a photograph: {doubt}.")
    return Guess(
        PAGE,
        f"Looks like a page: {near:.0%} of the pixels are as bright as the paper around them, "
        f"with ink on {inked:.0%} of the image.".replace("%", " %"),
    )


def _doubts(near: float, level: float, inked: float, spread: float) -> tuple[str, ...]:
    """Return the reasons against a page; a reason that does not hold is empty."""

    def below(value: float, least: float, text: str) -> str:
        if value >= least:
            return ""
        return f"{text.format(f'{value:.0%}')} (a page: at least {least:.0%})".replace("%", " %")

    uneven = f"the brightness differs by {spread:.0%} of white across the image (a page: at most "
    return (
        below(near, LEAST_PAPER, "only {} of the pixels are near the brightest tone around them"),
        below(inked, LEAST_INKED, "only {} of the image has dark marks on it, like ink"),
        below(level, LEAST_LEVEL, "its bright parts have only {} of white"),
        f"{uneven}{MOST_SPREAD:.0%})".replace("%", " %") if spread > MOST_SPREAD else "",
    )


def _gray(image: PictureFile) -> np.ndarray:
    """Return the mean of the channels, 0 to 1, with at most `SIDE` pixels a side."""
    height, width = image.pixels.shape[:2]
    # whole pixels first: converting all pixels of a large image would take much memory
    step = max(1, max(height, width) // (4 * SIDE))
    fewer = PictureFile(image.pixels[::step, ::step], image.alpha, image.spec)
    layers = image_files.eight_bits(fewer).numpy().mean(axis=0, dtype=np.float32)
    small = Image.fromarray(layers.round().astype(np.uint8))
    small.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32) / 255


def _blocks(gray: np.ndarray) -> np.ndarray:
    """Cut an image (H, W) into blocks, (N, BLOCK * BLOCK); drop the incomplete blocks."""
    rows, columns = (side // BLOCK for side in gray.shape)
    whole = gray[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    return whole.transpose(0, 2, 1, 3).reshape(rows * columns, BLOCK * BLOCK)
