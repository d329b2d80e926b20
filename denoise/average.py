"""A moving average of the weights while they are trained: what is validated and kept in place of the last ones.

References
----------
Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from denoise.anysize import AnySize


class Average:
    """The average of a network's weights, or, with decay 0, the network itself.

    Parameters
    ----------
    network : AnySize
        Trained in place; `update` is called after each step.
    decay : float
        The share of the average that stays at each step. The first steps take less, so that the initial weights are
        soon forgotten: (1 + t) / (10 + t) at step t.
    """

    def __init__(self, network: AnySize, decay: float) -> None:
        self._trained = network
        self._averaged = AveragedModel(network, multi_avg_fn=_rising(decay), use_buffers=True) if decay else None

    @property
    def network(self) -> AnySize:
        """With the averaged weights."""
        return self._averaged.module if self._averaged else self._trained

    def update(self) -> None:
        """Take one more step's weights in."""
        if self._averaged:
            self._averaged.update_parameters(self._trained)

    def state(self) -> dict[str, Tensor]:
        """What a checkpoint keeps; empty without an average."""
        return self._averaged.state_dict() if self._averaged else {}

    def load(self, state: dict[str, Tensor]) -> None:
        """Put back what `state` gave."""
        if self._averaged:
            self._averaged.load_state_dict(state)


def _rising(decay: float):
    @torch.no_grad()
    def update(averaged: Sequence[Tensor], current: Sequence[Tensor], count: Tensor) -> None:
        steps = int(count)
        get_ema_multi_avg_fn(min(decay, (1 + steps) / (10 + steps)))(averaged, current, count)

    return update
