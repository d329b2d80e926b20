"""`python -m denoise.precision`: measure the PSNR change of networks in bfloat16.

The images are held out of training.

Training writes the result into the card of the weights; this command adds it to older cards.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from denoise import cli, datasets
from denoise.datasets import Pictures
from denoise.files import json_files
from denoise.files.atomic import whole_file
from denoise.hardware import has_bfloat16
from denoise.inference.backends import lower
from denoise.models import weights
from denoise.models.base import AnySize
from denoise.train.settings import Settings
from denoise.train.validate import validate

log = logging.getLogger("denoise.train.bf16")


def mixed(
    network: AnySize, pictures: Pictures, settings: Settings, right: dict[float, float]
) -> dict[str, Any]:
    """Measure the change of the mean PSNR of held-out images in bfloat16, in dB, by noise level.

    Parameters
    ----------
    network : AnySize
    pictures : Pictures
        Images held out of training.
    settings : Settings
        Settings of the training.
    right : dict
        Result of `validate` for the network in float32.

    Returns
    -------
    dict
        Entries for the card. `weights.BFLOAT16` is None on a device without bfloat16 arithmetic,
        which would be slow. The value is also None for a network that fails in bfloat16; the log
        gives the reason. `weights.FLOAT32`, the layers to leave in float32, is empty.
    """
    held: dict[str, Any] = {weights.BFLOAT16: None, weights.FLOAT32: []}
    if not has_bfloat16(next(network.parameters()).device):
        return held
    try:
        rounded = validate(lower(network.eval(), "aten", torch.bfloat16), pictures, settings)
    except (ValueError, RuntimeError, TypeError) as error:
        log.warning("no inference in bfloat16: %s", cli.one_line(error))
        return held
    return held | {
        weights.BFLOAT16: {f"{level:g}": round(rounded[level] - right[level], 4) for level in right}
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Add the PSNR change by bfloat16 to the cards of weights."""
    parser = cli.Parser(prog="python -m denoise.precision", description=__doc__.splitlines()[0])
    parser.add_argument(
        "weights",
        nargs="*",
        default=weights.names(),
        help="shipped names or .safetensors files (default: all shipped names)",
    )
    parser.add_argument(
        "--data-root", type=Path, help="folder of all data (default: $DENOISE_DATA, else the cache)"
    )
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if not has_bfloat16(torch.device("cpu")):
        raise ValueError(
            "this processor has no bfloat16 arithmetic; valid: a processor with AMX or AVX-512 BF16"
        )
    for path in map(weights.locate, given.weights):
        _measure(path, given.data_root)


def _measure(path: Path, root: Path | None) -> None:
    network, card = weights.read(path)
    settings = Settings.of(card)
    held_out = datasets.load(settings.dataset, "val", root)
    held_out = held_out.gray() if settings.channels == 1 else held_out
    card |= mixed(network, held_out, settings, validate(network, held_out, settings))
    if card[weights.BFLOAT16] is None:
        raise ValueError(f"{path.stem} cannot be evaluated in bfloat16")
    with whole_file(path.with_suffix(".json")) as partial:
        partial.write_text(json_files.text(card, indent=2) + "\n")
    changes = ", ".join(
        f"{value:+.4f} dB at {level}" for level, value in card[weights.BFLOAT16].items()
    )
    log.info("%s: %s", path.stem, changes)
