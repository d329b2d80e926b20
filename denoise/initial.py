"""Initial weights of a training: of a seed, or of an earlier training."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from denoise import json_files, weights
from denoise.anysize import AnySize
from denoise.mirror import ResidualBlock
from denoise.settings import Settings


def untrained(settings: Settings) -> AnySize:
    """The network with the initial weights of its seed."""
    with torch.random.fork_rng(devices=[]):  # layers draw their initial weights from the global generator
        torch.manual_seed(settings.seed)
        network = weights.build(settings.network())
        return network.apply(_as_keras) if settings.init == "keras" else network


def _as_keras(layer: nn.Module) -> None:
    """Weights by Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010,
    and biases of 0, where PyTorch has smaller weights and biases at random: more channels stay alive. What a residual
    block adds starts at a tenth of that, so that many blocks begin as few."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.xavier_uniform_(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    elif isinstance(layer, ResidualBlock):  # its convolutions have had their turn
        with torch.no_grad():
            layer.branch[-1].weight *= 0.1  # of the normalisation, where there is one


def start_from(settings: Settings, network: AnySize) -> dict[str, Any]:
    """Put the weights that `settings.start` names into `network`; returns their card."""
    trained, card = weights.read(weights.locate(settings.start))
    json_files.check(card, {"images_seen": int}, settings.start, needed=("images_seen",))  # more are counted on top
    here = settings.network()
    if card["architecture"] != here:
        raise ValueError(f"{settings.start} is {card['architecture']}, not {here}: it cannot be gone on from")
    network.load_state_dict(trained.state_dict())
    return card
