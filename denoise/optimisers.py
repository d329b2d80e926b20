"""What turns gradients into steps: the optimisers by name, each `(network, lr) -> torch.optim.Optimizer`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from denoise.anysize import AnySize

MOMENTUM = 0.95
# Of the polynomial whose repetition makes a matrix orthogonal, by Jordan et al.
COEFFICIENTS = (3.4445, -4.775, 2.0315)
REPETITIONS = 5
SLOT = "momentum_buffer"  # PyTorch's name for it


class Uncompiled(torch.optim.Optimizer):
    """An optimiser that leaves PyTorch's compiler alone. The usual ones import it, which is much of the start of a
    training, only to tell it to keep out of these methods."""

    add_param_group = inspect.unwrap(torch.optim.Optimizer.add_param_group)
    zero_grad = inspect.unwrap(torch.optim.Optimizer.zero_grad)
    state_dict = inspect.unwrap(torch.optim.Optimizer.state_dict)
    load_state_dict = inspect.unwrap(torch.optim.Optimizer.load_state_dict)


class Adam(Uncompiled, torch.optim.Adam):
    """Adam, in one pass over the weights."""

    step = torch.no_grad()(inspect.unwrap(torch.optim.Adam.step))

    def __init__(self, weights: Iterable[Tensor], lr: float) -> None:
        super().__init__(weights, lr=lr, fused=True)


def adam(network: AnySize, lr: float) -> Adam:
    """That of all weights of a network."""
    return Adam(network.parameters(), lr)


class Muon(Uncompiled):
    """Steps in which every direction of a convolution's weight moves as far: the momentum, as a matrix with a row a
    channel, is made orthogonal. What it is not for, the first and the last convolution (in the order in which they were
    made) and all vectors, is left to Adam.

    The steps are those of `torch.optim.Muon` without decay of the weights. That takes one matrix after the other, each
    with some thirty operations so small that to start them takes longer than to do them; here matrices of one shape are
    one batch.

    Parameters
    ----------
    network : AnySize
        On channels_last. Its weights are looked at where they lie: they must not be moved afterwards.
    lr : float
        As large as one for Adam: the steps are scaled to the size of Adam's (Liu et al.).

    Raises
    ------
    ValueError
        A network that has no convolution between its first and its last.

    References
    ----------
    Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024,
    https://kellerjordan.github.io/posts/muon/; Liu et al., "Muon is Scalable for LLM Training", 2025,
    https://arxiv.org/abs/2502.16982.
    """

    def __init__(self, network: AnySize, lr: float) -> None:
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
        self._adam = Adam(outer, lr)
        self._share()

    def _share(self) -> None:
        """One state for both: Adam's is what a checkpoint keeps of this one."""
        for weight in self.param_groups[1]["params"]:
            self._adam.state[weight] = self.state[weight]

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """As of every optimiser."""
        super().load_state_dict(state_dict)
        self._share()

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """Change the weights by their gradients."""
        inner, outer = self.param_groups
        alike: dict[torch.Size, list[Tensor]] = {}
        for weight in inner["params"]:
            if weight.grad is not None:
                alike.setdefault(_rows(weight).shape, []).append(weight)
        for weights in alike.values():
            self._turn(weights, inner["lr"])
        self._adam.param_groups[0]["lr"] = outer["lr"]
        self._adam.step()

    def _turn(self, weights: Sequence[Tensor], lr: float) -> None:
        """A step of weights of one shape."""
        matrices, gradients = [_rows(weight) for weight in weights], [_rows(weight.grad) for weight in weights]
        for weight, gradient in zip(weights, gradients, strict=True):
            if SLOT not in self.state[weight]:
                self.state[weight][SLOT] = torch.zeros_like(gradient)
        momenta = [self.state[weight][SLOT] for weight in weights]
        torch._foreach_lerp_(momenta, gradients, 1 - MOMENTUM)
        ahead = torch._foreach_lerp(gradients, momenta, MOMENTUM)  # as Nesterov has it
        steps = orthogonal(torch.stack(ahead)).to(matrices[0].dtype)
        torch._foreach_add_(matrices, list(steps), alpha=-lr * 0.2 * max(matrices[0].shape) ** 0.5)


def orthogonal(matrices: Tensor) -> Tensor:
    """Matrices with the singular vectors of these, (n, A, B), and singular values near 1:
    by Newton's and Schulz's iteration, in bfloat16."""
    a, b, c = COEFFICIENTS
    x = matrices.bfloat16()
    upright = x.shape[1] > x.shape[2]
    x = x.mT if upright else x
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(REPETITIONS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if upright else x


def _rows(weight: Tensor) -> Tensor:
    """(A, B, h, w) as (A, h * w * B): a row a channel, in the order in which a weight on channels_last lies in memory,
    so that it is a view."""
    return weight.permute(0, 2, 3, 1).flatten(1)


OPTIMISERS: dict[str, Callable[[AnySize, float], torch.optim.Optimizer]] = {"adam": adam, "muon": Muon}
