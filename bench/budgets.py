"""Three ways to call two decoders equally large: the same channels, the same parameters, the same MACs.

The encoder is the same for every arm. At equal channels the decoder mirrors it. At the other two budgets the channels
of the upsampling stages are scaled until the whole network costs what the reference arm costs at equal channels.
"""

from __future__ import annotations

import functools
import itertools

import torch

from bench import costs
from denoise import weights

BUDGETS = {"channels": None, "parameters": costs.parameters, "macs": lambda net: costs.macs(net, SHAPE)}
"""What is held equal, by name; None needs no search."""

REFERENCE = "nearest"  # the arm whose cost at equal channels is the budget of all
SHAPE = (1, 28, 28)  # of the picture for which MACs are held equal
TOLERANCE = 0.02  # of the budget, as the protocol asks
CLOSE = 0.01  # within this the candidate nearest to the mirrored proportions is taken
LARGEST = 8.0  # times the mirrored channels: beyond any arm's need


def channels(decoder: str, budget: str, width: int, depth: int) -> tuple[int, ...]:
    """Channels of each upsampling stage, from the code to the picture, that put `decoder` on the budget.

    Raises
    ------
    ValueError
        No budget of that name, or no whole numbers within 2 % of it (the network is too small).
    """
    if budget not in BUDGETS:
        raise ValueError(f"unknown budget {budget!r}; valid: {', '.join(BUDGETS)}")
    mirrored = tuple(width * 2**stage for stage in reversed(range(depth)))
    if BUDGETS[budget] is None:
        return mirrored
    wanted = cost(REFERENCE, budget, width, mirrored)

    def error(widths: tuple[int, ...]) -> float:
        return abs(cost(decoder, budget, width, widths) / wanted - 1)

    if error(mirrored) == 0:
        return mirrored
    low, high = 1 / width, LARGEST
    for _ in range(12):
        middle = (low + high) / 2
        over = cost(decoder, budget, width, _scaled(mirrored, middle)) > wanted
        low, high = (low, middle) if over else (middle, high)
    around = [range(max(1, size - 2), size + 3) for size in _scaled(mirrored, low)]
    best = min(itertools.product(*around), key=lambda widths: (max(error(widths), CLOSE), _skew(widths, mirrored)))
    if error(best) > TOLERANCE:
        raise ValueError(
            f"no channels put {decoder} within 2 % of equal {budget} at width {width}: take a wider network"
        )
    return best


@functools.cache
def cost(decoder: str, budget: str, width: int, widths: tuple[int, ...]) -> int:
    """Parameters or MACs of the autoencoder with these channels in its upsampling stages."""
    with torch.device("meta"):  # shapes alone: nothing is computed
        network = weights.build(
            {"name": "autoencoder", "decoder": decoder, "width": width, "depth": len(widths), "decoder_widths": widths}
        )
    measure = BUDGETS[budget]
    assert measure is not None
    return measure(network)


def _scaled(mirrored: tuple[int, ...], scale: float) -> tuple[int, ...]:
    return tuple(max(1, round(size * scale)) for size in mirrored)


def _skew(widths: tuple[int, ...], mirrored: tuple[int, ...]) -> float:
    """How far the proportions between the stages are from those of the encoder."""
    ratios = [chosen / size for chosen, size in zip(widths, mirrored, strict=True)]
    return max(ratios) / min(ratios)
