"""`python -m denoise.precision`: whether networks can be run in bfloat16, told from pictures held out of training.

Training writes it into the card of the weights; this command adds it to cards from before.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import torch

from denoise import commandline, datasets, json_files, weights
from denoise.anysize import AnySize
from denoise.datasets import Pictures
from denoise.files import whole_file
from denoise.fusion import is_convolution
from denoise.lowering import lower
from denoise.machine import has_bfloat16
from denoise.settings import Settings
from denoise.validation import validate

log = logging.getLogger("denoise.precision")


LEFT = 3  # convolutions that stay in float32 at most: of more, there is little left to be quicker
FEW = 4  # pictures from which is told which ones


def mixed(network: AnySize, pictures: Pictures, settings: Settings, right: dict[float, float]) -> dict[str, Any]:
    """What a card says of bfloat16: by how many dB it moves the mean PSNR on held-out pictures, by level of noise, and
    which convolutions are left in float32 so that it is less than `weights.TOLERANCE`: none if none need be, or if
    a few would not do.

    Parameters
    ----------
    network : AnySize
    pictures : Pictures
        Held out of training.
    settings : Settings
        Of the training.
    right : dict
        What `validate` says of the network itself.

    Returns
    -------
    dict
        `weights.BFLOAT16` is None on a device that does not compute in bfloat16, where it would take long; and for a
        network that cannot be run so, of which the log says why.
    """
    if not has_bfloat16(next(network.parameters()).device):
        return {weights.BFLOAT16: None, weights.FLOAT32: []}
    try:
        first = held = {weights.BFLOAT16: _change(network, pictures, settings, right, ()), weights.FLOAT32: []}
        worst = max(right, key=lambda level: abs(held[weights.BFLOAT16][f"{level:g}"]), default=0.0)
        there = dataclasses.replace(settings, sigma=(worst, worst))
        ranked = [] if weights.fits_bfloat16(held) else _most_rounded(network, pictures.spread(FEW), there)
        for count in range(1, 1 + min(LEFT, len(ranked))):
            exact = ranked[:count]
            held = {weights.BFLOAT16: _change(network, pictures, settings, right, exact), weights.FLOAT32: exact}
            if weights.fits_bfloat16(held):
                return held
    except (ValueError, RuntimeError, TypeError) as error:
        log.warning("not run in bfloat16: %s", commandline.one_line(error))
        return {weights.BFLOAT16: None, weights.FLOAT32: []}
    return first


def _change(
    network: AnySize, pictures: Pictures, settings: Settings, right: dict[float, float], exact: Collection[str]
) -> dict[str, float]:
    """By how many dB the mean PSNR moves when all but the convolutions `exact` are run in bfloat16."""
    rounded = validate(lower(network.eval(), "aten", torch.bfloat16, exact), pictures, settings)
    return {f"{level:g}": round(rounded[level] - right[level], 4) for level in right}


def _most_rounded(network: AnySize, pictures: Pictures, settings: Settings) -> list[str]:
    """The convolutions by how much is lost by rounding them beside all others, most first."""
    right = validate(network, pictures, settings)
    named = (name for name, layer in network.net.named_modules() if is_convolution(layer))
    lost = {name: sum(abs(v) for v in _change(network, pictures, settings, right, {name}).values()) for name in named}
    return sorted(lost, key=lost.__getitem__)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = commandline.Parser(prog="python -m denoise.precision", description=__doc__.splitlines()[0])
    parser.add_argument("weights", nargs="*", default=weights.names(), help="names or files (default: all that ship)")
    parser.add_argument("--data-root", type=Path, help="folder of the data (default: $DENOISE_DATA, else the cache)")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if not has_bfloat16(torch.device("cpu")):
        raise ValueError("this processor does not compute in bfloat16 (AMX or AVX-512 BF16): run it on one that does")
    for path in map(weights.locate, given.weights):
        _measure(path, given.data_root)


def _measure(path: Path, root: Path | None) -> None:
    network, card = weights.read(path)
    settings = Settings.of(card)
    held_out = datasets.load(settings.dataset, "val", root)
    held_out = held_out.gray() if settings.channels == 1 else held_out
    card |= mixed(network, held_out, settings, validate(network, held_out, settings))
    if card[weights.BFLOAT16] is None:
        raise ValueError(f"{path.stem} cannot be run in bfloat16")
    with whole_file(path.with_suffix(".json")) as partial:
        partial.write_text(json_files.text(card, indent=2) + "\n")
    changes = ", ".join(f"{value:+.4f} dB at {level}" for level, value in card[weights.BFLOAT16].items())
    log.info("%s: %s; in float32: %s", path.stem, changes, ", ".join(card[weights.FLOAT32]) or "nothing")


if __name__ == "__main__":
    commandline.run(main)
