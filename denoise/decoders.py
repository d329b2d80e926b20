"""Decoders: every upsampling stage that the project compares.

A decoder is a function `(in_channels, out_channels, *, bias=True) -> nn.Module`. The module doubles
height and width: (N, in_channels, H, W) -> (N, out_channels, 2H, 2W). The module is linear:
normalization and activation follow the module. If the registry entry has `needs_indices`, the
module takes a second argument, the positions of the pooling's maxima.

References
----------
Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016. https://arxiv.org/abs/1603.07285
Odena, Dumoulin and Olah, "Deconvolution and Checkerboard Artifacts", Distill, 2016.
https://distill.pub/2016/deconv-checkerboard/
Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel CNN",
CVPR 2016.
Aitken et al., "Checkerboard artifact free sub-pixel convolution", 2017. https://arxiv.org/abs/1707.02937
Badrinarayanan, Kendall and Cipolla, "SegNet", 2017 (unpooling with recorded positions, after
Zeiler et al. 2011).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from denoise.registry import Registry

DECODERS = Registry("decoder")
"""Registry of decoders.

Fact `needs_indices`: the stage takes the positions from max-pooling, (N, C, H, W) int64.
"""


@DECODERS.register("nearest", label="Upsampling nearest + conv 3x3", colour="#0072b2")
def nearest(in_channels: int, out_channels: int, *, bias: bool = True) -> nn.Module:
    """Repeat each value in a 2x2 cell, then convolve: Keras `UpSampling2D()` + `Conv2D(3)`."""
    return nn.Sequential(
        nn.Upsample(scale_factor=2, mode="nearest"),
        nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=bias),
    )


@DECODERS.register("conv_nearest", label="Conv 3x3 + upsampling nearest", colour="#56b4e9")
def conv_nearest(in_channels: int, out_channels: int, *, bias: bool = True) -> nn.Module:
    """Convolve at low resolution, then repeat, in the order of the Keras blog.

    The output is constant in 2x2 cells.
    """
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=bias),
        nn.Upsample(scale_factor=2, mode="nearest"),
    )


@DECODERS.register("bilinear", label="Upsampling bilinear + conv 3x3", colour="#009e73")
def bilinear(in_channels: int, out_channels: int, *, bias: bool = True) -> nn.Module:
    """Interpolate between pixel centers, then convolve.

    Keras: `UpSampling2D(interpolation="bilinear")` + `Conv2D(3)`.
    """
    return nn.Sequential(
        nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False),
        nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=bias),
    )


@DECODERS.register("transposed_k2", label="Transposed conv 2x2", colour="#e69f00")
def transposed_k2(in_channels: int, out_channels: int, *, bias: bool = True) -> nn.Module:
    """Apply kernel 2, stride 2, as in U-Net: each code value fills one 2x2 cell without overlap.

    The stage equals a 1x1 sub-pixel convolution.
    """
    return nn.ConvTranspose2d(in_channels, out_channels, 2, stride=2, bias=bias)


@DECODERS.register(
    "transposed_k3", label="Transposed conv 3x3", colour="#d55e00", aliases=("transposed",)
)
def transposed_k3(in_channels: int, out_channels: int, *, bias: bool = True) -> nn.Module:
    """Apply kernel 3, stride 2: Keras `Conv2DTranspose(3, strides=2, padding="same")`.

    Kernels overlap in every second row and column, so the four phases of a 2x2 cell sum 1, 2, 2 and
    4 taps. Odena et al. explain checkerboards by this uneven overlap. PyTorch crops at the start
    and Keras at the end, a shift of one pixel. The shift is harmless for training from scratch, but
    wrong for weights from Keras.
    """
    return nn.ConvTranspose2d(
        in_channels, out_channels, 3, stride=2, padding=1, output_padding=1, bias=bias
    )


@DECODERS.register("transposed_k4", label="Transposed conv 4x4", colour="#cc79a7")
def transposed_k4(in_channels: int, out_channels: int, *, bias: bool = True) -> nn.Module:
    """Apply kernel 4, stride 2.

    The kernel is a multiple of the stride, so all four phases of a 2x2 cell sum 4 taps.
    """
    return nn.ConvTranspose2d(in_channels, out_channels, 4, stride=2, padding=1, bias=bias)


@DECODERS.register("pixel_shuffle", label="Sub-pixel conv 3x3", colour="#332288")
def pixel_shuffle(in_channels: int, out_channels: int, *, bias: bool = True) -> nn.Module:
    """Convolve to four times the channels, then place each four in a 2x2 cell (Shi et al.)."""
    return nn.Sequential(
        nn.Conv2d(in_channels, 4 * out_channels, 3, padding=1, bias=bias),
        nn.PixelShuffle(2),
    )


@DECODERS.register("pixel_shuffle_icnr", label="Sub-pixel conv 3x3, ICNR", colour="#882255")
def pixel_shuffle_icnr(in_channels: int, out_channels: int, *, bias: bool = True) -> nn.Module:
    """Build `pixel_shuffle` with equal initial kernels in a cell (Aitken et al. 2017).

    Its initial output equals nearest upsampling.
    """
    stage = pixel_shuffle(in_channels, out_channels, bias=bias)
    with torch.no_grad():
        # (4 * out, ...): the four channels of a cell are adjacent
        for parameter in stage.parameters():
            parameter.copy_(parameter[::4].repeat_interleave(4, dim=0))
    return stage


class _MaxUnpool(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, bias: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=bias)

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        return F.max_unpool2d(self.conv(x), positions, (2, 2))  # positions: (N, out_channels, H, W)


@DECODERS.register(
    "max_unpool", label="Conv 3x3 + max-unpooling", colour="#117733", needs_indices=True
)
def max_unpool(in_channels: int, out_channels: int, *, bias: bool = True) -> nn.Module:
    """Convolve to the channels that were pooled, then place each value at its maximum's position.

    All other values are zero. The positions bypass the code, so this arm has more information about
    the image than any other arm.
    """
    return _MaxUnpool(in_channels, out_channels, bias)
