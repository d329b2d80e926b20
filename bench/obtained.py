"""Weights that a result rests on: trained where they are missing, refused where they were trained otherwise."""

from __future__ import annotations

from pathlib import Path

from denoise import engine, train
from denoise.settings import Settings


def obtain(
    path: Path,
    settings: Settings,
    root: Path | None,
    every: int,
    *,
    validation: int | None = None,
    show: bool = True,
) -> engine.Denoiser:
    """The denoiser whose weights are `path`, trained by `settings` unless it is there.

    The other parameters are those of `denoise.train.train`.

    Raises
    ------
    ValueError
        The file was trained by other settings; it is left as it is.
    """
    if not path.with_suffix(".json").exists():  # the card is written after the weights, so the card tells
        train.train(settings, path.parent, root, every, name=path.stem, validation=validation, show=show)
    denoiser = engine.load(path, precision="float32")
    try:
        held = Settings.of(denoiser.card).plain()
    except ValueError as error:
        raise ValueError(f"{path}: {error}; it is left as it is") from error
    differing = [name for name, value in settings.plain().items() if held[name] != value]
    if differing:
        what = ", ".join(f"{name} {held[name]!r}, not {settings.plain()[name]!r}" for name in differing)
        raise ValueError(f"{path} was trained by other settings ({what}); it is left as it is")
    return denoiser
