"""Exponential moving average (EMA) of the weights; evaluated and saved instead of the last iterate.

References
----------
Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from denoise.models.base import AnySize

Tensors = tuple[Tensor, ...] | list[Tensor]


def ema(network: AnySize, decay: float) -> AveragedModel:
    """Return the average of a network's weights and buffers, to be updated after each step.

    Parameters
    ----------
    network : AnySize
        Network in training.
    decay : float
        Share of the average that is kept at a step, in (0, 1). Early steps keep less, (1 + t) / (10
        + t) at step t, so that the initial weights are soon forgotten; the first step keeps
        nothing.
    """

    @torch.no_grad()
    def update(averaged: Tensors, trained: Tensors, steps: Tensor | int) -> None:
        if averaged[0].is_floating_point():
            stays = min(decay, (1 + int(steps)) / (10 + int(steps)))
            torch._foreach_lerp_(averaged, trained, 1 - stays)
        else:  # batch counters
            torch._foreach_copy_(averaged, trained)

    return AveragedModel(network, multi_avg_fn=update, use_buffers=True)
