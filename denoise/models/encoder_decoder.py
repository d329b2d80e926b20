"""Encoder and mirrored decoder, the backbone of autoencoder and U-Net."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from denoise.decoders import DECODERS


class Mirror(nn.Module):
    """Encoder, and a decoder whose stages undo its poolings in reverse order.

    `unpooling` holds the indices in `decoder` of the stages that take the positions of the maxima;
    the poolings return positions only for such stages. `joining` holds the indices of the layers
    that also take the encoder's features of the same size: the skip connections of a U-Net.
    """

    def __init__(
        self,
        encoder: list[nn.Module],
        decoder: list[nn.Module],
        unpooling: list[int],
        joining: list[int],
    ) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.Sequential(*encoder), nn.Sequential(*decoder)
        self.unpooling, self.joining = unpooling, joining

    def forward(self, x: Tensor) -> Tensor:
        """Encode, then decode: (N, C, H, W) -> (N, C', H, W)."""
        return self.decode(*self.encode(x))

    def encode(self, x: Tensor) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """Return the code, the positions of the maxima, and the input of each pooling.

        Positions are returned only for decoders that need them.
        """
        positions: list[Tensor] = []
        features: list[Tensor] = []
        for layer in self.encoder:
            pools = isinstance(layer, nn.MaxPool2d)
            if pools:
                features.append(x)
            x = layer(x)
            if pools and layer.return_indices:
                x, where = x
                positions.append(where)
        return x, positions, features

    def decode(self, x: Tensor, positions: list[Tensor], features: list[Tensor]) -> Tensor:
        """Decode the result of `encode`; `positions` and `features` are popped from the end."""
        for place, layer in enumerate(self.decoder):
            if place in self.joining:
                x = torch.cat([x, features.pop()], dim=1)
            x = layer(x, positions.pop()) if place in self.unpooling else layer(x)
        return x


def conv(in_channels: int, out_channels: int, *, norm: bool = True) -> list[nn.Module]:
    """Return a 3x3 convolution, its optional normalization and a ReLU.

    The convolution has no bias. With normalization a bias would have no effect; without
    normalization the network must be bias-free.
    """
    return [
        nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False),
        *activation(out_channels, norm=norm),
    ]


class ResidualBlock(nn.Module):
    """Residual block: two convolutions whose output is added to their input.

    He et al. 2016, https://arxiv.org/abs/1512.03385. There is no ReLU after the sum, as in the
    restoration network of Lim et al., EDSR, 2017, https://arxiv.org/abs/1707.02921.
    """

    def __init__(self, channels: int, *, norm: bool = True) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            *conv(channels, channels, norm=norm), *conv(channels, channels, norm=norm)[:-1]
        )

    def forward(self, x: Tensor) -> Tensor:
        """Add the branch's output to its input."""
        return x + self.branch(x)


def activation(channels: int, *, norm: bool = True) -> list[nn.Module]:
    """Return the optional batch normalization and the ReLU after a convolution."""
    return [*([nn.BatchNorm2d(channels)] if norm else []), nn.ReLU(inplace=True)]


def mirror(
    entering: int,
    leaving: int,
    decoder: str,
    widths: Sequence[int],
    decoder_widths: Sequence[int],
    *,
    skips: bool,
    norm: bool = True,
    blocks: Sequence[int] = (),
) -> Mirror:
    """Build a `Mirror` of convolutions, with or without residual blocks.

    Without blocks an encoder stage has two convolutions, else one convolution and its blocks.

    Parameters
    ----------
    entering, leaving : int
        Channels of the input, and of the output.
    decoder : str
        A name of `DECODERS`.
    widths : sequence of int
        Channels of each stage of the encoder, the first at full size, with a pooling between any
        two.
    decoder_widths : sequence of int
        Channels of each upsampling stage, from the code to the image; empty: the encoder's widths,
        mirrored. An unpooling stage keeps the encoder's channels, for which it has positions; the
        convolution after it sets the stage's own width.
    skips : bool
        Concatenate the encoder's features of each size to the decoder's input of that size.
    norm : bool
        Batch normalization after each convolution; without it no layer adds a constant.
    blocks : sequence of int
        Residual blocks of each size, full size first, used on the way down and again on the way up,
        after the first convolution. Empty: no blocks, but a second convolution on the way down.

    Raises
    ------
    UnknownName
        Unknown decoder.
    ValueError
        A size below 1, a number of decoder widths other than the number of poolings, or a number of
        blocks other than one per size.
    """
    check_sizes(
        [("channels", leaving), ("width", min(widths, default=0)), ("depth", len(widths) - 1)]
    )
    check_sizes([("a decoder width", value) for value in decoder_widths])
    pooled = widths[-2::-1]
    if decoder_widths and len(decoder_widths) != len(pooled):
        raise ValueError(
            f"{len(decoder_widths)} decoder widths at depth {len(pooled)}; valid: "
            f"{len(pooled)}, or none"
        )
    if blocks and (len(blocks) != len(widths) or min(blocks) < 0):
        raise ValueError(
            f"blocks is {[*blocks]}; valid at depth {len(pooled)}: {len(widths)} "
            "integers of at least 0"
        )

    def refine(stage: int, *, down: bool) -> list[nn.Module]:
        """Return the layers after the first convolution of a size."""
        if not blocks:
            return conv(widths[stage], widths[stage], norm=norm) if down else []
        width = widths[stage] if down or not decoder_widths else decoder_widths[-1 - stage]
        return [ResidualBlock(width, norm=norm) for _ in range(blocks[stage])]

    entry = DECODERS[decoder]
    unpools = entry.facts.get("needs_indices", False)
    encoder: list[nn.Module] = [*conv(entering, widths[0], norm=norm), *refine(0, down=True)]
    for stage, (narrow, wide) in enumerate(pairwise(widths), 1):
        encoder += [
            nn.MaxPool2d(2, return_indices=unpools),
            *conv(narrow, wide, norm=norm),
            *refine(stage, down=True),
        ]
    decoding: list[nn.Module] = []
    unpooling: list[int] = []
    joining: list[int] = []
    held = widths[-1]
    for stage, mirrored, chosen in zip(
        reversed(range(len(pooled))), pooled, decoder_widths or pooled, strict=True
    ):
        doubled = mirrored if unpools else chosen
        unpooling += [len(decoding)] * unpools
        decoding += [entry.build(held, doubled, bias=False), *activation(doubled, norm=norm)]
        joining += [len(decoding)] * skips
        decoding += [
            *conv(doubled + mirrored * skips, chosen, norm=norm),
            *refine(stage, down=False),
        ]
        held = chosen
    decoding.append(nn.Conv2d(held, leaving, 3, padding=1, bias=norm))
    return Mirror(encoder, decoding, unpooling, joining)


def check_sizes(sizes: list[tuple[str, int]]) -> None:
    """Raise ValueError that names the first size below 1."""
    for name, value in sizes:
        if value < 1:
            raise ValueError(f"{name} is {value}; it must be at least 1")
