"""Denoising autoencoders with every upsampling decoder: train them, load them, compare them.

>>> import denoise
>>> clean = denoise.load("mnist-nearest")(noisy)  # doctest: +SKIP
"""

from denoise.engine import Denoiser, load
from denoise.weights import names

__version__ = "0.1.0"
__all__ = ["Denoiser", "load", "names"]
