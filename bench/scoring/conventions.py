"""Conventions of PSNR and SSIM in other software, for comparison with this project's tables.

Each entry of `CONVENTIONS` takes (preds, target), two (N, C, H, W) float32 batches in [0, 1]. It
returns `psnr_db` and `ssim` of each image, (N,) each. The fact `pooled` is True if the PSNR of a
set comes from the mean squared error over all pixels of the set; this is lower than the mean PSNR
of the images. The fact `window` is the smallest side, in pixels, that the SSIM can score.

References
----------
Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility to structural
similarity", 2004.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
import torch.nn.functional as F
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import Tensor

from denoise import metrics
from denoise.registry import Registry

CONVENTIONS = Registry("convention")
# pixels of padding on each side, so that every pixel has a full window
REFLECTED = metrics.WINDOW // 2


@CONVENTIONS.register(
    "project",
    label="PSNR per image; SSIM Gaussian 11x11, valid region",
    pooled=False,
    window=metrics.WINDOW,
)
def project(preds: Tensor, target: Tensor) -> dict[str, Tensor]:
    """Score as every other table of this project (`denoise.metrics`).

    The scores equal those of `tf.image.psnr` and `tf.image.ssim`.
    """
    return {"psnr_db": metrics.psnr(preds, target), "ssim": metrics.ssim(preds, target)}


@CONVENTIONS.register(
    "kair", label="as project, on 8-bit images", pooled=False, window=metrics.WINDOW
)
def kair(preds: Tensor, target: Tensor) -> dict[str, Tensor]:
    """Score as papers on denoising do (DnCNN, FFDNet, DRUNet, SwinIR).

    The functions are `calculate_psnr` and `calculate_ssim` of KAIR's utils_image. Both images are
    rounded to 8 bits; data range 255, border 0; SSIM of Wang et al., as in their MATLAB code.
    """
    preds, target = ((images * 255).round() for images in (preds, target))
    return {
        "psnr_db": metrics.psnr(preds, target, data_range=255.0),
        "ssim": metrics.ssim(preds, target, data_range=255.0),
    }


@CONVENTIONS.register("skimage", label="PSNR per image; SSIM uniform 7x7", pooled=False, window=7)
def skimage(preds: Tensor, target: Tensor) -> dict[str, Tensor]:
    """Score with scikit-image's functions in their most common use.

    The use is `data_range=1`, and the default of every other option. This SSIM has a uniform 7x7
    window and sample covariance, and leaves out a border of 3 pixels.
    """
    pairs = [(x.numpy(), y.numpy()) for x, y in zip(target, preds, strict=True)]
    with np.errstate(divide="ignore"):  # an image equal to its target has infinite PSNR
        psnr = [float(peak_signal_noise_ratio(x, y, data_range=1)) for x, y in pairs]
    ssim = [float(structural_similarity(x, y, data_range=1, channel_axis=0)) for x, y in pairs]
    return {"psnr_db": torch.tensor(psnr), "ssim": torch.tensor(ssim)}


@CONVENTIONS.register(
    "torchmetrics",
    label="PSNR pooled; SSIM Gaussian 11x11, reflected borders",
    pooled=True,
    window=REFLECTED + 1,
)
def torchmetrics(preds: Tensor, target: Tensor) -> dict[str, Tensor]:
    """Score as torchmetrics 1.9 does with `data_range=1`.

    The classes are `PeakSignalNoiseRatio` and `StructuralSimilarityIndexMeasure`. PSNR is of the
    squared error over all pixels of all images; SSIM is over every pixel, with reflected borders.
    The valid region of the reflected images is the whole of the original ones.
    """
    wide = (F.pad(images, (REFLECTED,) * 4, mode="reflect") for images in (preds, target))
    return {"psnr_db": metrics.psnr(preds, target), "ssim": metrics.ssim(*wide)}


@CONVENTIONS.register(
    "tutorial",
    label="PSNR pooled; SSIM Gaussian 11x11, valid region",
    pooled=True,
    window=metrics.WINDOW,
)
def tutorial(preds: Tensor, target: Tensor) -> dict[str, Tensor]:
    """Score as Keras tutorials do: PSNR from the loss of `model.evaluate`, and `tf.image.ssim`.

    The loss is the mean squared error. `tf.image.ssim(max_val=1.0)` is the SSIM of `project`, so
    only the PSNR differs. A tutorial that averages `tf.image.psnr` has the PSNR of `project` too.
    """
    return project(preds, target)


def score(name: str, batches: Iterable[tuple[Tensor, Tensor]]) -> dict[str, float]:
    """Compute the mean scores of a set under a convention.

    Parameters
    ----------
    name : str
        A name of `CONVENTIONS`.
    batches : iterable of (preds, target)
        (N, C, H, W) float32 in [0, 1]; sizes may differ from batch to batch.

    Returns
    -------
    dict
        `psnr_db` and `ssim`; NaN if an estimate is NaN.

    Raises
    ------
    UnknownName
        No convention has this name.
    ValueError
        An image is smaller than the window of the SSIM.
    """
    entry = CONVENTIONS[name]
    psnr, ssim, pixels = [], [], []
    for preds, target in batches:
        smallest = entry.facts["window"]
        if min(preds.shape[-2:]) < smallest:
            height, width = preds.shape[-2:]
            raise ValueError(
                f"the SSIM of the convention {name!r} needs images of at least "
                f"{smallest}x{smallest} pixels; these are {height}x{width}"
            )
        scores = entry.build(preds, target)
        psnr.append(scores["psnr_db"].double())
        ssim.append(scores["ssim"].double())
        pixels.append(torch.full((len(preds),), float(preds[0].numel()), dtype=torch.double))
    mean = (
        _pooled(torch.cat(psnr), torch.cat(pixels))
        if entry.facts["pooled"]
        else torch.cat(psnr).mean()
    )
    return {"psnr_db": mean.item(), "ssim": torch.cat(ssim).mean().item()}


def _pooled(psnr: Tensor, pixels: Tensor) -> Tensor:
    """Compute the PSNR of the mean squared error over all pixels from the PSNR of each image."""
    mse = 10 ** (-psnr / 10)
    return -10 * torch.log10((mse * pixels).sum() / pixels.sum())
