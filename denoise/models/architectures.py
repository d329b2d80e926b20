"""Network architectures: an autoencoder and a U-Net for every decoder, and a DnCNN.

References
----------
Ronneberger, Fischer and Brox, "U-Net", MICCAI 2015. https://arxiv.org/abs/1505.04597
Zhang et al., "Beyond a Gaussian denoiser: residual learning of deep CNN for image denoising",
2017 (DnCNN).
https://arxiv.org/abs/1608.03981
Mohan, Kadkhodaie, Simoncelli and Fernandez-Granda, "Robust and interpretable blind image denoising
via bias-free convolutional neural networks", ICLR 2020. https://arxiv.org/abs/1906.05478
Zhang, Zuo and Zhang, "FFDNet" (the noise level as an input channel), 2018.
https://arxiv.org/abs/1710.04026
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from denoise.decoders import DECODERS
from denoise.models.base import ARCHITECTURES, AnySize
from denoise.models.encoder_decoder import check_sizes, conv, mirror

__all__ = ["ARCHITECTURES", "OUTPUTS"]

OUTPUTS = ("sigmoid", "residual")
"""Output of a U-Net or DnCNN: the image's logits, or the noise to subtract from the input."""

DEEPEST = 16  # most poolings of an autoencoder or U-Net: each doubles the channels


@ARCHITECTURES.register("autoencoder", label="Autoencoder")
def autoencoder(
    channels: int = 1,
    *,
    decoder: str = "nearest",
    width: int = 32,
    depth: int = 2,
    decoder_widths: Sequence[int] = (),
) -> AnySize:
    """Build an encoder and decoder without skip connections.

    Each stage has two convolutions, batch normalization and ReLU.

    All information about the image passes through the code, (width * 2**depth, H / 2**depth, W /
    2**depth). The upsampling stages alone must rebuild the detail, so this network compares
    decoders.

    Parameters
    ----------
    channels : int
        Channels of the image: 1 gray, 3 color.
    decoder : str
        A name of `DECODERS`.
    width : int
        Channels of the first stage; each pooling doubles them.
    depth : int
        Number of poolings, and of upsampling stages.
    decoder_widths : sequence of int
        Channels of each upsampling stage, from the code to the image; empty: the encoder's widths,
        mirrored.

    Raises
    ------
    UnknownName
        Unknown decoder.
    ValueError
        A size below 1, or a number of decoder widths that differs from the depth.
    """
    net = mirror(channels, channels, decoder, _doubling(width, depth), decoder_widths, skips=False)
    return AnySize(net, multiple=2**depth, reach=_reach(decoder, depth))


@ARCHITECTURES.register("unet", label="U-Net", colour="#000000")
def unet(
    channels: int = 1,
    *,
    decoder: str = "nearest",
    width: int = 32,
    depth: int = 2,
    decoder_widths: Sequence[int] = (),
    output: str = "sigmoid",
    bias: bool = True,
    noise_conditional: bool = False,
    blocks: Sequence[int] = (),
) -> AnySize:
    """Build `autoencoder` with skip connections from the encoder to the decoder.

    Detail does not depend on the upsampling stages alone, so beside autoencoders this network is an
    upper bound. For photographs it is the backbone in which the decoders are compared.

    Parameters
    ----------
    output : str
        One of `OUTPUTS`. With "residual" the network predicts the noise.
    bias : bool
        Without it, no layer adds a constant: neither bias nor batch normalization. Then the output
        for `a * x` is `a` times the output for `x`, and the network generalizes to untrained noise
        levels (Mohan et al. 2020).
    noise_conditional : bool
        Noise-conditional: the input has a channel with the noise level, 0 if the level is unknown.
    blocks : sequence of int
        Residual blocks of each size, from full size to the code's; empty: none. Source: Zhang et
        al., "Plug-and-play image restoration with deep denoiser prior" (DRUNet), 2021,
        https://arxiv.org/abs/2008.13751.

    Further parameters and errors are those of `autoencoder`. ValueError is also raised for an
    unknown output, a sigmoid without bias, or a number of blocks other than one per size.
    """
    _check_output(output)
    if not bias and output == "sigmoid":
        raise ValueError("a network without bias cannot have output sigmoid; valid: residual")
    widths = _doubling(width, depth)
    net = mirror(
        channels + noise_conditional,
        channels,
        decoder,
        widths,
        decoder_widths,
        skips=True,
        norm=bias,
        blocks=blocks,
    )
    options = {
        "multiple": 2**depth,
        "noise_conditional": noise_conditional,
        "reach": _reach(decoder, depth, blocks),
    }
    if output == "sigmoid":
        return AnySize(net, **options)
    return AnySize(_Residual(net, channels), sigmoid=False, **options)


