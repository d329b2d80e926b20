"""The networks: an autoencoder and a U-Net for every decoder, a DnCNN-style network without one, and the wrapper that
makes any network take any picture size.

References
----------
Ronneberger, Fischer and Brox, "U-Net", MICCAI 2015. https://arxiv.org/abs/1505.04597
Zhang et al., "Beyond a Gaussian denoiser: residual learning of deep CNN for image denoising" (DnCNN), 2017.
https://arxiv.org/abs/1608.03981
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from denoise.decoders import DECODERS
from denoise.registry import Registry

ARCHITECTURES = Registry("architecture")
"""Each entry builds `(channels, **options) -> AnySize`."""


class AnySize(nn.Module):
    """Pad, run the network, crop, squash: what every network here shares.

    Height and width are padded to the next size that the network maps to itself, by reflection where the picture is
    large enough and by repeating the border where it is not (reflection of a 1x1 or 2x2 picture does not exist).

    Parameters
    ----------
    net : nn.Module
        (N, C, H, W) -> (N, C, H, W) logits, for H and W in `remainder + multiple * k`, at least `minimum`.
    multiple, remainder, minimum : int
        The sizes that `net` takes.
    """

    def __init__(self, net: nn.Module, multiple: int, remainder: int = 0, minimum: int = 1) -> None:
        super().__init__()
        self.net = net
        self.multiple, self.remainder, self.minimum = multiple, remainder, minimum

    def logits(self, x: Tensor) -> Tensor:
        """(N, C, H, W) in about [0, 1] -> the estimate before the sigmoid, same shape: what a loss trains on."""
        height, width = x.shape[-2:]
        top, bottom = self._padding(height)
        left, right = self._padding(width)
        if top or bottom or left or right:
            x = _pad(x, (left, right, top, bottom))
        return self.net(x)[..., top : top + height, left : left + width]

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) in about [0, 1] -> the estimate in [0, 1], same shape, float32."""
        return self.logits(x).float().sigmoid()

    def _padding(self, size: int) -> tuple[int, int]:
        fitting = max(size, self.minimum)
        fitting += (self.remainder - fitting) % self.multiple
        before = (fitting - size) // 2
        return before, fitting - size - before


def _pad(x: Tensor, sides: tuple[int, int, int, int]) -> Tensor:
    left, right, top, bottom = sides
    height, width = x.shape[-2:]
    mode = "reflect" if max(top, bottom) < height and max(left, right) < width else "replicate"
    return F.pad(x, sides, mode=mode)


def _conv(in_channels: int, out_channels: int) -> list[nn.Module]:
    # The bias would be undone by the normalisation that follows.
    return [nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False), *_activation(out_channels)]


def _activation(channels: int) -> list[nn.Module]:
    return [nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]


class Mirror(nn.Module):
    """An encoder, and a decoder whose stages undo its poolings in reverse.

    `unpooling` holds the places in `decoder` of the stages that take the positions of the maxima; only where there are
    such stages do the poolings return them. `joining` holds the places of the layers that take, beside what comes from
    the code, the encoder's features of the same size: the skip connections of a U-Net.
    """

    def __init__(
        self, encoder: list[nn.Module], decoder: list[nn.Module], unpooling: list[int], joining: list[int]
    ) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.Sequential(*encoder), nn.Sequential(*decoder)
        self.unpooling, self.joining = unpooling, joining

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(*self.encode(x))

    def encode(self, x: Tensor) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """The code, and for each pooling the positions of its maxima (where needed) and what was pooled."""
        positions: list[Tensor] = []
        features: list[Tensor] = []
        for layer in self.encoder:
            if isinstance(layer, nn.MaxPool2d):
                features.append(x)
            x = layer(x)
            if isinstance(x, tuple):
                x, where = x
                positions.append(where)
        return x, positions, features

    def decode(self, x: Tensor, positions: list[Tensor], features: list[Tensor]) -> Tensor:
        """The answer to a code; `positions` and `features` as `encode` gives them, used up from the last."""
        for place, layer in enumerate(self.decoder):
            if place in self.joining:
                x = torch.cat([x, features.pop()], dim=1)
            x = layer(x, positions.pop()) if place in self.unpooling else layer(x)
        return x


