"""Trained weights by name: a .safetensors file, and a .json card that says how they came to be. Never pickle."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import nn

import denoise.models
import denoise.tutorials  # noqa: F401  registers the tutorial networks
from denoise.anysize import ARCHITECTURES, AnySize
from denoise.decoders import DECODERS
from denoise.files import whole_file
from denoise.registry import UnknownName, unknown

BFLOAT16 = "bfloat16_psnr_change"  # of a card: by how many dB on held-out pictures, by level (`denoise.precision`)
FLOAT32 = "float32_layers"  # of a card: convolutions that were left in float32 for that, by their names in the network
TOLERANCE = 0.01  # dB, of such a change
PRETRAINED = Path(__file__).parent / "pretrained"


def names(folder: Path = PRETRAINED) -> list[str]:
    """The weights in a folder, those that ship with the package by default."""
    return sorted(card.stem for card in folder.glob("*.json") if card.with_suffix(".safetensors").exists())


def save(network: AnySize, card: dict[str, Any], target: Path) -> None:
    """Write `target` (.safetensors) and its card (.json), each whole or not at all.

    `card["architecture"]` must hold what `build` needs; the file's sha256 is added.
    """
    state = {name: value.contiguous() for name, value in network.state_dict().items()}
    with whole_file(target) as partial:
        safetensors.torch.save_file(state, partial)
        card = {**card, "sha256": hashlib.sha256(partial.read_bytes()).hexdigest()}
    with whole_file(target.with_suffix(".json")) as partial:
        partial.write_text(json.dumps(card, indent=2) + "\n")


def locate(name: str | Path) -> Path:
    """The .safetensors file of shipped weights by name, or of a user's own by path.

    A name is `dataset-decoder`; an alias of the decoder will do ("mnist-transposed").

    Raises
    ------
    UnknownName
        No such weights; the valid names are listed.
    """
    text = str(name)
    if text.endswith(".safetensors"):
        if Path(text).is_file():
            return Path(text)
        raise UnknownName(f"no weights at {text}; shipped: {', '.join(names())}")
    dataset, _, decoder = text.partition("-")
    if decoder in DECODERS:
        text = f"{dataset}-{DECODERS[decoder].name}"
    if text not in names():
        raise UnknownName(unknown("weights", str(name), names()))
    return PRETRAINED / f"{text}.safetensors"


def read(path: Path) -> tuple[AnySize, dict[str, Any]]:
    """The network of a weights file, in evaluation mode, and its card.

    Raises
    ------
    ValueError
        The card or the weights are missing, cut short or do not fit each other.
    """
    try:
        card = json.loads(path.with_suffix(".json").read_text())
        network = build(card["architecture"])
        network.load_state_dict(safetensors.torch.load_file(path))
    except FileNotFoundError as error:
        raise ValueError(f"{path}: {error.filename} is missing: weights are a .safetensors and its .json") from error
    except (safetensors.SafetensorError, json.JSONDecodeError, KeyError) as error:
        raise ValueError(f"{path}: not whole ({error}): train again or fetch it again") from error
    except RuntimeError as error:
        raise ValueError(f"{path}: the weights do not fit the architecture that its card names") from error
    return network.eval(), card


def history(card: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    """The trainings behind a network, from the first to the last: with `--start` one goes on from another's weights.

    Returns
    -------
    list of (int, dict)
        How many pictures that training saw, and its card.
    """
    before = card.get("started_from")
    images = card["images_seen"] - (before["images_seen"] if before else 0)
    return [*(history(before) if before else []), (images, card)]


def fits_bfloat16(card: dict[str, Any]) -> bool:
    """Whether the network of a card is known to answer in bfloat16 as it does in float32, within 0.01 dB."""
    changes = card.get(BFLOAT16)
    return bool(changes) and all(abs(value) < TOLERANCE for value in changes.values())  # not a number is not below


def build(architecture: dict[str, Any]) -> AnySize:
    """The network that an `architecture` of a card describes: its name, and the options of that entry."""
    options = dict(architecture)
    network: nn.Module = ARCHITECTURES[options.pop("name")].build(**options)
    return network