@ARCHITECTURES.register("dncnn", label="DnCNN-style residual network", colour="#444444")
def dncnn(
    channels: int = 1, *, width: int = 64, depth: int = 17, output: str = "sigmoid"
) -> AnySize:
    """Build convolutions at full size that predict the noise, without pooling.

    Without a decoder, this network is an upper bound.

    Parameters
    ----------
    channels : int
        Channels of the image.
    width : int
        Channels of every inner layer.
    depth : int
        Number of convolutions, at least 2; the paper has 17, and 20 for one network for all levels.
    output : str
        One of `OUTPUTS`: the noise is subtracted from logits of the noisy image, or, as in the
        paper, from the image.

    Raises
    ------
    ValueError
        A size below 1, a depth below 2, or an unknown output.
    """
    check_sizes([("channels", channels), ("width", width), ("depth - 1", depth - 1)])
    _check_output(output)
    first = [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
    inner = [layer for _ in range(depth - 2) for layer in conv(width, width)]
    net = nn.Sequential(*first, *inner, nn.Conv2d(width, channels, 3, padding=1))
    if output == "residual":
        return AnySize(_Residual(net, channels), multiple=1, sigmoid=False, reach=depth)
    return AnySize(_NoiseRemoved(net), multiple=1, reach=depth)


class _Residual(nn.Module):
    """Image minus the predicted noise.

    `channels` counts the image's channels; a channel of noise levels may follow.
    """

    def __init__(self, noise: nn.Module, channels: int) -> None:
        super().__init__()
        self.noise, self.channels = noise, channels

    def forward(self, x: Tensor) -> Tensor:
        return x[:, : self.channels] - self.noise(x)


class _NoiseRemoved(nn.Module):
    """Logits of the noisy image minus the predicted noise.

    Sigmoid and loss are then equal to the autoencoders'.
    """

    def __init__(self, noise: nn.Module) -> None:
        super().__init__()
        self.noise = noise
        # near 1/2 the sigmoid of 4 (x - 1/2) is about x
        self.contrast = nn.Parameter(torch.tensor(4.0))

    def forward(self, x: Tensor) -> Tensor:
        return self.contrast * (x - 0.5) - self.noise(x)


def _doubling(width: int, depth: int) -> list[int]:
    check_sizes([("depth", depth)])
    if depth > DEEPEST:
        raise ValueError(f"depth is {depth:,}; it must be at most {DEEPEST}")
    return [width * 2**stage for stage in range(depth + 1)]


def _reach(decoder: str, depth: int, blocks: Sequence[int] = ()) -> int:
    """Return an upper bound of the reach of a `mirror` of this depth, in pixels.

    At 1 / 2**k of the size, a 3x3 convolution extends the reach by 2**k pixels, and so does a
    pooling to the next size. An upsampling stage to that size reaches a few pixels of its own
    input, each of which is two pixels of its output.
    """
    refining = [2 * count for count in blocks]  # convolutions
    stage = 2 + 2 * DECODERS[decoder].facts.get("reach", 1)
    down = [1 + more for more in refining or [1] * (depth + 1)]
    up = [stage + more for more in (refining or [0] * depth)[:depth]]
    return sum(2**k * n for k, n in enumerate(down)) + sum(2**k * n for k, n in enumerate(up)) + 1


def _check_output(output: str) -> None:
    if output not in OUTPUTS:
        raise ValueError(f"unknown output {output!r}; valid: {', '.join(OUTPUTS)}")
