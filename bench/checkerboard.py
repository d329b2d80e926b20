"""How much of a checkerboard a decoder paints, before training and after.

Two meters. The response to a constant code: where all four phases of a 2x2 cell answer alike it is 0. The residual on
flat regions: its energy at the Nyquist frequencies relative to the frequencies beside them; 1 is no checkerboard.

References
----------
Odena, Dumoulin and Olah, "Deconvolution and Checkerboard Artifacts", Distill, 2016.
https://distill.pub/2016/deconv-checkerboard/
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from denoise.models import AnySize, Mirror

CODE = 16  # side of the constant code
BLOCK = 8  # side of a flat block, in pixels: even, so that the Nyquist frequency is one of its own
FLAT = 0.02  # largest range of clean values within a flat block


@torch.no_grad()
def phases(network: AnySize, code: Tensor) -> tuple[list[float], float]:
    """Variance of the four phases of each 2x2 cell relative to the mean, for a constant code.

    Parameters
    ----------
    network : AnySize
        An autoencoder: its `net` is a `Mirror`.
    code : Tensor
        (C,): the value of each channel of the code.

    Returns
    -------
    stages : list of float
        For each upsampling stage alone, from the code on: variance over the phases, summed over channels, divided by
        the summed squared mean. It is fed the constant that reaches it, the mean of what the layers before it answer.
    picture : float
        The same of the whole decoder's answer, a picture in [0, 1].
    """
    decoder = network.net
    assert isinstance(decoder, Mirror)
    x = code.view(1, -1, 1, 1).repeat(1, 1, CODE, CODE)
    stages = []
    for place, layer in enumerate(decoder.decoder):
        constant = _interior(x).mean((2, 3), keepdim=True).repeat(1, 1, *x.shape[2:])
        side = x.shape[-1]
        x = _run(layer, x, place in decoder.unpooling)
        if x.shape[-1] == 2 * side:
            stages.append(_unevenness(_run(layer, constant, place in decoder.unpooling)))
    return stages, _unevenness(x.sigmoid())


def _run(layer: nn.Module, x: Tensor, unpools: bool) -> Tensor:
    if not unpools:
        return layer(x)
    # Max-pooling of a constant finds its maximum at the top left of each cell.
    side = x.shape[-1]
    top_left = 4 * side * torch.arange(side)[:, None] + 2 * torch.arange(side)
    channels = next(layer.parameters()).shape[0]
    return layer(x, top_left.expand(1, channels, -1, -1))


def _interior(x: Tensor) -> Tensor:
    """(1, C, H, W) without its outer quarter, where the padding of convolutions reaches."""
    edge = x.shape[-1] // 4
    return x[..., edge:-edge, edge:-edge]


def _unevenness(x: Tensor) -> float:
    cells = _interior(x)[0].unfold(1, 2, 2).unfold(2, 2, 2)  # (C, h, w, 2, 2)
    by_phase = cells.mean((1, 2)).flatten(1)  # (C, 4)
    variance, mean = by_phase.var(1, unbiased=False), by_phase.mean(1)
    return (variance.sum() / mean.square().sum()).item()


def nyquist(residual: Tensor, clean: Tensor) -> tuple[float, int]:
    """Energy of the residual at the Nyquist frequencies relative to their neighbours, on flat blocks.

    Parameters
    ----------
    residual, clean : Tensor
        (N, 1, H, W): estimate minus clean, and clean.

    Returns
    -------
    ratio : float
        Mean power at (N/2, 0), (0, N/2) and (N/2, N/2) over the mean power at the frequencies one step below each.
    blocks : int
        How many flat blocks it is the mean of; with none the ratio is NaN.
    """
    flat = _blocks(clean)
    flat = (flat.amax((1, 2)) - flat.amin((1, 2))) <= FLAT
    power = torch.fft.fft2(_blocks(residual)[flat].double()).abs().square().mean(0)  # (8, 8)
    top, below = BLOCK // 2, BLOCK // 2 - 1
    at = power[top, 0] + power[0, top] + power[top, top]
    beside = power[below, 0] + power[0, below] + power[below, below]
    return (at / beside).item(), int(flat.sum())


def spectrum(residual: Tensor) -> Tensor:
    """(N, 1, H, W) -> (H, W): the mean power spectrum, zero frequency in the middle."""
    return torch.fft.fftshift(torch.fft.fft2(residual[:, 0].double()).abs().square().mean(0))


def _blocks(x: Tensor) -> Tensor:
    """(N, 1, H, W) -> (M, 8, 8): every whole block, not overlapping."""
    return x[:, 0].unfold(1, BLOCK, BLOCK).unfold(2, BLOCK, BLOCK).reshape(-1, BLOCK, BLOCK)
