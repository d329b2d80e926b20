"""How much of a checkerboard a decoder paints, before training and after.

Two meters, each for two periods: a stage writes a pattern of 2 pixels, which the stage after it widens to 4. The
response to a constant code: where all phases of a cell answer alike it is 0. The residual on flat regions: its energy
at the frequencies of such a pattern relative to those beside them; 1 is no checkerboard.

References
----------
Odena, Dumoulin and Olah, "Deconvolution and Checkerboard Artifacts", Distill, 2016.
https://distill.pub/2016/deconv-checkerboard/
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from denoise.anysize import AnySize
from denoise.mirror import Mirror

CODE = 16  # side of the constant code
BLOCK = 8  # side of a flat block, in pixels: a multiple of 4, so that periods 2 and 4 have frequencies of their own
FLAT = 0.02  # largest range of clean values within a flat block


@torch.no_grad()
def settle(network: AnySize, noisy: Iterable[Tensor]) -> AnySize:
    """Give an untrained network the normalisation statistics of its own activations; returns it in evaluation mode.

    Those that it is built with (mean 0, variance 1) are not its own: in evaluation mode its answer would fade from
    layer to layer, and no meter would see anything. They become the plain averages over the batches; no weight moves.

    Parameters
    ----------
    network : AnySize
    noisy : iterable of Tensor
        Batches, (N, C, H, W), as it would be trained on.
    """
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.reset_running_stats()
            layer.momentum = None  # torch's word for the average over all batches
    network.train()
    for batch in noisy:
        network(batch)
    return network.eval()


@torch.no_grad()
def phases(network: AnySize, code: Tensor) -> tuple[list[float], float, float]:
    """Variance of the phases of each cell relative to the mean, for a constant code.

    Parameters
    ----------
    network : AnySize
        An autoencoder: its `net` is a `Mirror`.
    code : Tensor
        (C,): the value of each channel of the code.

    Returns
    -------
    stages : list of float
        For each upsampling stage alone, from the code on: variance over the four phases of a 2x2 cell, summed over
        channels, divided by the summed squared mean. It is fed the constant that reaches it, the mean of what the
        layers before it answer.
    picture : float
        The same of the whole decoder's answer, a picture in [0, 1].
    picture_4 : float
        Of the same answer, the variance over the 16 phases of a 4x4 cell that those of 2x2 do not explain.
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
            stages.append(_unevenness(_run(layer, constant, place in decoder.unpooling), 2))
    picture = x.sigmoid()
    return stages, _unevenness(picture, 2), _unevenness(picture, 4)


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


def _unevenness(x: Tensor, period: int) -> float:
    """Variance of what repeats after `period` pixels and not after half as many, relative to the squared mean."""
    half = period // 2
    cells = _interior(x)[0].unfold(1, period, period).unfold(2, period, period)  # (C, h, w, period, period)
    by_phase = cells.mean((1, 2)).unflatten(2, (2, half)).unflatten(1, (2, half))  # (C, 2, half, 2, half)
    rest = by_phase - by_phase.mean((1, 3), keepdim=True)
    mean = by_phase.mean((1, 2, 3, 4))
    return (rest.square().mean((1, 2, 3, 4)).sum() / mean.square().sum()).item()


def peaks(residual: Tensor, clean: Tensor) -> tuple[float, float, int]:
    """Energy of the residual at the frequencies of periods 2 and 4 relative to their neighbours, on flat blocks.

    Parameters
    ----------
    residual, clean : Tensor
        (N, 1, H, W): estimate minus clean, and clean.

    Returns
    -------
    nyquist : float
        Period 2: mean power at (N/2, 0), (0, N/2) and (N/2, N/2) over the mean power at the frequencies one step below
        each.
    period_4 : float
        Mean power at (N/4, 0), (0, N/4) and (N/4, ±N/4) over that of their neighbours: the geometric mean of one step
        below and one above, since power falls steeply with frequency.
    blocks : int
        How many flat blocks these are means of; with none they are NaN.
    """
    flat = _blocks(clean)
    flat = (flat.amax((1, 2)) - flat.amin((1, 2))) <= FLAT
    power = torch.fft.fft2(_blocks(residual)[flat].double()).abs().square().mean(0)  # (8, 8)
    other_diagonal = power.flip(1).roll(1, 1).diagonal()  # (n, -n), which at N/2 is the first one again
    by_step = torch.stack([power[0], power[:, 0], power.diagonal(), other_diagonal])  # (4, 8)
    top, quarter = BLOCK // 2, BLOCK // 4
    nyquist = by_step[:3, top].sum() / by_step[:3, top - 1].sum()
    beside = (by_step[:, quarter - 1] * by_step[:, quarter + 1]).sqrt()
    return nyquist.item(), (by_step[:, quarter].sum() / beside.sum()).item(), int(flat.sum())


def spectrum(residual: Tensor) -> Tensor:
    """(N, 1, H, W) -> (H, W): the mean power spectrum, zero frequency in the middle."""
    return torch.fft.fftshift(torch.fft.fft2(residual[:, 0].double()).abs().square().mean(0))


def _blocks(x: Tensor) -> Tensor:
    """(N, 1, H, W) -> (M, 8, 8): every whole block, not overlapping."""
    return x[:, 0].unfold(1, BLOCK, BLOCK).unfold(2, BLOCK, BLOCK).reshape(-1, BLOCK, BLOCK)
