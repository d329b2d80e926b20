"""Training images made of a visitor's drawings: each is shifted, turned and scaled at random."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from denoise.datasets import Pictures

MOST = 40  # drawings
TRAINING, HELD_OUT = 2_000, 200  # images, about
TURN = 15.0  # degrees, at most, to either side
SCALE = 0.15  # change of the size, at most
SHIFT = 3  # pixels, at most, in each direction of the turned and scaled drawing


def varied(drawings: Sequence[np.ndarray], seed: int) -> tuple[Pictures, Pictures]:
    """Return images of training and held-out images: equally many variants of each drawing.

    The names are those of the dataset `folder`, so that a training from the files of `add_to` has
    the same noise.

    Parameters
    ----------
    drawings : sequence of numpy.ndarray
        (28, 28) uint8 each.
    seed : int

    Raises
    ------
    ValueError
        There is no drawing, or there are more than `MOST`.
    """
    if not 0 < len(drawings) <= MOST:
        raise ValueError(
            f"there are {len(drawings)} drawings; valid: 1 to {MOST}. Draw, then press Add"
            if drawings
            else "there is no drawing to train on: draw on the pad, then press Add"
        )
    generator = torch.Generator().manual_seed(seed % 2**63)
    clean = torch.from_numpy(np.stack(list(drawings))).unsqueeze(1).float() / 255
    return (
        _variants(clean, "train", TRAINING, generator),
        _variants(clean, "val", HELD_OUT, generator),
    )


def _variants(clean: Tensor, split: str, count: int, generator: torch.Generator) -> Pictures:
    each = math.ceil(count / len(clean))
    images = _moved(clean.repeat(each, 1, 1, 1), generator)
    keys = tuple(f"{split}/{number:04d}.png" for number in range(len(images)))
    return Pictures("folder", split, (images * 255).round().byte(), keys, ("drawing",) * len(keys))


def _moved(images: Tensor, generator: torch.Generator) -> Tensor:
    """Turn, scale and shift each image, (N, 1, H, W), by random amounts."""
    turn, scale, right, down = (torch.rand(4, len(images), generator=generator) * 2 - 1).unbind()
    angle, size = torch.deg2rad(turn * TURN), 1 + scale * SCALE
    cosine, sine = angle.cos() / size, angle.sin() / size
    pixel = 2 * SHIFT / images.shape[-1]  # the grid's coordinates reach from -1 to 1
    rows = [[cosine, -sine, right * pixel], [sine, cosine, down * pixel]]
    theta = torch.stack([torch.stack(row, -1) for row in rows], -2)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)


def add_to(archive: zipfile.ZipFile, pictures: Pictures) -> None:
    """Write the images as PNG files into the folder `drawings` of an archive."""
    for key, image in zip(pictures.keys, pictures, strict=True):
        buffer = io.BytesIO()
        Image.fromarray(image[0].numpy()).save(buffer, "png")
        archive.writestr(f"drawings/{key}", buffer.getvalue())
