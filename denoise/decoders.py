"""Decoders: every upsampling stage that the project compares.

A decoder is a function `(in_channels, out_channels, *, bias=True) -> nn.Module`. The module doubles
height and width: (N, in_channels, H, W) -> (N, out_channels, 2H, 2W). Normalization and activation
follow the module. If the registry entry has `needs_indices`, the module takes a second argument,
the positions of the pooling's maxima.

Every module but `dysample` is linear. Every module but `dysample` and `max_unpool` equals one
transposed convolution of stride 2. The weights of its kernel are tied: computed from fewer weights,
or from as many in another form. The registry entry's `kernel` is the kernel's size. The bilinear
decoders equal it only inside the image, because interpolation repeats the border pixels.

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
Sugawara, Shiota and Kiya, "Super-Resolution Using Convolutional Neural Networks Without Any
Checkerboard Artifacts", ICIP 2018. https://arxiv.org/abs/1806.02658
Wojna et al., "The Devil is in the Decoder: Classification, Regression and GANs", 2017.
https://arxiv.org/abs/1707.05847
Howard et al., "MobileNets", 2017 (depthwise separable convolution). https://arxiv.org/abs/1704.04861
Agnihotri, Grabinski and Keuper, "Improving Feature Stability during Upsampling", 2023 (large
transposed kernels with a parallel small one). https://arxiv.org/abs/2311.17524
Liu, Lu, Fu and Cao, "Learning to Upsample by Learning to Sample", ICCV 2023 (DySample).
https://arxiv.org/abs/2308.15085
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from denoise.registry import Registry

DECODERS = Registry("decoder")
"""Registry of decoders.

Fact `needs_indices`: the stage takes the positions from max-pooling, (N, C, H, W) int64. Fact
`kernel`: size of the equal transposed convolution; absent if there is none. Fact `reach`: distance
from an output value to the farthest input value that it depends on, in input pixels (default: 1).
Fact `linear`: False if the stage is not linear (default: True).
"""


@DECODERS.register("nearest", label="Upsampling nearest + conv 3x3", colour="#0072b2", kernel=4)
def nearest(in_channels: int, out_channels: int, *, bias: bool = True) -> nn.Module:
    """Repeat each value in a 2x2 cell, then convolve: Keras `UpSampling2D()` + `Conv2D(3)`."""
    return nn.Sequential(
        nn.Upsample(scale_factor=2, mode="nearest"),
        nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=bias),
    )


@DECODERS.register(
    "conv_nearest", label="Conv 3x3 + upsampling nearest", colour="#56b4e9", kernel=6
)
def conv_nearest(in_channels: int, out_channels: int, *, bias: bool = True) -> nn.Module:
    """Convolve at low resolution, then repeat, in the order of the Keras blog.

    The output is constant in 2x2 cells.
    """
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=bias),
        nn.Upsample(scale_factor=2, mode="nearest"),
    )


@DECODERS.register("bilinear", label="Upsampling bilinear + conv 3x3", colour="#009e73", kernel=6)
def bilinear(in_channels: int, out_channels: int, *, bias: bool = True) -> nn.Module:
    """Interpolate between pixel centers, then convolve.

    Keras: `UpSampling2D(interpolation="bilinear")` + `Conv2D(3)`.
    """
    return nn.Sequential(
        nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False),
        nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=bias),
    )


@DECODERS.register("transposed_k2", label="Transposed conv 2x2", colour="#e69f00", kernel=2)
def transposed_k2(in_channels: int, out_channels: int, *, bias: bool = True) -> nn.Module:
    """Apply kernel 2, stride 2, as in U-Net: each code value fills one 2x2 cell without overlap.

    The stage equals a 1x1 sub-pixel convolution.
    """
    return nn.ConvTranspose2d(in_channels, out_channels, 2, stride=2, bias=bias)


@DECODERS.register(
    "transposed_k3",
    label="Transposed conv 3x3",
    colour="#d55e00",
    aliases=("transposed",),
    kernel=3,
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


@DECODERS.register("transposed_k4", label="Transposed conv 4x4", colour="#cc79a7", kernel=4)
def transposed_k4(in_channels: int, out_channels: int, *, bias: bool = True) -> nn.Module:
    """Apply kernel 4, stride 2.

    The kernel is a multiple of the stride, so all four phases of a 2x2 cell sum 4 taps.
    """
    return nn.ConvTranspose2d(in_channels, out_channels, 4, stride=2, padding=1, bias=bias)


@DECODERS.register("pixel_shuffle", label="Sub-pixel conv 3x3", colour="#332288", kernel=6)
def pixel_shuffle(in_channels: int, out_channels: int, *, bias: bool = True) -> nn.Module:
    """Convolve to four times the channels, then place each four in a 2x2 cell (Shi et al.)."""
    return nn.Sequential(
        nn.Conv2d(in_channels, 4 * out_channels, 3, padding=1, bias=bias),
        nn.PixelShuffle(2),
    )


@DECODERS.register(
    "pixel_shuffle_icnr", label="Sub-pixel conv 3x3, ICNR", colour="#882255", kernel=6
)
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


class Tied(nn.Module):
    """Transposed convolution of stride 2 whose kernel is computed from other weights.

    Parameters
    ----------
    size : int
        Height and width of the kernel that `kernel` returns. The output of a kernel of odd size has
        its extra pixel at the end.
    out_channels : int
        Output channels.
    bias : bool
        Add a bias to each output channel.
    """

    def __init__(self, size: int, out_channels: int, bias: bool) -> None:
        super().__init__()
        self.geometry = {"stride": 2, "padding": (size - 1) // 2, "output_padding": size % 2}
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None

    def kernel(self) -> Tensor:
        """Compute the kernel, (in_channels, out_channels, size, size)."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Convolve, (N, in_channels, H, W) -> (N, out_channels, 2H, 2W)."""
        return F.conv_transpose2d(x, self.kernel(), self.bias, **self.geometry)

    @torch.no_grad()
    def untied(self) -> nn.ConvTranspose2d:
        """Return the equal transposed convolution, with weights of its own."""
        weight = self.kernel()
        # without initial weights, which would advance the global random generator
        layer = nn.utils.skip_init(
            nn.ConvTranspose2d, *weight.shape[:3], **self.geometry, bias=self.bias is not None,
            device=weight.device, dtype=weight.dtype,
        )  # fmt: skip
        layer.weight.copy_(weight)
        if self.bias is not None:
            layer.bias.copy_(self.bias)
        return layer.train(self.training)


