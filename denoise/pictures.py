"""Pictures between a person's formats (PIL, numpy, tensor) and the networks' float32 NCHW in [0, 1]."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor


def _natural(image: Image.Image) -> Image.Image:
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
        upright = _natural(image)
        pixels, back = as_batch(_pixels(upright))
        return pixels, lambda estimate: _to_pil(back(estimate), upright.mode)
    array = np.asarray(image)
    if array.ndim not in (2, 3) or (array.ndim == 3 and not 1 <= array.shape[-1] <= 4):
        raise ValueError(f"a picture is (H, W) or (H, W, C) with 1 to 4 channels; this one is {array.shape}")
    layers = array if array.ndim == 3 else array[..., None]
    colours = layers.shape[-1] - (layers.shape[-1] in (2, 4))  # the last of two or four channels is alpha
    batch, restore = _tensor_batch(torch.from_numpy(_to_unit(layers[..., :colours])).permute(2, 0, 1))

    def back(estimate: Tensor) -> np.ndarray:
        clean = _from_unit(restore(estimate).permute(1, 2, 0).numpy(), array.dtype)
        return np.concatenate([clean, layers[..., colours:]], axis=-1).reshape(array.shape)

    return batch, back


def _to_unit(array: np.ndarray) -> np.ndarray:
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
