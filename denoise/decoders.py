"""Every upsampling stage, side by side: the one thing that the project compares.

A decoder is a function `(in_channels, out_channels, *, bias=True) -> nn.Module`. The module doubles height and
width: (N, in_channels, H, W) -> (N, out_channels, 2H, 2W), and is linear: normalisation and activation follow it.

References
----------
Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016. https://arxiv.org/abs/1603.07285
Odena, Dumoulin and Olah, "Deconvolution and Checkerboard Artifacts", Distill, 2016.
https://distill.pub/2016/deconv-checkerboard/
"""

from __future__ import annotations

from torch import nn

from denoise.registry import Registry

DECODERS = Registry("decoder")


@DECODERS.register("nearest", label="Upsampling nearest + conv 3x3", colour="#0072b2")
def nearest(in_channels: int, out_channels: int, *, bias: bool = True) -> nn.Module:
    """Repeat each value in a 2x2 cell, then convolve: Keras `UpSampling2D()` + `Conv2D(3)`."""
    return nn.Sequential(
        nn.Upsample(scale_factor=2, mode="nearest"),
        nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=bias),
    )


@DECODERS.register("conv_nearest", label="Conv 3x3 + upsampling nearest", colour="#56b4e9")
def conv_nearest(in_channels: int, out_channels: int, *, bias: bool = True) -> nn.Module:
    """Convolve at low resolution, then repeat: the order of the Keras blog; the output is constant in 2x2 cells."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=bias),
        nn.Upsample(scale_factor=2, mode="nearest"),
    )


@DECODERS.register("bilinear", label="Upsampling bilinear + conv 3x3", colour="#009e73")
def bilinear(in_channels: int, out_channels: int, *, bias: bool = True) -> nn.Module:
    """Interpolate between pixel centres, then convolve: Keras `UpSampling2D(interpolation="bilinear")`."""
    return nn.Sequential(
        nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False),
        nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=bias),
    )


@DECODERS.register("transposed_k3", label="Transposed conv 3x3", colour="#d55e00", aliases=("transposed",))
def transposed_k3(in_channels: int, out_channels: int, *, bias: bool = True) -> nn.Module:
    """Kernel 3, stride 2: Keras `Conv2DTranspose(3, strides=2, padding="same")`.

    Kernels overlap in every second row and column, so the four phases of a 2x2 cell sum 1, 2, 2 and 4 taps: the
    uneven overlap that Odena et al. blame for checkerboards. PyTorch crops at the start and Keras at the end, a shift
    of one pixel: harmless when training from scratch, wrong when loading Keras weights.
    """
    return nn.ConvTranspose2d(in_channels, out_channels, 3, stride=2, padding=1, output_padding=1, bias=bias)


@DECODERS.register("transposed_k4", label="Transposed conv 4x4", colour="#cc79a7")
def transposed_k4(in_channels: int, out_channels: int, *, bias: bool = True) -> nn.Module:
    """Kernel 4, stride 2: the kernel is a multiple of the stride, so all four phases sum 4 taps."""
    return nn.ConvTranspose2d(in_channels, out_channels, 4, stride=2, padding=1, bias=bias)
