"""Examples of the Learn tab: each layer of a decoder on an input small enough to read as numbers.

References
----------
Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016. https://arxiv.org/abs/1603.07285
Odena, Dumoulin and Olah, "Deconvolution and checkerboard artifacts", 2016.
https://distill.pub/2016/deconv-checkerboard/
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from demo.compute import results
from demo.compute.answers import Answer, compare
from demo.compute.worker import alone
from denoise.models.encoder_decoder import Mirror

INPUTS = {  # 3x3, for the upsampling layers
    "ramp": torch.arange(1.0, 10.0).view(3, 3),
    "point": torch.tensor([[0.0, 0, 0], [0, 9, 0], [0, 0, 0]]),
    "edge": torch.tensor([[9.0, 9, 0], [9, 9, 0], [9, 9, 0]]),
}
MODES = ("nearest", "bilinear")
SHOWN_CHANNELS = 16  # number of code channels on display
FAMILY, ARM = "mnist", "nearest"  # the network whose code is shown
PAIR = {"transposed": "transposed_k3", "resized": "nearest"}
"""Arms whose kernels the Learn tab shows."""


def upsampled(values: Tensor, mode: str, factor: int) -> Tensor:
    """Upsample (H, W) by an integer factor, like `UpSampling2D` of Keras."""
    corners = {} if mode == "nearest" else {"align_corners": False}
    return F.interpolate(values[None, None], scale_factor=factor, mode=mode, **corners)[0, 0]


def inside(output: Tensor, kernel: int) -> Tensor:
    """Return the output without its border, where fewer kernel copies overlap.

    Return all if nothing would be left.
    """
    margin = kernel - 1
    within = output[margin : output.shape[0] - margin, margin : output.shape[1] - margin]
    return within if within.numel() else output


def untrained(kernel: int, stride: int, seed: int, size: int = 12) -> tuple[Tensor, Tensor]:
    """Apply random layers to a constant input: transposed conv, and nearest upsampling + conv 3x3.

    Return both outputs, (H, W), without the border. The second output is constant, because every
    pixel is computed alike.
    """
    generator = torch.Generator().manual_seed(seed)
    weights = torch.rand(1, 1, kernel, kernel, generator=generator)
    constant = torch.ones(1, 1, size, size)
    transposed = inside(
        F.conv_transpose2d(constant, weights, stride=stride)[0, 0], max(kernel, stride)
    )
    large = F.interpolate(constant, scale_factor=stride)
    resized = F.conv2d(large, torch.rand(1, 1, 3, 3, generator=generator))[0, 0]
    side = min(len(transposed), len(resized))
    return transposed[:side, :side], resized[:side, :side]


def has_networks() -> bool:
    """Return True if the results hold the networks that the Learn tab shows."""
    return {ARM, *PAIR.values()} <= set(results.trained().get(FAMILY, {}))


@alone
@torch.inference_mode()
def trained() -> dict[str, list[list[float]]]:
    """Return one 3x3 kernel of the last upsampling stage of two trained networks.

    `transposed` is of a transposed convolution, `resized` of a convolution after nearest
    upsampling: the kernel with the largest norm, divided by its largest absolute value.
    """
    found = {}
    for key, arm in PAIR.items():
        network = results.network(FAMILY, arm).network
        layers = [
            layer
            for layer in network.modules()
            if isinstance(layer, nn.ConvTranspose2d)
            or (isinstance(layer, nn.Sequential) and isinstance(layer[0], nn.Upsample))
        ]
        last = layers[-1][1] if isinstance(layers[-1], nn.Sequential) else layers[-1]
        assert isinstance(last, nn.Conv2d | nn.ConvTranspose2d)
        weight = last.weight.flatten(0, 1)
        kernel = weight[weight.flatten(1).norm(dim=1).argmax()]
        found[key] = [[round(v, 2) for v in row] for row in (kernel / kernel.abs().max()).tolist()]
    return found


class Code(NamedTuple):
    """Some channels of a code, (C, h, w), its shape, the noisy input and the output."""

    channels: Tensor
    shape: tuple[int, int, int]
    noisy: Answer
    cleaned: Answer


@alone
@torch.inference_mode()
def code(image, sigma: float) -> Code:
    """Encode and decode a (28, 28) uint8 image under clipped noise with an autoencoder."""
    _, noisy, cleaned = compare(image, "gaussian", True, sigma, 0, FAMILY, [ARM])
    found = results.network(FAMILY, ARM)  # on a GPU if the machine has one
    network = found.network
    entering = torch.from_numpy(noisy.image.astype("float32") / 255)[None, None].to(found.device)
    assert isinstance(network.net, Mirror)  # as of every autoencoder
    encoded = network.net.encode(network.fitted(entering)[0])[0].cpu()
    deviations = encoded[0].flatten(1).std(1)
    shown = deviations.argsort(descending=True)[:SHOWN_CHANNELS].sort().values
    _, channels, height, width = encoded.shape
    return Code(encoded[0, shown], (channels, height, width), noisy, cleaned)
