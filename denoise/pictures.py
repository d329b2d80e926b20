"""Pictures between a person's formats (file, PIL, numpy, tensor) and the networks' float32 NCHW in [0, 1]."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from denoise.files import whole_file

LARGEST_PIXELS = 100_000_000  # above this a file is refused before it is decoded
KINDS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF")
FORMATS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")


def read_pil(path: str | Path, largest: int = LARGEST_PIXELS) -> Image.Image:
    """Read a picture file, turned upright by its EXIF orientation, the first frame only.

    Its kind and its size are read from the header and checked before a pixel is decoded.

    Raises
    ------
    ValueError
        The file is missing, empty, not a picture, cut short, or has more than `largest` pixels.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    try:
        with Image.open(path, formats=KINDS) as image:
            if image.width * image.height > largest:
                raise ValueError(f"{path}: {image.width}x{image.height} is above {largest:,} pixels")
            image.load()
            return ImageOps.exif_transpose(image)
    except UnidentifiedImageError:
        raise ValueError(f"{path}: not a picture ({path.stat().st_size:,} bytes); valid: {' '.join(FORMATS)}") from None
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path}: cannot be read as a picture: {error}") from error


def read(path: str | Path, largest: int = LARGEST_PIXELS) -> Tensor:
    """Read a picture file as a dataset holds it: (1, H, W) uint8 where it is gray, else (3, H, W); alpha over white.

    Raises ValueError as `read_pil` does.
    """
    array = _pixels(natural(read_pil(path, largest)))
    if array.dtype != np.uint8:
        array = np.round(to_unit(np.nan_to_num(array)).clip(0, 1) * 255).astype(np.uint8)
    array = array if array.ndim == 3 else array[..., None]
    if array.shape[-1] in (2, 4):
        alpha = array[..., -1:].astype(np.float32) / 255
        array = np.round(array[..., :-1] * alpha + 255 * (1 - alpha)).astype(np.uint8)
    return torch.from_numpy(array.transpose(2, 0, 1).copy())


def write(image: Image.Image, path: str | Path) -> None:
    """Write a picture by its file ending, whole or not at all.

    Raises
    ------
    ValueError
        An ending that names no picture format, or a folder that is not there.
    """
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise ValueError(f"{path}: the ending {path.suffix!r} names no picture format; valid: {' '.join(FORMATS)}")
    if not path.parent.is_dir():
        raise ValueError(f"{path}: the folder {path.parent} does not exist")
    try:
        with whole_file(path) as partial:
            image.save(partial)
    except OSError as error:
        raise ValueError(f"{path}: cannot be written: {error}") from error


def natural(image: Image.Image) -> Image.Image:
    """The picture in a mode that numpy shows as gray, gray + alpha, RGB or RGBA: palettes, CMYK and bits resolved."""
    if image.mode in ("L", "LA", "RGB", "RGBA", "F") or image.mode.startswith("I"):
        return image
    if image.mode == "1":
        return image.convert("L")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def as_batch(image: Any) -> tuple[Tensor, Callable[[Tensor], Any]]:
    """Take a picture of any kind apart into what a network takes, and the way back.

    Parameters
    ----------
    image : PIL.Image.Image, numpy.ndarray or Tensor
        PIL in any mode; numpy (H, W) or (H, W, C); a tensor (H, W), (C, H, W) or (N, C, H, W). Integers span their
        type's range (255 or 65535 is white); floats are in about [0, 1]. Alpha is set aside and kept.

    Returns
    -------
    batch : Tensor
        (N, C, H, W) float32 in about [0, 1].
    restore : callable
        Turns an estimate of the same shape into the kind, layout, dtype and range of `image`.

    Raises
    ------
    ValueError
        An empty picture, a NaN, floats plainly in 0-255 units, or a layout that is none of the above.
    """
    if isinstance(image, Tensor):
        return _tensor_batch(image)
    if isinstance(image, Image.Image):
        upright = natural(image)
        pixels, back = as_batch(_pixels(upright))
        return pixels, lambda estimate: _to_pil(back(estimate), upright.mode)
    array = np.asarray(image)
    if array.ndim not in (2, 3) or (array.ndim == 3 and not 1 <= array.shape[-1] <= 4):
        raise ValueError(f"a picture is (H, W) or (H, W, C) with 1 to 4 channels; this one is {array.shape}")
    layers = array if array.ndim == 3 else array[..., None]
    colours = layers.shape[-1] - (layers.shape[-1] in (2, 4))  # the last of two or four channels is alpha
    batch, restore = _tensor_batch(torch.from_numpy(to_unit(layers[..., :colours])).permute(2, 0, 1))

    def back(estimate: Tensor) -> np.ndarray:
        clean = _from_unit(restore(estimate).permute(1, 2, 0).numpy(), array.dtype)
        return np.concatenate([clean, layers[..., colours:]], axis=-1).reshape(array.shape)

    return batch, back


def to_unit(array: np.ndarray) -> np.ndarray:
    """Any numeric array as float32, an integer type's whole range scaled to [0, 1]."""
    if np.issubdtype(array.dtype, np.bool_):
        return array.astype(np.float32)
    if np.issubdtype(array.dtype, np.integer):
        return array.astype(np.float32) / np.iinfo(array.dtype).max
    if np.issubdtype(array.dtype, np.floating):
        return array.astype(np.float32)
    raise ValueError(f"a picture of dtype {array.dtype} cannot be read; valid: bool, integers, floats")


def _from_unit(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    if np.issubdtype(dtype, np.bool_):
        return array > 0.5
    if np.issubdtype(dtype, np.integer):
        return np.round(array.clip(0, 1).astype(np.float64) * np.iinfo(dtype).max).astype(dtype)
    return array.astype(dtype)


def _tensor_batch(image: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    if not 2 <= image.ndim <= 4:
        raise ValueError(f"a tensor is (H, W), (C, H, W) or (N, C, H, W); this one is {tuple(image.shape)}")
    batch = image.detach().reshape((1,) * (4 - image.ndim) + image.shape)
    if batch.numel() == 0:
        raise ValueError(f"the picture is empty: {tuple(image.shape)}")
    if not batch.is_floating_point():
        top = 1 if batch.dtype == torch.bool else torch.iinfo(batch.dtype).max
        dtype = image.dtype
        return batch.float() / top, lambda e: (e.clamp(0, 1) * top).round().to(dtype).reshape(image.shape)
    batch = batch.float()
    if not torch.isfinite(batch).all():
        raise ValueError("the picture holds values that are not finite (NaN or infinity)")
    if batch.abs().max() > 16:
        raise ValueError(f"floats must be in about [0, 1]; the largest here is {batch.max():g}: divide by 255 first")
    return batch, lambda estimate: estimate.to(image.dtype).reshape(image.shape)


def _pixels(image: Image.Image) -> np.ndarray:
    array = np.asarray(image)
    if image.mode.startswith("I"):  # 16-bit files arrive in 16 or 32 bits
        return array.clip(0, 65535).astype(np.uint16)
    return array / 255 if image.mode == "F" and array.max(initial=0) > 16 else array


def _to_pil(array: np.ndarray, mode: str) -> Image.Image:
    if mode == "F":
        return Image.fromarray(array.astype(np.float32))
    return Image.fromarray(array if array.dtype == np.uint16 else array.astype(np.uint8))
