"""Trained weights by name: a .safetensors file, and a .json card with their training history."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from denoise.decoders import DECODERS
from denoise.files import json_files, tensor_files
from denoise.files.atomic import whole_file
from denoise.models.base import AnySize
from denoise.models.building import build, outline
from denoise.registry import UnknownName, renamed, unknown

__all__ = [
    "BFLOAT16",
    "FLOAT32",
    "build",
    "card",
    "fits_bfloat16",
    "history",
    "locate",
    "names",
    "read",
    "save",
]

log = logging.getLogger("denoise")

# card: PSNR change in dB on held-out images, by level (`denoise.train.bf16`)
BFLOAT16 = "bfloat16_psnr_change"
FLOAT32 = "float32_layers"  # card: names of the convolutions that stayed in float32 for that change
TOLERANCE = 0.01  # dB, limit of the PSNR change
FEW = 500  # tensors allowed even if the file has fewer, so that the error can name the missing ones
PRETRAINED = Path(__file__).parents[1] / "pretrained"
CARD = {
    "architecture": dict,
    "settings": dict,
    "sha256": str | None,
    "started_from": dict | None,
    BFLOAT16: dict[str, float | None] | None,
    FLOAT32: list[str],
}
"""Fields of a card that loading and inference read; further fields are checked elsewhere."""


def names(folder: Path = PRETRAINED) -> list[str]:
    """List the weights in a folder; by default, the weights that ship with the package."""
    return sorted(
        card.stem for card in folder.glob("*.json") if card.with_suffix(".safetensors").exists()
    )


def save(network: AnySize, card: dict[str, Any], target: Path) -> None:
    """Write `target` (.safetensors) and its card (.json) atomically: both files or neither.

    `card["architecture"]` must hold the options of `build`; the file's sha256 is added.

    Raises
    ------
    OSError
        A file cannot be written, for example on a full disk.
    """
    state = {name: value.contiguous() for name, value in network.state_dict().items()}
    content = safetensors.torch.save(state)
    card = {**card, "sha256": hashlib.sha256(content).hexdigest()}
    # renamed last: if there is a card, its weights exist
    with whole_file(target.with_suffix(".json")) as partial_card:
        partial_card.write_text(json_files.text(card, indent=2) + "\n")
        with whole_file(target) as partial:
            # safetensors' own writer does not raise OSError for a full disk
            partial.write_bytes(content)


def locate(name: str | Path) -> Path:
    """Return the path of the .safetensors file of shipped weights by name, or of a user's own file.

    A name is `dataset-decoder`; an alias of the decoder is accepted ("mnist-transposed").

    Raises
    ------
    UnknownName
        Unknown weights; the message lists the valid names.
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
        The card is missing or invalid.
    """
    file = path.with_suffix(".json")
    try:
        found = json_files.read(file)
    except FileNotFoundError as error:
        raise ValueError(
            f"{path}: its card {file.name} is missing; it must lie beside the weights"
        ) from error
    json_files.check(found, CARD, str(file), needed=("architecture",))
    return _present(found)


def _present(found: dict[str, Any]) -> dict[str, Any]:
    """Return a card of any version with the settings' present names, and so its earlier cards."""
    settings = {
        name: renamed(found[name])
        for name in ("architecture", "settings")
        if isinstance(found.get(name), dict)
    }
    if isinstance(before := found.get("started_from"), dict):
        settings["started_from"] = _present(before)
    return found | settings


def read(path: Path) -> tuple[AnySize, dict[str, Any]]:
    """Read the network of a weights file, in evaluation mode, and its card.

    The header of the file is compared with the card before any tensor of the network is allocated.

    Raises
    ------
    ValueError
        The card or the weights are missing, truncated, changed since they were written, or not
        finite, or do not match each other.
    """
    found = card(path)
    try:
        held = tensor_files.header(path).tensors
    except FileNotFoundError as error:
        raise ValueError(f"{path} is missing; it must lie beside its card") from error
    except ValueError as error:
        raise ValueError(
            f"{path}: truncated or damaged ({error}): download or train it again"
        ) from error
    try:
        network = outline(found["architecture"], tensors=max(len(held), FEW))
    except ValueError as error:
        raise ValueError(f"{path.with_suffix('.json')}: invalid architecture: {error}") from error
    if wrong := tensor_files.difference(held, tensor_files.entries(network.state_dict())):
        raise ValueError(f"{path}: the weights do not fit the architecture of their card ({wrong})")
    network.load_state_dict(safetensors.torch.load(_unchanged(path, found)), assign=True)
    # on some CPUs ReLU turns NaN into 0, which hides the NaN
    if not are_finite(network.state_dict().values()):
        raise ValueError(
            f"{path}: the weights are not finite; their training has diverged: train again"
        )
    return network.eval(), found


def _unchanged(path: Path, found: dict[str, Any]) -> bytes:
    """Read a weights file and compare its bytes with the checksum in its card."""
    data = path.read_bytes()
    if found.get("sha256") is None:
        log.info("%s: no sha256 in its card, so the weights are not verified", path)
    elif hashlib.sha256(data).hexdigest() != found["sha256"].lower():
        raise ValueError(
            f"{path}: changed since it was written (its sha256 differs from its card): "
            "train it again"
        )
    return data


def are_finite(tensors: Iterable[Tensor]) -> bool:
    """Return True if every value of every tensor is finite.

    Synchronize with the device only once.
    """
    return bool(torch.stack([tensor.isfinite().all() for tensor in tensors]).all())


def history(card: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    """List the trainings of a network, first to last.

    With `--init-from` a training continues from the weights of another training.

    Returns
    -------
    list of (int, dict)
        Number of images seen in a training, and its card.
    """
    trainings: list[tuple[int, dict[str, Any]]] = []
    this: dict[str, Any] | None = card
    while this:
        before = this.get("started_from")
        trainings.insert(0, (this["images_seen"] - (before["images_seen"] if before else 0), this))
        this = before
    return trainings


def fits_bfloat16(card: dict[str, Any]) -> bool:
    """Return True if bfloat16 changes the PSNR by less than 0.01 dB at every level of the card."""
    changes = card.get(BFLOAT16) or {}  # a value may be None or NaN; a NaN is not below the limit
    return bool(changes) and all(
        value is not None and abs(value) < TOLERANCE for value in changes.values()
    )
