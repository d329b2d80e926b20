"""Denoising autoencoders with every upsampling decoder: training, inference and comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from denoise.graph.deploy import deploy
    from denoise.graph.fusion import fuse
    from denoise.inference.engine import Denoiser, load
    from denoise.models.weights import names

__version__ = "0.2.0"
__all__ = ["Denoiser", "deploy", "fuse", "load", "names"]


def __getattr__(name: str) -> Any:
    # torch takes seconds to import: a command line that only shows its help must not wait for it.
    if name not in __all__:
        raise AttributeError(f"module 'denoise' has no attribute {name!r}")
    from denoise.graph import deploy, fusion
    from denoise.inference import engine
    from denoise.models import weights

    return getattr({"deploy": deploy, "fuse": fusion, "names": weights}.get(name, engine), name)
