"""Test datasets of photographs with correlated noise, each with a clean version.

References
----------
Xu, Li, Liang, Zhang and Zhang, "Real-world noisy image denoising: a new benchmark", 2018.
arXiv 1804.02603.
https://github.com/csjunxu/PolyU-Real-World-Noisy-Images-Dataset
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from denoise.datasets.base import DATASETS, BrokenData, MissingData, Pictures
from denoise.datasets.berkeley import MEMBERS, TERMS, cbsd68
from denoise.images import image_files
from denoise.noise import PictureDraws, corrupt, picture_seeds

FOLDER = "real_noise"
NOISY, CLEAN = "_real.JPG", "_mean.JPG"  # endings of one shot, and of the mean of many shots
SIGMA = 25 / 255  # sigma of the white noise in an image before it is saved as JPEG
QUALITY, SUBSAMPLING = 90, "4:2:0"  # settings of cameras and phones


def scene(key: str) -> str:
    """Return the photograph of a crop; a key is SCENE_NUMBER."""
    return key.rpartition("_")[0]


@DATASETS.register(
    "real_noise",
    label="PolyU camera noise",
    files=[f"{FOLDER}/Canon5D2_5_160_3200_chair_11{NOISY}"],
    license="non-commercial research and education (PolyU's terms)",
    training="bsds500",
    kind="photographs",
    group=scene,
    levels=(0.0,),
    correlated=True,
)
def real_noise(split: str, root: Path) -> Pictures:
    """Load 512x512 crops of a camera's JPEGs.

    `dirty` holds one shot, the image is the mean of many shots.
    """
    folder = root / FOLDER
    keys = tuple(path.name.removesuffix(NOISY) for path in sorted(folder.glob(f"*{NOISY}")))
    if not keys:
        raise MissingData(
            f"{folder} does not exist and has no official download link: put the folder "
            f"{FOLDER} there, with the files Canon5D2_*{NOISY} and {CLEAN} of CroppedImages of "
            "https://github.com/csjunxu/PolyU-Real-World-Noisy-Images-Dataset"
        )
    try:
        clean, dirty = (
            tuple(image_files.read_8bit(folder / f"{key}{ending}") for key in keys)
            for ending in (CLEAN, NOISY)
        )
    except ValueError as error:
        raise BrokenData(f"{FOLDER}: {error}") from error
    return Pictures(FOLDER, split, clean, keys, keys, {}, dirty)


@DATASETS.register(
    "cbsd68_jpeg",
    label="CBSD68 as noisy JPEG",
    files=[MEMBERS],
    license=TERMS,
    training="bsds500",
    kind="photographs",
    levels=(0.0,),
    correlated=True,
)
def cbsd68_jpeg(split: str, root: Path) -> Pictures:
    """Load CBSD68; `dirty` holds the output of `noisy_jpegs`."""
    return noisy_jpegs(cbsd68(split, root), "cbsd68_jpeg")


def noisy_jpegs(pictures: Pictures, name: str) -> Pictures:
    """Return images with their noisy JPEG versions.

    Parameters
    ----------
    pictures : Pictures
        Color images.
    name : str
        Name of the new dataset.

    Returns
    -------
    Pictures
        Images with their `dirty` versions. White noise of sigma 25/255, from a seed per image, is
        added. The sum is rounded to 8 bits, saved as JPEG (quality 90, 4:2:0) and read again.
    """
    dirty = []
    for clean, keys in pictures.batches(1):
        draws = PictureDraws(picture_seeds(pictures.name, keys, "gaussian", SIGMA))
        dirty.append(_through_jpeg(corrupt(clean, SIGMA, draws, noise="gaussian", clip=True)[0]))
    return Pictures(
        name, pictures.split, pictures.images, pictures.keys, pictures.labels, {}, tuple(dirty)
    )


def _through_jpeg(image: Tensor) -> Tensor:
    """Save (3, H, W) float32 in [0, 1] as JPEG and read it as uint8."""
    eight = (image * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    file = io.BytesIO()
    Image.fromarray(eight).save(file, "JPEG", quality=QUALITY, subsampling=SUBSAMPLING)
    return torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1).contiguous()
