"""Optimizers by name: `(network, lr) -> torch.optim.Optimizer`, or an object like it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from denoise.models.base import AnySize


def adam(network: AnySize, lr: float) -> torch.optim.Adam:
    """Return Adam for all weights of a network, fused into one pass over the weights."""
    return torch.optim.Adam(network.parameters(), lr=lr, fused=True)


class Muon:
    """Muon for the hidden convolutions, Adam for all further weights.

    Adam takes the first and the last convolution, and all vectors. `torch.optim.Muon` takes
    matrices: a weight becomes a matrix with one row per input channel or one per output channel,
    whichever are more. A convolution and a transposed convolution of equal channels are then
    treated alike; PyTorch stores their weights as (out, in, h, w) and (in, out, h, w).

    Parameters
    ----------
    network : AnySize
        Network to train.
    lr : float
        Learning rate on the scale of Adam's: the steps of Muon are scaled to it (Liu et al.).

    Raises
    ------
    ValueError
        A network without a convolution between its first and its last.

    References
    ----------
    Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024,
    https://kellerjordan.github.io/posts/muon/.
    Liu et al., "Muon is Scalable for LLM Training", 2025, https://arxiv.org/abs/2502.16982.
    """

    def __init__(self, network: AnySize, lr: float) -> None:
        weights = list(network.parameters())
        filters = [weight for weight in weights if weight.ndim == 4]
        hidden = {id(weight) for weight in filters[1:-1]}
        self._inner = [weight for weight in weights if id(weight) in hidden]
        self._outer = [weight for weight in weights if id(weight) not in hidden]
        if not self._inner:
            raise ValueError(
                f"muon needs at least 3 convolutions, this network has {len(filters)}; valid: adam"
            )
        self._matrices = [_rows(weight.detach()).clone() for weight in self._inner]
        self._muon = torch.optim.Muon(
            self._matrices, lr, weight_decay=0.0, adjust_lr_fn="match_rms_adamw"
        )
        self._adam = torch.optim.Adam(self._outer, lr, fused=True)

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """Parameter groups of both optimizers."""
        return [*self._muon.param_groups, *self._adam.param_groups]

    def zero_grad(self) -> None:
        """Set the gradients of all weights to None."""
        for weight in (*self._inner, *self._outer):
            weight.grad = None

    def step(self) -> None:
        """Update the weights by their gradients."""
        for matrix, weight in zip(self._matrices, self._inner, strict=True):
            matrix.copy_(_rows(weight.detach()))  # a checkpoint may have set the weight
            matrix.grad = None if weight.grad is None else _rows(weight.grad).contiguous()
        self._muon.step()
        for matrix, weight in zip(self._matrices, self._inner, strict=True):
            _filters(weight.detach()).copy_(matrix.view(_filters(weight).shape))
        self._adam.step()

    def state_dict(self) -> dict[str, Any]:
        """Return the states of both optimizers.

        The indices of Adam's states follow those of Muon's.
        """
        inner, outer = self._muon.state_dict(), self._adam.state_dict()
        moved = {len(self._inner) + index: state for index, state in outer["state"].items()}
        return {
            "state": inner["state"] | moved,
            "param_groups": [*inner["param_groups"], *outer["param_groups"]],
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load the output of `state_dict`."""
        count, (inner, outer) = len(self._inner), state_dict["param_groups"]
        states = state_dict["state"]
        of_muon = {index: state for index, state in states.items() if index < count}
        of_adam = {index - count: state for index, state in states.items() if index >= count}
        self._muon.load_state_dict({"state": of_muon, "param_groups": [inner]})
        self._adam.load_state_dict({"state": of_adam, "param_groups": [outer]})


def _filters(weight: Tensor) -> Tensor:
    """View (A, B, h, w) as (A, h, w, B) if A is at least B, else as (B, h, w, A)."""
    first, second = weight.shape[:2]
    return weight.permute(0, 2, 3, 1) if first >= second else weight.permute(1, 2, 3, 0)


def _rows(weight: Tensor) -> Tensor:
    return _filters(weight).flatten(1)


OPTIMIZERS: dict[str, Callable[[AnySize, float], Any]] = {"adam": adam, "muon": Muon}
