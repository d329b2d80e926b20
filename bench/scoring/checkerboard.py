"""Checkerboard metrics of a decoder, before and after training.

There are two metrics, each for periods 2 and 4: an upsampling stage makes a pattern of 2 pixels,
and the next stage widens it to 4. The first is the response to a constant code: 0 if all phases of
a cell are equal. The second is the residual on flat regions (`denoise.metrics.peaks`).

References
----------
Odena, Dumoulin and Olah, "Deconvolution and Checkerboard Artifacts", Distill, 2016.
https://distill.pub/2016/deconv-checkerboard/
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from denoise.models.base import AnySize
from denoise.models.encoder_decoder import Mirror

CODE = 16  # side of the constant code


@torch.no_grad()
def settle(network: AnySize, noisy: Iterable[Tensor]) -> AnySize:
    """Set the batch-norm statistics of an untrained network to those of its activations.

    The initial statistics (mean 0, variance 1) do not fit the activations: in evaluation mode the
    output would fade from layer to layer, and neither metric would measure anything. The new
    statistics are plain averages over the batches. No weight changes.

    Parameters
    ----------
    network : AnySize
    noisy : iterable of Tensor
        Training batches, (N, C, H, W).

    Returns
    -------
    AnySize
        The same network, in evaluation mode.
    """
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.reset_running_stats()
            layer.momentum = None  # torch averages over all batches if momentum is None
    network.train()
    for batch in noisy:
        network(batch)
    return network.eval()


@torch.no_grad()
def phases(network: AnySize, code: Tensor) -> tuple[list[float], float, float]:
    """Measure checkerboards in the response to a constant code.

    The measure is the variance over the phases of each cell, relative to the squared mean.

    Parameters
    ----------
    network : AnySize
        An autoencoder: its `net` is a `Mirror`.
    code : Tensor
        (C,): the value of each channel of the code.

    Returns
    -------
    stages : list of float
        For each upsampling stage alone, from the code on: variance over the four phases of a 2x2
        cell, summed over channels, divided by the summed squared mean. The input of a stage is the
        constant that reaches it: the mean output of the layers before it.
    picture : float
        Same ratio for the output of the whole decoder, an image in [0, 1].
    picture_4 : float
        For the same output: the variance over the 16 phases of a 4x4 cell that the 2x2 phases do
        not explain.
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
    """Crop (N, C, H, W) by a quarter on each side, where the padding of convolutions reaches."""
    edge = x.shape[-1] // 4
    return x[..., edge:-edge, edge:-edge]


def _unevenness(x: Tensor, period: int) -> float:
    """Return the variance of the part with this period, relative to the squared mean.

    A part with half of the period does not count.
    """
    half = period // 2
    # (C, h, w, period, period)
    cells = _interior(x)[0].unfold(1, period, period).unfold(2, period, period)
    # (C, 2, half, 2, half)
    by_phase = cells.mean((1, 2)).unflatten(2, (2, half)).unflatten(1, (2, half))
    rest = by_phase - by_phase.mean((1, 3), keepdim=True)
    mean = by_phase.mean((1, 2, 3, 4))
    return (rest.square().mean((1, 2, 3, 4)).sum() / mean.square().sum()).item()
