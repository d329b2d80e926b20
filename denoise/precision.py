"""`python -m denoise.precision`: whether networks can be run in bfloat16, told from pictures held out of training.

Training writes it into the card of the weights; this command adds it to cards from before.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from denoise import commandline, datasets, json_files, weights
from denoise.anysize import AnySize
from denoise.datasets import Pictures
from denoise.files import whole_file
from denoise.lowering import lower
from denoise.machine import has_bfloat16
from denoise.settings import Settings
from denoise.validation import validate

log = logging.getLogger("denoise.precision")


def mixed(network: AnySize, pictures: Pictures, settings: Settings, right: dict[float, float]) -> dict[str, Any]:
    """Return what a card says of bfloat16: by how many dB it moves the mean PSNR of held-out images, by level of noise.

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
        network that cannot be run so, of which the log says why. `weights.FLOAT32`, the layers to leave in float32,
        is empty.
    """
    held = {weights.BFLOAT16: None, weights.FLOAT32: []}
    if not has_bfloat16(next(network.parameters()).device):
        return held
    try:
        rounded = validate(lower(network.eval(), "aten", torch.bfloat16), pictures, settings)
    except (ValueError, RuntimeError, TypeError) as error:
        log.warning("not run in bfloat16: %s", commandline.one_line(error))
        return held
    return held | {weights.BFLOAT16: {f"{level:g}": round(rounded[level] - right[level], 4) for level in right}}


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
    log.info("%s: %s", path.stem, changes)


if __name__ == "__main__":
    commandline.run(main)
