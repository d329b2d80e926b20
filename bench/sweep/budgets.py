"""Budgets: equal channels, parameters, MACs or deployed MACs for every decoder.

The encoder is the same for every arm. At equal channels the decoder mirrors the encoder. The other
budgets scale the channels of the upsampling stages until the whole network costs as much as the
reference arm at equal channels.
"""

from __future__ import annotations

import functools
import itertools
from typing import Any

import torch
from torch import nn

from bench import counters
from bench.sweep.backbones import BODIES
from bench.sweep.recipe import Recipe
from denoise.graph.fusion import fuse
from denoise.models import weights

SHAPE = (1, 28, 28)  # (C, H, W) of the image at which MACs are counted


def _deployed_macs(network: nn.Module) -> int:
    """Count the MACs after `fuse`."""
    for layer in network.modules():
        for name, inner in layer.named_children():
            if isinstance(inner, nn.BatchNorm2d):  # has no MACs, and folding it takes long
                setattr(layer, name, nn.Identity())
    return counters.macs(fuse(network.eval()), SHAPE)


BUDGETS = {
    "channels": None,
    "parameters": counters.parameters,
    "macs": lambda net: counters.macs(net, SHAPE),
    "deployed": _deployed_macs,
}
"""Cost function of each budget; None needs no search. Deployed networks are rewritten by `fuse`."""

REFERENCE = "nearest"  # arm whose cost at equal channels sets the budget of every arm
TOLERANCE = 0.02  # relative to the budget; set by the protocol
CLOSE = 0.01  # among candidates within this relative error the proportions decide
# upper end of the search, in multiples of the mirrored channels; more than any arm needs
LARGEST = 8.0


# stronger networks for comparison, at equal parameters only; they are no arms
CEILINGS = ("unet", "dncnn")
DNCNN_DEPTH = 8  # more layers would leave too few channels in a network of this size


class Impossible(ValueError):
    """Error for an arm that meets a budget with no integer channels: the network is too small."""


@functools.cache
def channels(
    arm: str, budget: str, width: int, depth: int, body: str = "autoencoder"
) -> tuple[int, ...] | None:
    """Find the channels that put an arm on a budget.

    For a decoder and the U-Net: channels of each upsampling stage, from the code to the image. For
    DnCNN: channels of every layer. Return None for a ceiling at a budget other than equal
    parameters. `body` is a name of `bench.sweep.backbones.BODIES`.

    Raises
    ------
    Impossible
        No integer channels lie within 2 % of the budget.
    ValueError
        The budget is unknown.
    """
    if budget not in BUDGETS:
        raise ValueError(f"unknown budget {budget!r}; valid: {', '.join(BUDGETS)}")
    if arm in CEILINGS and budget != "parameters":
        return None
    mirrored = tuple(width * 2**stage for stage in reversed(range(depth)))
    if BUDGETS[budget] is None:
        return mirrored
    wanted = cost(REFERENCE, budget, width, mirrored, body)
    start = (width,) if arm == "dncnn" else mirrored

    def error(widths: tuple[int, ...]) -> float:
        return abs(cost(arm, budget, width, widths, body) / wanted - 1)

    if error(start) == 0:
        return start
    low, high = 1 / width, LARGEST
    for _ in range(12):
        middle = (low + high) / 2
        over = cost(arm, budget, width, _scaled(start, middle), body) > wanted
        low, high = (low, middle) if over else (middle, high)
    around = [range(max(1, size - 2), size + 3) for size in _scaled(start, low)]
    by_skew = sorted(itertools.product(*around), key=lambda widths: _skew(widths, start))
    best = next((widths for widths in by_skew if error(widths) <= CLOSE), None)
    best = best or min(by_skew, key=error)
    if error(best) > TOLERANCE:
        raise Impossible(
            f"no channels put {arm} within 2 % of equal {budget} at --width {width}: use a "
            "larger width"
        )
    return best


def possible(arm: str, budget: str, recipe: Recipe) -> tuple[int, ...] | None:
    """Return the channels of an arm at a budget, or None if no channels meet the budget."""
    try:
        return channels(arm, budget, recipe.width, recipe.depth, recipe.body)
    except Impossible:
        return None


def names(arm: str, widths: tuple[int, ...], recipe: Recipe) -> list[str]:
    """Return the budgets on which an arm with these channels lies."""
    return [budget for budget in BUDGETS if possible(arm, budget, recipe) == widths]


@functools.cache
def cost(
    arm: str, budget: str, width: int, widths: tuple[int, ...], body: str = "autoencoder"
) -> int:
    """Count the parameters or MACs of the network that `architecture` describes."""
    measure = BUDGETS[budget]
    assert measure is not None
    with torch.device("meta"):  # shapes only, without memory or computation
        return measure(weights.build(architecture(arm, width, widths, body)))


def architecture(
    arm: str, width: int, widths: tuple[int, ...], body: str = "autoencoder"
) -> dict[str, Any]:
    """Return the `architecture` entry of a card.

    `width` is the encoder's, `widths` are the channels of the arm.
    """
    chosen = BODIES[body]
    if arm == "dncnn":
        return {"name": arm, "width": widths[0], "depth": DNCNN_DEPTH}
    name = {"name": arm} if arm in CEILINGS else {"name": chosen.name, "decoder": arm}
    return {
        **name,
        "width": width,
        "depth": len(widths),
        "decoder_widths": list(widths),
        **chosen.options,
    }


def _scaled(mirrored: tuple[int, ...], scale: float) -> tuple[int, ...]:
    return tuple(max(1, round(size * scale)) for size in mirrored)


def _skew(widths: tuple[int, ...], mirrored: tuple[int, ...]) -> float:
    """Return the largest over the smallest ratio of a stage's channels to the mirrored ones."""
    ratios = [chosen / size for chosen, size in zip(widths, mirrored, strict=True)]
    return max(ratios) / min(ratios)
