"""A moving average of the weights while they are trained: what is validated and kept in place of the last ones.

References
----------
Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from denoise.anysize import AnySize

STEPS, WEIGHTS = "n_averaged", "module."  # in a checkpoint: the count, and what the names of weights begin with


class Average:
    """The average of a network's weights, or, with decay 0, the network itself.

    Parameters
    ----------
    network : AnySize
        Trained in place; `update` is called after each step.
    decay : float
        The share of the average that stays at each step. The first steps take less, so that the initial weights are
        soon forgotten: (1 + t) / (10 + t) at step t, and nothing of them stays at the first.
    """

    def __init__(self, network: AnySize, decay: float) -> None:
        self._trained, self._decay, self._steps = network, decay, 0
        self.network = copy.deepcopy(network) if decay else network
        """With the averaged weights."""
        # Averaged and trained, side by side: these lists are long to make beside a step on a GPU.
        pairs = list(zip(*(state.state_dict().values() for state in (self.network, network)), strict=True))
        self._real = list(zip(*(pair for pair in pairs if pair[0].is_floating_point()), strict=True))
        self._counts = [pair for pair in pairs if not pair[0].is_floating_point()]

    @torch.no_grad()
    def update(self) -> None:
        """Take one more step's weights in. Counts on the processor: a GPU would have to be waited for."""
        if self.network is self._trained:
            return
        stays = min(self._decay, (1 + self._steps) / (10 + self._steps)) if self._steps else 0.0
        torch._foreach_lerp_(*self._real, 1 - stays)
        for averaged, trained in self._counts:
            averaged.copy_(trained)
        self._steps += 1

    def state(self) -> dict[str, Tensor]:
        """What a checkpoint keeps; empty without an average."""
        if self.network is self._trained:
            return {}
        held = {WEIGHTS + name: value for name, value in self.network.state_dict().items()}
        return held | {STEPS: torch.tensor(self._steps)}

    def load(self, state: dict[str, Tensor]) -> None:
        """Put back what `state` gave."""
        if self.network is not self._trained:
            self._steps = int(state[STEPS])
            held = {name.removeprefix(WEIGHTS): value for name, value in state.items() if name != STEPS}
            self.network.load_state_dict(held)
