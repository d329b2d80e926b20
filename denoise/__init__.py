"""Denoising autoencoders with every upsampling decoder: train them, load them, compare them.

>>> import denoise
>>> clean = denoise.load("mnist-nearest")(noisy)  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from denoise.engine import Denoiser, load
    from denoise.fusion import fuse
    from denoise.weights import names

__version__ = "0.1.0"
__all__ = ["Denoiser", "fuse", "load", "names"]


def __getattr__(name: str) -> Any:
    # torch takes seconds to import: a command line that only shows its help should not wait for it.
    if name not in __all__:
        raise AttributeError(f"module 'denoise' has no attribute {name!r}")
    from denoise import engine, fusion, weights

    return getattr({"fuse": fusion, "names": weights}.get(name, engine), name)
