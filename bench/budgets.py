"""Three ways to call two decoders equally large: the same channels, the same parameters, the same MACs.

The encoder is the same for every arm. At equal channels the decoder mirrors it. At the other two budgets the channels
of the upsampling stages are scaled until the whole network costs what the reference arm costs at equal channels.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
from typing import Any

import torch

from bench import costs
from bench.bodies import BODIES
from bench.recipe import Recipe
from denoise import weights

BUDGETS = {"channels": None, "parameters": costs.parameters, "macs": lambda net: costs.macs(net, SHAPE)}
"""What is held equal, by name; None needs no search."""

REFERENCE = "nearest"  # the arm whose cost at equal channels is the budget of all
SHAPE = (1, 28, 28)  # of the picture for which MACs are held equal
TOLERANCE = 0.02  # of the budget, as the protocol asks
CLOSE = 0.01  # within this the candidate nearest to the mirrored proportions is taken
LARGEST = 8.0  # times the mirrored channels: beyond any arm's need


CEILINGS = ("unet", "dncnn")  # networks that are no arm: they stand above the arms, at equal parameters
DNCNN_DEPTH = 8  # of a network this small: deeper leaves too few channels


class Impossible(ValueError):
    """No whole numbers of channels put an arm on a budget: the network is too small."""


def channels(arm: str, budget: str, width: int, depth: int, body: str = "autoencoder") -> tuple[int, ...] | None:
    """The channels that put an arm on the budget.

    For a decoder and for the U-Net, those of each upsampling stage, from the code to the picture; for DnCNN that of
    every layer. None for a ceiling at a budget other than equal parameters. `body` is a name of `bench.bodies.BODIES`.

    Raises
    ------
    Impossible
        No whole numbers lie within 2 % of the budget.
    ValueError
        No budget of that name.
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
    best = min(itertools.product(*around), key=lambda widths: (max(error(widths), CLOSE), _skew(widths, start)))
    if error(best) > TOLERANCE:
        raise Impossible(f"no channels put {arm} within 2 % of equal {budget} at width {width}: take a wider network")
    return best


def names(arm: str, widths: tuple[int, ...], recipe: Recipe) -> list[str]:
    """The budgets of the recipe's body on which an arm of these channels lies."""
    found = []
    for budget in BODIES[recipe.body].budgets:
        with contextlib.suppress(Impossible):
            if channels(arm, budget, recipe.width, recipe.depth, recipe.body) == widths:
                found.append(budget)
    return found


@functools.cache
def cost(arm: str, budget: str, width: int, widths: tuple[int, ...], body: str = "autoencoder") -> int:
    """Parameters or MACs of the network that `architecture` names."""
    measure = BUDGETS[budget]
    assert measure is not None
    with torch.device("meta"):  # shapes alone: nothing is computed
        return measure(weights.build(architecture(arm, width, widths, body)))


def architecture(arm: str, width: int, widths: tuple[int, ...], body: str = "autoencoder") -> dict[str, Any]:
    """The `architecture` part of a card for an arm whose encoder has `width` and whose channels are `widths`."""
    chosen = BODIES[body]
    if arm == "dncnn":
        return {"name": arm, "width": widths[0], "depth": DNCNN_DEPTH}
    name = {"name": arm} if arm in CEILINGS else {"name": chosen.name, "decoder": arm}
    return {**name, "width": width, "depth": len(widths), "decoder_widths": list(widths), **chosen.options}


def _scaled(mirrored: tuple[int, ...], scale: float) -> tuple[int, ...]:
    return tuple(max(1, round(size * scale)) for size in mirrored)


def _skew(widths: tuple[int, ...], mirrored: tuple[int, ...]) -> float:
    """How far the proportions between the stages are from those of the encoder."""
    ratios = [chosen / size for chosen, size in zip(widths, mirrored, strict=True)]
    return max(ratios) / min(ratios)
