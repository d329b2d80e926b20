"""Trained weights by name: a .safetensors file, and a .json card that says how they came to be. Never pickle."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from denoise import json_files, tensor_files
from denoise.anysize import AnySize
from denoise.building import build, outline
from denoise.decoders import DECODERS
from denoise.files import whole_file
from denoise.registry import UnknownName, unknown

__all__ = ["BFLOAT16", "FLOAT32", "build", "card", "fits_bfloat16", "history", "locate", "names", "read", "save"]

log = logging.getLogger("denoise")

BFLOAT16 = "bfloat16_psnr_change"  # of a card: by how many dB on held-out pictures, by level (`denoise.precision`)
FLOAT32 = "float32_layers"  # of a card: convolutions that were left in float32 for that, by their names in the network
TOLERANCE = 0.01  # dB, of such a change
FEW = 500  # tensors that a network may have, however few its file has: the error can name those that are missing
PRETRAINED = Path(__file__).parent / "pretrained"
CARD = {
    "architecture": dict,
    "settings": dict,
    "sha256": str | None,
    "started_from": dict | None,
    BFLOAT16: dict[str, float | None] | None,
    FLOAT32: list[str],
}
"""What a card must hold for its network to be loaded and run; its other lines are its reader's to check."""


def names(folder: Path = PRETRAINED) -> list[str]:
    """The weights in a folder, those that ship with the package by default."""
    return sorted(card.stem for card in folder.glob("*.json") if card.with_suffix(".safetensors").exists())


def save(network: AnySize, card: dict[str, Any], target: Path) -> None:
    """Write `target` (.safetensors) and its card (.json), each whole or not at all, and neither if one cannot be.

    `card["architecture"]` must hold what `build` needs; the file's sha256 is added.

    Raises
    ------
    OSError
        A file cannot be written, as on a full disk.
    """
    state = {name: value.contiguous() for name, value in network.state_dict().items()}
    content = safetensors.torch.save(state)
    card = {**card, "sha256": hashlib.sha256(content).hexdigest()}
    with whole_file(target.with_suffix(".json")) as told:  # takes its place last: where a card is, its weights are
        told.write_text(json_files.text(card, indent=2) + "\n")
        with whole_file(target) as partial:
            partial.write_bytes(content)  # safetensors' own writer has another error than OSError for a full disk


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


def card(path: Path) -> dict[str, Any]:
    """Read the card of a weights file, the .json beside it.

    Raises
    ------
    ValueError
        The card is missing, or is not a card.
    """
    file = path.with_suffix(".json")
    try:
        found = json_files.read(file)
    except FileNotFoundError as error:
        raise ValueError(f"{path}: {file} is missing: weights are a .safetensors and its .json") from error
    json_files.check(found, CARD, str(file), needed=("architecture",))
    return found


def read(path: Path) -> tuple[AnySize, dict[str, Any]]:
    """Read the network of a weights file, in evaluation mode, and its card.

    Nothing of the network is allocated before the header of the file has been compared with the card.

    Raises
    ------
    ValueError
        The card or the weights are missing, cut short, changed since they were written, not finite, or do not fit each
        other.
    """
    found = card(path)
    try:
        held = tensor_files.header(path).tensors
    except FileNotFoundError as error:
        raise ValueError(f"{path} is missing: weights are a .safetensors and its .json") from error
    except ValueError as error:
        raise ValueError(f"{path}: not whole ({error}): train again or fetch it again") from error
    try:
        network = outline(found["architecture"], tensors=max(len(held), FEW))
    except ValueError as error:
        raise ValueError(f"{path.with_suffix('.json')}: its architecture makes no network: {error}") from error
    if wrong := tensor_files.difference(held, tensor_files.entries(network.state_dict())):
        raise ValueError(f"{path}: the weights do not fit the architecture that its card names ({wrong})")
    network.load_state_dict(safetensors.torch.load(_unchanged(path, found)), assign=True)
    if not are_finite(network.state_dict().values()):  # ReLU makes 0 of NaN on some processors, and hides it
        raise ValueError(f"{path}: weights that are not finite, as of a training that diverged: train again")
    return network.eval(), found


def _unchanged(path: Path, found: dict[str, Any]) -> bytes:
    """Read the bytes of a weights file and compare them with the checksum of its card."""
    data = path.read_bytes()
    if found.get("sha256") is None:
        log.info("%s: its card has no sha256, so a changed bit would not be seen", path)
    elif hashlib.sha256(data).hexdigest() != found["sha256"].lower():
        raise ValueError(f"{path}: not as it was written (its sha256 is not that of its card): fetch or train it again")
    return data


def are_finite(tensors: Iterable[Tensor]) -> bool:
    """Return True if every value of every tensor is finite; the device is waited for once."""
    return bool(torch.stack([tensor.isfinite().all() for tensor in tensors]).all())


def history(card: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    """The trainings behind a network, from the first to the last: with `--start` one goes on from another's weights.

    Returns
    -------
    list of (int, dict)
        How many pictures that training saw, and its card.
    """
    trainings: list[tuple[int, dict[str, Any]]] = []
    this: dict[str, Any] | None = card
    while this:
        before = this.get("started_from")
        trainings.insert(0, (this["images_seen"] - (before["images_seen"] if before else 0), this))
        this = before
    return trainings


def fits_bfloat16(card: dict[str, Any]) -> bool:
    """Whether the network of a card is known to answer in bfloat16 as it does in float32, within 0.01 dB."""
    changes = card.get(BFLOAT16)  # a level may have none, or not a number, which is not below
    return bool(changes) and all(value is not None and abs(value) < TOLERANCE for value in changes.values())