def _weight(in_channels: int, out_channels: int, size: int) -> nn.Parameter:
    """Return the initial weight of a transposed convolution."""
    layer = nn.ConvTranspose2d(in_channels, out_channels, size, stride=2, bias=False)
    return nn.Parameter(layer.weight.detach())


class _Boxed(Tied):
    def __init__(self, in_channels: int, out_channels: int, bias: bool) -> None:
        super().__init__(5, out_channels, bias)
        self.weight = _weight(in_channels, out_channels, 4)

    def kernel(self) -> Tensor:
        return F.avg_pool2d(F.pad(self.weight, (1, 1, 1, 1)), 2, stride=1)


@DECODERS.register(
    "transposed_k4_box", label="Transposed conv 4x4 + box 2x2", colour="#a05195", kernel=5
)
def transposed_k4_box(in_channels: int, out_channels: int, *, bias: bool = True) -> nn.Module:
    """Apply kernel 4, stride 2, then the mean of every 2x2 output values (Sugawara et al. 2018).

    The filter removes period 2 from the response to a constant code, for any weights: there is no
    checkerboard by construction. Both steps are one transposed convolution 5x5.
    """
    return _Boxed(in_channels, out_channels, bias)


class _Parallel(Tied):
    def __init__(self, in_channels: int, out_channels: int, bias: bool) -> None:
        super().__init__(8, out_channels, bias)
        self.large = _weight(in_channels, out_channels, 8)
        self.small = _weight(in_channels, out_channels, 3)

    def kernel(self) -> Tensor:
        # the small kernel's first output pixel is the large kernel's third
        return self.large + F.pad(self.small, (2, 3, 2, 3))


@DECODERS.register(
    "transposed_k8_k3",
    label="Transposed conv 8x8 + 3x3",
    colour="#7a5c00",
    kernel=8,
    reach=2,
)
def transposed_k8_k3(in_channels: int, out_channels: int, *, bias: bool = True) -> nn.Module:
    """Add transposed convolutions 8x8 and 3x3 of the same input (Agnihotri et al. 2023).

    The large kernel gives each output pixel a context of 4x4 inputs; the small one keeps detail.
    """
    return _Parallel(in_channels, out_channels, bias)


# mean, horizontal, vertical and diagonal detail of a 2x2 cell: rows of an orthogonal matrix
HAAR = (
    (0.5, 0.5, 0.5, 0.5),
    (0.5, -0.5, 0.5, -0.5),
    (0.5, 0.5, -0.5, -0.5),
    (0.5, -0.5, -0.5, 0.5),
)


class _Haar(Tied):
    def __init__(self, in_channels: int, out_channels: int, bias: bool) -> None:
        super().__init__(2, out_channels, bias)
        self.weight = nn.Conv2d(in_channels, 4 * out_channels, 1, bias=False).weight

    def kernel(self) -> Tensor:
        bands = self.weight.view(-1, 4, self.weight.shape[1])  # (out, band, in)
        return torch.einsum("obi,bp->iop", bands, bands.new_tensor(HAAR)).unflatten(2, (2, 2))


