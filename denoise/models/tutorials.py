"""Denoising autoencoders of well-known tutorials, layer by layer, as fixed architectures.

References
----------
K1  Keras, "Convolutional autoencoder for image denoising". https://keras.io/examples/vision/autoencoder/
K2  Chollet, "Building Autoencoders in Keras", 2016. https://blog.keras.io/building-autoencoders-in-keras.html
K2_resize  K2 with the upsampling before the convolution, as Odena, Dumoulin and Olah advise, 2016.
T1  TensorFlow, "Intro to Autoencoders". https://www.tensorflow.org/tutorials/generative/autoencoder
U1  Udacity deep learning, "Denoising Autoencoder".
    https://github.com/udacity/deep-learning-v2-pytorch/tree/master/autoencoder/denoising-autoencoder
"""

from __future__ import annotations

from torch import nn

from denoise.decoders import DECODERS
from denoise.models.base import ARCHITECTURES, AnySize


def _keras(channels: int, decoder: str) -> AnySize:
    """Build two convolution and pooling stages, two upsampling stages, and a last convolution.

    Every inner layer has 32 channels.
    """
    upsample = DECODERS[decoder].build
    layers = [
        *(nn.Conv2d(channels, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(upsample(32, 32), nn.ReLU()),
        *(upsample(32, 32), nn.ReLU()),
        nn.Conv2d(32, channels, 3, padding=1),
    ]
    return AnySize(nn.Sequential(*layers), multiple=4)


@ARCHITECTURES.register("K1", label="Keras example (transposed 3x3)")
def k1(channels: int = 1) -> AnySize:
    """Build the Keras example: both upsampling stages are `Conv2DTranspose(32, 3, strides=2)`."""
    return _keras(channels, "transposed_k3")


@ARCHITECTURES.register("K2", label="Keras blog (conv before nearest)")
def k2(channels: int = 1) -> AnySize:
    """Build the Keras blog's network: `Conv2D(32, 3)` and then `UpSampling2D()`, twice."""
    return _keras(channels, "conv_nearest")


@ARCHITECTURES.register(
    "K2_resize", label="Resize-convolution (nearest before conv)", aliases=("K2'",)
)
def k2_resize(channels: int = 1) -> AnySize:
    """Build K2 with `UpSampling2D()` before `Conv2D(32, 3)`."""
    return _keras(channels, "nearest")


@ARCHITECTURES.register("T1", label="TensorFlow tutorial (strided, transposed 3x3)")
def t1(channels: int = 1) -> AnySize:
    """Build two strided and two transposed convolutions, with 8 channels at the code."""
    upsample = DECODERS["transposed_k3"].build
    layers = [
        *(nn.Conv2d(channels, 16, 3, stride=2, padding=1), nn.ReLU()),
        *(nn.Conv2d(16, 8, 3, stride=2, padding=1), nn.ReLU()),
        *(upsample(8, 8), nn.ReLU()),
        *(upsample(8, 16), nn.ReLU()),
        nn.Conv2d(16, channels, 3, padding=1),
    ]
    return AnySize(nn.Sequential(*layers), multiple=4)


@ARCHITECTURES.register("U1", label="Udacity ConvDenoiser (transposed 3x3, 2x2, 2x2)")
def u1(channels: int = 1) -> AnySize:
    """Build three poolings (28 -> 14 -> 7 -> 3), and three transposed convolutions.

    A transposed 3x3 leads from 3 to 7 pixels, two transposed 2x2 lead from 7 to 28.

    The transposed 3x3 has no padding.
    """
    layers = [
        *(nn.Conv2d(channels, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.ConvTranspose2d(8, 8, 3, stride=2), nn.ReLU()),
        *(nn.ConvTranspose2d(8, 16, 2, stride=2), nn.ReLU()),
        *(nn.ConvTranspose2d(16, 32, 2, stride=2), nn.ReLU()),
        nn.Conv2d(32, channels, 3, padding=1),
    ]
    # Output and input sizes are equal only for multiples of 4 with an odd quotient, such as 28: 4
    # more than a multiple of 8.
    return AnySize(nn.Sequential(*layers), multiple=8, remainder=4, minimum=12)
