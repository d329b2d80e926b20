"""Conversion of images between user formats and the networks' float32 NCHW in [0, 1].

User formats are PIL images, numpy arrays and tensors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from denoise.images import units
from denoise.images.pil import taken_apart


def as_batch(image: Any) -> tuple[Tensor, Callable[[Tensor], Any]]:
    """Convert an image of any type to a batch for a network; return a function that converts back.

    Parameters
    ----------
    image : PIL.Image.Image, numpy.ndarray or Tensor
        PIL in any mode, turned upright by its EXIF orientation; numpy (H, W) or (H, W, C); a tensor
        (H, W), (C, H, W) or (N, C, H, W). bool, uint8 (255 is white), uint16 (65535 is white), or
        floats in about [0, 1], which unclamped noise may leave. Alpha is kept unchanged.

    Returns
    -------
    batch : Tensor
        (N, C, H, W) float32 in about [0, 1].
    restore : callable
        Converts an estimate of the same shape to the type, layout, dtype and range of `image`. A
        PIL image keeps its color profile, resolution and EXIF data, which its `save` writes. Modes
        1, P, PA, La, RGBa, RGBX, CMYK, YCbCr, LAB and HSV become L, RGB, LA or RGBA.

    Raises
    ------
    ValueError
        A path; an empty image, a NaN, another integer type, floats in other units, or an unknown
        layout. The text lists the valid values.
    """
    if isinstance(image, Tensor):
        return _tensor_batch(image)
    if isinstance(image, Image.Image):
        pixels, pil = taken_apart(image)
        batch, restore = as_batch(pixels)
        return batch, lambda estimate: pil(restore(estimate))
    units.check_kind(image)
    array = np.asarray(image)
    if array.ndim not in (2, 3) or (array.ndim == 3 and not 1 <= array.shape[-1] <= 4):
        raise ValueError(
            f"an image of shape {array.shape}; valid: (H, W), or (H, W, C) with 1 to 4 channels"
        )
    return _array_batch(array)


def _array_batch(array: np.ndarray) -> tuple[Tensor, Callable[[Tensor], np.ndarray]]:
    layers = array if array.ndim == 3 else array[..., None]
    # the last of two or four channels is alpha
    colors = layers.shape[-1] - (layers.shape[-1] in (2, 4))
    batch, restore = _tensor_batch(
        torch.from_numpy(_to_unit(layers[..., :colors])).permute(2, 0, 1)
    )

    def back(estimate: Tensor) -> np.ndarray:
        clean = _from_unit(restore(estimate).permute(1, 2, 0).numpy(), array.dtype)
        return np.concatenate([clean, layers[..., colors:]], axis=-1).reshape(array.shape)

    return batch, back


def _to_unit(array: np.ndarray) -> np.ndarray:
    """Convert bool, uint8, uint16 or floats to float32 in about [0, 1]."""
    if np.issubdtype(array.dtype, np.bool_):
        return array.astype(np.float32)
    if np.issubdtype(array.dtype, np.integer):
        units.check_dtype(array.dtype.name, array.min(initial=0), array.max(initial=0))
        return array.astype(np.float32) / np.iinfo(array.dtype).max
    if np.issubdtype(array.dtype, np.floating):
        return array.astype(np.float32)
    raise ValueError(f"an image of dtype {array.dtype} cannot be read; valid: {units.VALID}")


ROWS = 256  # rows of an image that are converted at once


def _from_unit(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    if np.issubdtype(dtype, np.bool_):
        return array > 0.5
    if not np.issubdtype(dtype, np.integer):
        return array.astype(dtype)
    values = np.empty(array.shape, dtype)
    # the float64 copies of a large image would take gigabytes
    for start in range(0, len(array), ROWS):
        rows = slice(start, start + ROWS)
        values[rows] = np.round(array[rows].clip(0, 1).astype(np.float64) * np.iinfo(dtype).max)
    return values


def _tensor_batch(image: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    if not 2 <= image.ndim <= 4 or (image.ndim > 2 and image.shape[-1] <= 4 < image.shape[-3]):
        raise ValueError(
            f"a tensor of shape {tuple(image.shape)}; valid: (H, W), (C, H, W) or (N, C, H, W)"
        )
    batch = image.detach().reshape((1,) * (4 - image.ndim) + image.shape)
    if batch.numel() == 0:
        raise ValueError(f"the image is empty: {tuple(image.shape)}")
    if batch.is_complex():
        raise ValueError(f"an image of dtype {batch.dtype} cannot be read; valid: {units.VALID}")
    if not batch.is_floating_point():
        if batch.dtype != torch.bool:
            units.check_dtype(str(batch.dtype).removeprefix("torch."), *_extremes(batch))
        top = 1 if batch.dtype == torch.bool else torch.iinfo(batch.dtype).max
        dtype = image.dtype
        return (
            batch.float() / top,
            lambda e: (e.clamp(0, 1) * top).round().to(dtype).reshape(image.shape),
        )
    batch = batch.float()
    if not torch.isfinite(batch).all():
        raise ValueError("the image holds values that are not finite (NaN or infinity)")
    units.check_range(batch)
    return batch, lambda estimate: estimate.to(image.dtype).reshape(image.shape)


def _extremes(batch: Tensor) -> tuple[int, int]:
    whole = batch.to(torch.int64)  # not every integer type has a minimum in PyTorch
    return int(whole.min()), int(whole.max())
