"""PSNR and SSIM as others compute them, so that a number from elsewhere can be laid beside one of this table.

Each entry of `CONVENTIONS` takes (preds, target), two (N, C, H, W) float32 batches in [0, 1], and returns `psnr_db` and
`ssim` of each picture, (N,) each. Its fact `pooled` says that its PSNR of a set is that of the mean squared error over
all pixels of the set, which is lower than the mean of the pictures' PSNRs; `window` is the smallest side it can score.

References
----------
Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility to structural similarity", 2004.
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
REFLECTED = metrics.WINDOW // 2  # pixels beyond each border, so that a window stands around every pixel


@CONVENTIONS.register(
    "project", label="PSNR per picture; SSIM Gaussian 11x11, valid region", pooled=False, window=metrics.WINDOW
)
def project(preds: Tensor, target: Tensor) -> dict[str, Tensor]:
    """The one of every other table here, `denoise.metrics`. `tf.image.psnr` and `tf.image.ssim` compute the same."""
    return {"psnr_db": metrics.psnr(preds, target), "ssim": metrics.ssim(preds, target)}


@CONVENTIONS.register("kair", label="as project, of 8-bit pictures", pooled=False, window=metrics.WINDOW)
def kair(preds: Tensor, target: Tensor) -> dict[str, Tensor]:
    """Papers on denoising (DnCNN, FFDNet, DRUNet, SwinIR): `calculate_psnr`, `calculate_ssim` of KAIR's utils_image.

    Both pictures are rounded to 8 bits; data range 255, border 0; SSIM of Wang et al., as their MATLAB code.
    """
    preds, target = ((pictures * 255).round() for pictures in (preds, target))
    return {
        "psnr_db": metrics.psnr(preds, target, data_range=255.0),
        "ssim": metrics.ssim(preds, target, data_range=255.0),
    }


@CONVENTIONS.register("skimage", label="PSNR per picture; SSIM uniform 7x7", pooled=False, window=7)
def skimage(preds: Tensor, target: Tensor) -> dict[str, Tensor]:
    """scikit-image's functions as they are called most: `data_range=1` and every other option as it comes.

    That is an SSIM with a uniform 7x7 window, sample covariance, and a border of 3 pixels left out.
    """
    pairs = [(x.numpy(), y.numpy()) for x, y in zip(target, preds, strict=True)]
    with np.errstate(divide="ignore"):  # a picture equal to its target has an infinite PSNR, which is no accident
        psnr = [float(peak_signal_noise_ratio(x, y, data_range=1)) for x, y in pairs]
    ssim = [float(structural_similarity(x, y, data_range=1, channel_axis=0)) for x, y in pairs]
    return {"psnr_db": torch.tensor(psnr), "ssim": torch.tensor(ssim)}


@CONVENTIONS.register(
    "torchmetrics", label="PSNR pooled; SSIM Gaussian 11x11, reflected borders", pooled=True, window=REFLECTED + 1
)
def torchmetrics(preds: Tensor, target: Tensor) -> dict[str, Tensor]:
    """`PeakSignalNoiseRatio` and `StructuralSimilarityIndexMeasure` of torchmetrics 1.9 with `data_range=1`.

    PSNR of the squared error over all pixels of all pictures; SSIM over every pixel, with the border reflected. The
    valid region of the reflected pictures is the whole of the given ones.
    """
    wide = (F.pad(pictures, (REFLECTED,) * 4, mode="reflect") for pictures in (preds, target))
    return {"psnr_db": metrics.psnr(preds, target), "ssim": metrics.ssim(*wide)}


@CONVENTIONS.register(
    "tutorial", label="PSNR pooled; SSIM Gaussian 11x11, valid region", pooled=True, window=metrics.WINDOW
)
def tutorial(preds: Tensor, target: Tensor) -> dict[str, Tensor]:
    """Tutorials in Keras: PSNR from the mean squared error that `model.evaluate` gives, and `tf.image.ssim`.

    `tf.image.ssim(max_val=1.0)` is the SSIM of `project`, so only the PSNR differs from there; a tutorial that takes
    the mean of `tf.image.psnr` has the PSNR of `project` as well.
    """
    return project(preds, target)


def score(name: str, batches: Iterable[tuple[Tensor, Tensor]]) -> dict[str, float]:
    """Mean scores of a set under a convention.

    Parameters
    ----------
    name : str
        A name of `CONVENTIONS`.
    batches : iterable of (preds, target)
        (N, C, H, W) float32 in [0, 1]; sizes may differ from batch to batch.

    Returns
    -------
    dict
        `psnr_db` and `ssim`; NaN where an estimate is.

    Raises
    ------
    UnknownName
        No convention of that name.
    ValueError
        Pictures smaller than the window of its SSIM.
    """
    entry = CONVENTIONS[name]
    psnr, ssim, pixels = [], [], []
    for preds, target in batches:
        smallest = entry.facts["window"]
        if min(preds.shape[-2:]) < smallest:
            height, width = preds.shape[-2:]
            raise ValueError(
                f"the SSIM of the convention {name!r} needs pictures of at least {smallest}x{smallest} pixels; "
                f"these are {height}x{width}"
            )
        scores = entry.build(preds, target)
        psnr.append(scores["psnr_db"].double())
        ssim.append(scores["ssim"].double())
        pixels.append(torch.full((len(preds),), float(preds[0].numel()), dtype=torch.double))
    mean = _pooled(torch.cat(psnr), torch.cat(pixels)) if entry.facts["pooled"] else torch.cat(psnr).mean()
    return {"psnr_db": mean.item(), "ssim": torch.cat(ssim).mean().item()}


def _pooled(psnr: Tensor, pixels: Tensor) -> Tensor:
    """PSNR of the mean squared error over all pixels, from that of each picture."""
    mse = 10 ** (-psnr / 10)
    return -10 * torch.log10((mse * pixels).sum() / pixels.sum())
