"""Untimed part of the cost card of a network: an arm of the comparison, or a user's own network."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from tqdm import tqdm

from bench import counters
from bench.costs import determinism, memory, onnx_check
from bench.process_state import kept
from bench.scoring import user_model
from bench.scoring.methods import Method
from bench.sweep import budgets
from bench.sweep.backbones import BODIES
from bench.sweep.grid import Selection
from bench.sweep.recipe import Recipe
from denoise.datasets import Pictures
from denoise.decoders import DECODERS
from denoise.inference import engine
from denoise.models import weights
from denoise.models.base import AnySize

SHAPE = budgets.SHAPE
MEMORY_BATCH = 128  # images in the batch behind the peak memory


@dataclass(frozen=True)
class Subject:
    """Network that gets a card.

    `source` is the input from which `bench.costs.memory` builds the network in another process.
    `method` is the method of a `--model` option, and None for an arm.
    """

    arm: str
    source: memory.Source
    widths: str = ""
    budgets: str = ""
    method: Method | None = None

    @property
    def name(self) -> str:
        """Name that is unique within a run."""
        return f"{self.arm} {self.widths}"

    @property
    def is_onnx(self) -> bool:
        """True for an ONNX model, which PyTorch does not run."""
        return self.method is not None and self.method.network is None

    def network(self) -> nn.Module:
        """Return a copy of the network that may be changed."""
        if self.method is None:
            assert isinstance(self.source, dict)  # an arm is built from its settings
            return weights.build(self.source)
        assert self.method.network is not None  # an ONNX model has no network to copy
        return copy.deepcopy(self.method.network)

    def denoiser(self, device: torch.device) -> Callable[[Tensor, float], Tensor]:
        """Return (noisy, sigma) -> estimate, with PyTorch's current number of threads."""
        if self.is_onnx:
            assert isinstance(self.source, str)  # the text of its `--model` option
            # Load again, because a session of ONNX Runtime keeps its number of threads.
            return user_model.load(self.source).build(_blank(), device)
        network = cast(AnySize, self.network())  # or `Checked`, which has the same interface
        denoiser = engine.Denoiser(
            network, self.arm, {"architecture": {"channels": SHAPE[0]}}, device, "float32"
        )
        return lambda noisy, sigma: denoiser.estimate(noisy)


def arms(recipe: Recipe, names: Sequence[str] | None) -> list[Subject]:
    """List a subject for each arm and its channels at a budget.

    One training set is enough, because costs do not depend on it.
    """
    body = BODIES[recipe.body]
    networks = Selection(body.datasets[:1], body.clipped[:1], tuple(names or ()), seeds=1).networks(
        recipe
    )
    return [
        Subject(
            network.arm,
            network.settings(recipe).network(),
            "x".join(map(str, network.widths)),
            " ".join(budgets.names(network.arm, network.widths, recipe)),
        )
        for network in networks
    ]


def brought(models: Sequence[str]) -> list[Subject]:
    """Load a subject for each `--model` option and try it on one image.

    Raises
    ------
    ValueError
        A file holds no network, a network fails, or its name is that of another network or arm.
    """
    found = [
        Subject(method.name, text, method=method)
        for text in models
        for method in [user_model.load(text)]
    ]
    names = [*DECODERS.names(), *budgets.CEILINGS, *(subject.arm for subject in found)]
    for subject in found:
        if names.count(subject.arm) > 1:
            raise ValueError(
                f"two networks are named {subject.arm}; rename yours with --model NAME=FILE"
            )
    methods = (subject.method for subject in found if subject.method is not None)
    user_model.check(methods, {"blank": (_blank(), _blank())})
    return found


def cards(subjects: Sequence[Subject], device: torch.device) -> dict[str, dict[str, Any]]:
    """Compute the columns independent of threads and batch size, by the subject's name."""
    sources = {subject.name: subject.source for subject in subjects if not subject.is_onnx}
    peaks = memory.peak_bytes(sources, SHAPE, MEMORY_BATCH, device)
    shown = tqdm(subjects, desc=f"cards, {device.type}", disable=None)
    return {subject.name: _card(subject, peaks.get(subject.name), device) for subject in shown}


def _card(subject: Subject, peak: int | None, device: torch.device) -> dict[str, Any]:
    known = {"arm": subject.arm, "widths": subject.widths, "budgets": subject.budgets}
    method = subject.method
    if method is not None and subject.is_onnx:
        return known | method.costs(SHAPE) | {"file_bytes": method.file_bytes} | method.ran
    network = _unwrapped(subject.network()).eval()
    with kept():
        return {
            **known,
            "parameters": counters.parameters(network),
            "macs": counters.macs(network, SHAPE),
            "activations": counters.activations(network, SHAPE),
            "file_bytes": counters.file_bytes(network),
            "peak_bytes": peak,
            "peak_bytes_batch": MEMORY_BATCH,
            **onnx_check.compare(network),
            **determinism.backward(network, device),
        }


def trained(subjects: Sequence[Subject], of: dict[str, dict[str, Any]]) -> dict[str, nn.Module]:
    """Copy each network whose gradients could be computed, by the subject's name."""
    return {
        subject.name: _unwrapped(subject.network())
        for subject in subjects
        if of[subject.name].get("deterministic") in determinism.ANSWERS
    }


def _unwrapped(network: nn.Module) -> nn.Module:
    """Return a user's network without the wrapper that names its file in errors."""
    return network.network if isinstance(network, user_model.Checked) else network


def _blank() -> Pictures:
    return Pictures("blank", "test", torch.zeros(1, *SHAPE, dtype=torch.uint8), ("0",), ("",))
