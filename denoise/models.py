"""The networks: one autoencoder for every decoder, and the wrapper that makes any network take any picture size."""

from __future__ import annotations

from itertools import pairwise

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


@ARCHITECTURES.register("autoencoder", label="Autoencoder")
def autoencoder(channels: int = 1, *, decoder: str = "nearest", width: int = 32, depth: int = 2) -> AnySize:
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

    Raises
    ------
    UnknownName
        No decoder of that name.
    ValueError
        A size below 1.
    """
    for name, value in (("channels", channels), ("width", width), ("depth", depth)):
        if value < 1:
            raise ValueError(f"{name} is {value}; it must be at least 1")
    upsample = DECODERS[decoder].build
    widths = [width * 2**stage for stage in range(depth + 1)]
    encoder: list[nn.Module] = [*_conv(channels, width), *_conv(width, width)]
    decoding: list[nn.Module] = []
    for narrow, wide in pairwise(widths):
        encoder += [nn.MaxPool2d(2), *_conv(narrow, wide), *_conv(wide, wide)]
    for wide, narrow in pairwise(reversed(widths)):
        decoding += [upsample(wide, narrow, bias=False), *_activation(narrow), *_conv(narrow, narrow)]
    decoding.append(nn.Conv2d(width, channels, 3, padding=1))
    net = nn.Sequential()
    net.encoder = nn.Sequential(*encoder)
    net.decoder = nn.Sequential(*decoding)
    return AnySize(net, multiple=2**depth)
