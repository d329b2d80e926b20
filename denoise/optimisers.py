"""What turns gradients into steps: the optimisers by name, each `(network, lr) -> torch.optim.Optimizer`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from denoise.anysize import AnySize


def adam(network: AnySize, lr: float) -> torch.optim.Adam:
    """Adam, in one pass over the weights."""
    return torch.optim.Adam(network.parameters(), lr=lr, fused=True)


class Muon(torch.optim.Optimizer):
    """Steps in which every direction of a convolution's weight moves as far: the momentum, as a matrix with a row a
    channel, is made orthogonal. What it is not for, the first and the last convolution (in the order in which they were
    made) and all vectors, is left to Adam.

    Parameters
    ----------
    network : AnySize
        On channels_last. Its weights are looked at where they lie: they must not be moved afterwards.
    lr : float
        As large as one for Adam: the steps are scaled to the size of Adam's (Liu et al.).

    Raises
    ------
    ValueError
        A network that has no convolution between its first and its last, or a PyTorch before 2.9.

    References
    ----------
    Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024,
    https://kellerjordan.github.io/posts/muon/; Liu et al., "Muon is Scalable for LLM Training", 2025,
    https://arxiv.org/abs/2502.16982. The steps are those of `torch.optim.Muon`, which takes matrices alone.
    """

    def __init__(self, network: AnySize, lr: float) -> None:
        if not hasattr(torch.optim, "Muon"):
            raise ValueError(f"muon needs PyTorch 2.9 or newer, not {torch.__version__}; valid here: adam")
        weights = list(network.parameters())
        filters = [weight for weight in weights if weight.ndim == 4]
        hidden = {id(weight) for weight in filters[1:-1]}
        inner = [weight for weight in weights if id(weight) in hidden]
        if not inner:
            raise ValueError(
                f"muon is for networks of at least 3 convolutions, not of {len(filters)}; valid here: adam"
            )
        outer = [weight for weight in weights if id(weight) not in hidden]
        # "fused" is what has a checkpoint's count of steps put where Adam's weights are.
        super().__init__([{"params": inner}, {"params": outer, "fused": True}], {"lr": lr})
        self._matrices = [nn.Parameter(_rows(weight.detach()).view(len(weight), -1)) for weight in inner]
        self._muon = torch.optim.Muon(self._matrices, lr=lr, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")
        self._adam = torch.optim.Adam(outer, lr=lr, fused=True)
        self._share()

    def _share(self) -> None:
        """One state for both: theirs is what a checkpoint keeps of this one."""
        inner, outer = (group["params"] for group in self.param_groups)
        for part, own, theirs in ((self._muon, inner, self._matrices), (self._adam, outer, outer)):
            for weight, known in zip(own, theirs, strict=True):
                part.state[known] = self.state[weight]

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """As of every optimiser."""
        super().load_state_dict(state_dict)
        self._share()

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """Change the weights by their gradients."""
        for weight, matrix in zip(self.param_groups[0]["params"], self._matrices, strict=True):
            matrix.grad = None if weight.grad is None else _rows(weight.grad).flatten(1)
        for part, group in zip((self._muon, self._adam), self.param_groups, strict=True):
            part.param_groups[0]["lr"] = group["lr"]
            part.step()
        for matrix in self._matrices:
            matrix.grad = None  # it would be kept until the next step


def _rows(weight: Tensor) -> Tensor:
    """(A, B, h, w) as (A, h, w, B), the order in which a weight on channels_last lies in memory."""
    return weight.permute(0, 2, 3, 1)


OPTIMISERS: dict[str, Callable[[AnySize, float], torch.optim.Optimizer]] = {"adam": adam, "muon": Muon}
