"""An encoder and a decoder that mirrors it, with skip connections or without: the body of autoencoder and U-Net."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from denoise.decoders import DECODERS


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
            pools = isinstance(layer, nn.MaxPool2d)
            if pools:
                features.append(x)
            x = layer(x)
            if pools and layer.return_indices:
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


def conv(in_channels: int, out_channels: int, *, norm: bool = True) -> list[nn.Module]:
    """A 3x3 convolution and what follows it. Its bias would be undone by the normalisation; without one there is none
    either, so that the network is bias-free."""
    return [nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False), *activation(out_channels, norm=norm)]


class ResidualBlock(nn.Module):
    """Two convolutions whose answer is added to what they were given (He et al. 2016, https://arxiv.org/abs/1512.03385;
    without a ReLU after the sum, as for restoration by Lim et al., EDSR, 2017, https://arxiv.org/abs/1707.02921)."""

    def __init__(self, channels: int, *, norm: bool = True) -> None:
        super().__init__()
        self.branch = nn.Sequential(*conv(channels, channels, norm=norm), *conv(channels, channels, norm=norm)[:-1])

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x)


def activation(channels: int, *, norm: bool = True) -> list[nn.Module]:
    return [*([nn.BatchNorm2d(channels)] if norm else []), nn.ReLU(inplace=True)]


def mirror(
    entering: int, leaving: int, decoder: str, widths: Sequence[int], decoder_widths: Sequence[int], *,
    skips: bool, norm: bool = True, blocks: Sequence[int] = (),
) -> Mirror:  # fmt: skip
    """Build a `Mirror` with two convolutions a stage of the encoder, or one and residual blocks in every stage.

    Parameters
    ----------
    entering, leaving : int
        Channels of what comes in, and of what goes out.
    decoder : str
        A name of `DECODERS`.
    widths : sequence of int
        Channels of each stage of the encoder, the first at full size, a pooling between any two.
    decoder_widths : sequence of int
        Channels of each upsampling stage, from the code to the picture; empty: those of the encoder, mirrored. A stage
        that unpools keeps the encoder's channels, for which it has positions; the convolution after it takes these.
    skips : bool
        What the encoder saw at each size reaches the decoder past the code.
    norm : bool
        Batch normalisation after each convolution; without it nothing anywhere adds a constant.
    blocks : sequence of int
        Residual blocks of each size, the full one first, on the way down and again on the way up, each time behind the
        first convolution; empty: none, but a second convolution on the way down.

    Raises
    ------
    UnknownName
        No decoder of that name.
    ValueError
        A size below 1, or a number of decoder widths that is not the number of poolings, or one of numbers of blocks
        that is not one more.
    """
    check_sizes([("channels", leaving), ("width", min(widths, default=0)), ("depth", len(widths) - 1)])
    check_sizes([("a decoder width", value) for value in decoder_widths])
    pooled = widths[-2::-1]
    if decoder_widths and len(decoder_widths) != len(pooled):
        raise ValueError(f"{len(decoder_widths)} decoder widths for depth {len(pooled)}; valid: {len(pooled)}, or none")
    if blocks and (len(blocks) != len(widths) or min(blocks) < 0):
        raise ValueError(f"blocks are {[*blocks]}; valid at depth {len(pooled)}: {len(widths)} numbers, none below 0")

    def refine(stage: int, *, down: bool) -> list[nn.Module]:
        """What follows the first convolution of a size."""
        if not blocks:
            return conv(widths[stage], widths[stage], norm=norm) if down else []
        width = widths[stage] if down or not decoder_widths else decoder_widths[-1 - stage]
        return [ResidualBlock(width, norm=norm) for _ in range(blocks[stage])]

    entry = DECODERS[decoder]
    unpools = entry.facts.get("needs_indices", False)
    encoder: list[nn.Module] = [*conv(entering, widths[0], norm=norm), *refine(0, down=True)]
    for stage, (narrow, wide) in enumerate(pairwise(widths), 1):
        encoder += [nn.MaxPool2d(2, return_indices=unpools), *conv(narrow, wide, norm=norm), *refine(stage, down=True)]
    decoding: list[nn.Module] = []
    unpooling: list[int] = []
    joining: list[int] = []
    held = widths[-1]
    for stage, mirrored, chosen in zip(reversed(range(len(pooled))), pooled, decoder_widths or pooled, strict=True):
        doubled = mirrored if unpools else chosen
        unpooling += [len(decoding)] * unpools
        decoding += [entry.build(held, doubled, bias=False), *activation(doubled, norm=norm)]
        joining += [len(decoding)] * skips
        decoding += [*conv(doubled + mirrored * skips, chosen, norm=norm), *refine(stage, down=False)]
        held = chosen
    decoding.append(nn.Conv2d(held, leaving, 3, padding=1, bias=norm))
    return Mirror(encoder, decoding, unpooling, joining)


def check_sizes(sizes: list[tuple[str, int]]) -> None:
    for name, value in sizes:
        if value < 1:
            raise ValueError(f"{name} is {value}; it must be at least 1")
