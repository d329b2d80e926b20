"""Weights behind a result: trained if missing, rejected if trained with other settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from denoise.inference import engine
from denoise.train import loop
from denoise.train.settings import Settings


def obtain(
    path: Path,
    settings: Settings,
    root: Path | None,
    every: int,
    *,
    validation: int | None = None,
    show: bool = True,
    lengths: Mapping[int, str] | None = None,
) -> engine.Denoiser:
    """Load the denoiser from `path`; train it with `settings` first if it is missing.

    The remaining parameters are passed to `denoise.train.loop.train`.

    Raises
    ------
    ValueError
        The weights were trained with other settings; the file is not changed.
    """
    # the card is written after the weights, so it marks them complete
    if not path.with_suffix(".json").exists():
        loop.train(
            settings,
            path.parent,
            root,
            every,
            name=path.stem,
            validation=validation,
            show=show,
            lengths=lengths,
        )
    denoiser = engine.load(path, precision="float32")
    try:
        held = Settings.of(denoiser.card).plain()
    except ValueError as error:
        raise ValueError(f"{path}: {error}; the file is not changed") from error
    differing = [name for name, value in settings.plain().items() if held[name] != value]
    if differing:
        problems = ", ".join(
            f"{name} {held[name]!r}, not {settings.plain()[name]!r}" for name in differing
        )
        raise ValueError(
            f"{path} was trained with other settings ({problems}); the file is not changed"
        )
    return denoiser