@DECODERS.register("haar", label="Conv 1x1 + inverse Haar", colour="#00838f", kernel=2)
def haar(in_channels: int, out_channels: int, *, bias: bool = True) -> nn.Module:
    """Convolve 1x1 to the four Haar bands of each output channel, then invert the transform.

    The stage has the functions of `transposed_k2`; only its weights have another basis.
    """
    return _Haar(in_channels, out_channels, bias)


@DECODERS.register(
    "nearest_separable", label="Upsampling nearest + separable conv", colour="#8d6e63", kernel=4
)
def nearest_separable(in_channels: int, out_channels: int, *, bias: bool = True) -> nn.Module:
    """Repeat each value in a 2x2 cell, then convolve depthwise 3x3 and pointwise 1x1.

    Keras: `UpSampling2D()` + `SeparableConv2D(3)`. The equal transposed 4x4 has one spatial kernel
    for each input channel, the same for every output channel.
    """
    return nn.Sequential(
        nn.Upsample(scale_factor=2, mode="nearest"),
        nn.Conv2d(in_channels, in_channels, 3, padding=1, groups=in_channels, bias=False),
        nn.Conv2d(in_channels, out_channels, 1, bias=bias),
    )


SUMMED = 4  # adjacent channels that bilinear additive upsampling adds up


class _BilinearAdditive(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, bias: bool) -> None:
        super().__init__()
        self.missing = -in_channels % SUMMED
        self.upsample = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
        groups = (in_channels + self.missing) // SUMMED
        self.conv = nn.Conv2d(groups, out_channels, 3, padding=1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        # sums and interpolation commute; sums first leave a quarter of the values to interpolate
        sums = F.pad(x, (0, 0, 0, 0, 0, self.missing)).unflatten(1, (-1, SUMMED)).sum(2)
        return self.conv(self.upsample(sums))


@DECODERS.register(
    "bilinear_additive", label="Bilinear additive + conv 3x3", colour="#6b8e23", kernel=6
)
def bilinear_additive(in_channels: int, out_channels: int, *, bias: bool = True) -> nn.Module:
    """Interpolate, add up every four adjacent channels, then convolve (Wojna et al. 2017).

    The sums have no weights. The last group has fewer channels if `in_channels` is no multiple of
    4. The equal transposed 6x6 has the same kernel for the channels of a group.
    """
    return _BilinearAdditive(in_channels, out_channels, bias)


class DySample(nn.Module):
    """Sampling at learned positions: (N, channels, H, W) -> (N, channels, 2H, 2W).

    A 1x1 convolution computes one offset for each output pixel and group of channels.
    """

    def __init__(self, channels: int, bias: bool) -> None:
        super().__init__()
        self.groups = math.gcd(channels, 4)
        self.offset = nn.Conv2d(channels, 2 * self.groups * 4, 1, bias=bias)
        nn.init.normal_(self.offset.weight, std=0.001)

    def forward(self, x: Tensor) -> Tensor:
        """Sample between the pixels of each group; positions outside take the border pixel."""
        height, width = x.shape[-2:]
        # offsets in input pixels: (N, 2 * groups, 2H, 2W), x before y
        moved = F.pixel_shuffle(0.25 * self.offset(x), 2).clamp(-1, 1)
        moved = moved.unflatten(1, (self.groups, 2)).flatten(0, 1)  # (N * groups, 2, 2H, 2W)
        grid = _centers(x, height, width) + moved
        scale = x.new_tensor([2 / width, 2 / height]).view(1, 2, 1, 1)
        grid = (scale * grid - 1).permute(0, 2, 3, 1)
        values = x.unflatten(1, (self.groups, -1)).flatten(0, 1)
        sampled = F.grid_sample(
            values, grid, mode="bilinear", padding_mode="border", align_corners=False
        )
        return sampled.unflatten(0, (-1, self.groups)).flatten(1, 2)


def _centers(x: Tensor, height: int, width: int) -> Tensor:
    """Return the centers of the output pixels in input pixels, (1, 2, 2H, 2W), x before y."""
    rows = (torch.arange(2 * height, device=x.device, dtype=x.dtype) + 0.5) / 2
    columns = (torch.arange(2 * width, device=x.device, dtype=x.dtype) + 0.5) / 2
    return torch.stack(torch.meshgrid(columns, rows, indexing="xy"))[None]


@DECODERS.register("dysample", label="DySample + conv 3x3", colour="#c2185b", reach=2, linear=False)
def dysample(in_channels: int, out_channels: int, *, bias: bool = True) -> nn.Module:
    """Interpolate at positions that a 1x1 convolution of the input moves, then convolve.

    DySample of Liu et al. 2023 with its constant scale of 0.25 and four groups of channels, or as
    many as divide `in_channels`. Unlike the paper's, an offset is at most one input pixel, so that
    large images can be computed in tiles. Initial offsets are about 0: the first output is that of
    `bilinear`.
    """
    return nn.Sequential(
        DySample(in_channels, bias),
        nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=bias),
    )
