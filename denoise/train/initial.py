"""Initial weights of a training: drawn from a seed, or loaded from an earlier training."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from denoise.files import json_files
from denoise.models import weights
from denoise.models.base import AnySize
from denoise.models.encoder_decoder import ResidualBlock
from denoise.train.settings import Settings


def untrained(settings: Settings) -> AnySize:
    """Build the network with the initial weights of its seed."""
    # layers draw their initial weights from the global generator
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        network = weights.build(settings.network())
        return network.apply(_as_keras) if settings.init == "keras" else network


def _as_keras(layer: nn.Module) -> None:
    """Initialize a layer as Keras does: Glorot uniform weights and biases of 0.

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", 2010. PyTorch's default has smaller weights and random biases; here more channels
    stay active. The last weights of a residual block's branch are scaled by 0.1, so that a deep
    network begins like a shallow one.
    """
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.xavier_uniform_(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    elif isinstance(layer, ResidualBlock):  # `apply` has already initialized its convolutions
        with torch.no_grad():
            weight = layer.branch[-1].weight
            assert isinstance(weight, Tensor)  # no ReLU ends the branch
            weight *= 0.1  # of the normalization, if there is one


def start_from(settings: Settings, network: AnySize) -> dict[str, Any]:
    """Load the weights that `settings.init_from` names into `network`; return their card."""
    trained, card = weights.read(weights.locate(settings.init_from))
    # the count continues
    json_files.check(card, {"images_seen": int}, settings.init_from, needed=("images_seen",))
    here = settings.network()
    if card["architecture"] != here:
        raise ValueError(
            f"--init-from {settings.init_from} has architecture {card['architecture']}; "
            f"valid: {here}"
        )
    network.load_state_dict(trained.state_dict())
    return card