@ARCHITECTURES.register("autoencoder", label="Autoencoder")
def autoencoder(
    channels: int = 1,
    *,
    decoder: str = "nearest",
    width: int = 32,
    depth: int = 2,
    decoder_widths: Sequence[int] = (),
) -> AnySize:
    """Encoder and decoder without skip connections, two convolutions a stage, batch normalisation and ReLU.

    All that the decoder knows of the picture passes through the code, (width * 2**depth, H / 2**depth, W / 2**depth),
    so the upsampling stages alone rebuild the detail: the comparison is about them.

    Parameters
    ----------
    channels : int
        Channels of the picture: 1 gray, 3 colour.
    decoder : str
        A name of `DECODERS`.
    width : int
        Channels of the first stage; each pooling doubles them.
    depth : int
        Number of poolings, and of upsampling stages.
    decoder_widths : sequence of int
        Channels of each upsampling stage, from the code to the picture; empty: those of the encoder, mirrored. A stage
        that unpools keeps the encoder's channels, for which it has positions; the convolution after it takes these.

    Raises
    ------
    UnknownName
        No decoder of that name.
    ValueError
        A size below 1, or a number of decoder widths that is not the depth.
    """
    return _mirrored(channels, decoder, width, depth, decoder_widths, skips=False)


@ARCHITECTURES.register("unet", label="U-Net", colour="#000000")
def unet(
    channels: int = 1,
    *,
    decoder: str = "nearest",
    width: int = 32,
    depth: int = 2,
    decoder_widths: Sequence[int] = (),
) -> AnySize:
    """`autoencoder` with skip connections: what the encoder saw at each size reaches the decoder past the code.

    Parameters and errors are those of `autoencoder`. Detail no longer depends on the upsampling stages alone, so this
    is a ceiling for them, not one of them.
    """
    return _mirrored(channels, decoder, width, depth, decoder_widths, skips=True)


def _mirrored(
    channels: int, decoder: str, width: int, depth: int, decoder_widths: Sequence[int], *, skips: bool
) -> AnySize:
    sizes = [("channels", channels), ("width", width), ("depth", depth)]
    _check_sizes(sizes + [("a decoder width", value) for value in decoder_widths])
    if decoder_widths and len(decoder_widths) != depth:
        raise ValueError(f"{len(decoder_widths)} decoder widths for depth {depth}; valid: {depth}, or none")
    entry = DECODERS[decoder]
    unpools = entry.facts.get("needs_indices", False)
    widths = [width * 2**stage for stage in range(depth + 1)]
    encoder: list[nn.Module] = [*_conv(channels, width), *_conv(width, width)]
    for narrow, wide in pairwise(widths):
        encoder += [nn.MaxPool2d(2, return_indices=unpools), *_conv(narrow, wide), *_conv(wide, wide)]
    decoding: list[nn.Module] = []
    unpooling: list[int] = []
    joining: list[int] = []
    held = widths[-1]
    pooled = widths[-2::-1]
    for mirrored, chosen in zip(pooled, decoder_widths or pooled, strict=True):
        doubled = mirrored if unpools else chosen
        unpooling += [len(decoding)] * unpools
        decoding += [entry.build(held, doubled, bias=False), *_activation(doubled)]
        joining += [len(decoding)] * skips
        decoding += _conv(doubled + mirrored * skips, chosen)
        held = chosen
    decoding.append(nn.Conv2d(held, channels, 3, padding=1))
    return AnySize(Mirror(encoder, decoding, unpooling, joining), multiple=2**depth)


class _NoiseRemoved(nn.Module):
    """The picture less what a network takes for noise, as logits: the sigmoid and the loss are those of the others."""

    def __init__(self, noise: nn.Module) -> None:
        super().__init__()
        self.noise = noise
        self.contrast = nn.Parameter(torch.tensor(4.0))  # near 1/2 the sigmoid of 4 (x - 1/2) is about x

    def forward(self, x: Tensor) -> Tensor:
        return self.contrast * (x - 0.5) - self.noise(x)


@ARCHITECTURES.register("dncnn", label="DnCNN-style residual network", colour="#444444")
def dncnn(channels: int = 1, *, width: int = 64, depth: int = 17) -> AnySize:
    """Convolutions at full size that predict the noise, without pooling: a ceiling that has no decoder.

    Parameters
    ----------
    channels : int
        Channels of the picture.
    width : int
        Channels of every inner layer.
    depth : int
        Convolutions, at least 2; the paper has 17.

    Raises
    ------
    ValueError
        A size below 1, or a depth below 2.
    """
    _check_sizes([("channels", channels), ("width", width), ("depth - 1", depth - 1)])
    first = [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
    inner = [layer for _ in range(depth - 2) for layer in _conv(width, width)]
    last = nn.Conv2d(width, channels, 3, padding=1)
    return AnySize(_NoiseRemoved(nn.Sequential(*first, *inner, last)), multiple=1)


def _check_sizes(sizes: list[tuple[str, int]]) -> None:
    for name, value in sizes:
        if value < 1:
            raise ValueError(f"{name} is {value}; it must be at least 1")
