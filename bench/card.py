"""What the cost card says of one network, be it an arm of the comparison or a user's own, before anything is timed."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from bench import budgets, costs, determinism, export, memory, own
from bench.bodies import BODIES
from bench.grid import Selection
from bench.kept import kept
from bench.methods import Method
from bench.recipe import Recipe
from denoise import engine, weights
from denoise.datasets import Pictures
from denoise.decoders import DECODERS

SHAPE = budgets.SHAPE
MEMORY_BATCH = 128  # pictures behind the peak memory


@dataclass(frozen=True)
class Subject:
    """A network that gets a card.

    `source` is what `bench.memory` builds it from in another process; `method` is None for an arm, and that of the
    `--model` option for a user's own.
    """

    arm: str
    source: memory.Source
    widths: str = ""
    budgets: str = ""
    method: Method | None = None

    @property
    def name(self) -> str:
        """Unique within a run."""
        return f"{self.arm} {self.widths}"

    @property
    def is_onnx(self) -> bool:
        """Whether it is an ONNX model, which PyTorch does not run."""
        return self.method is not None and self.method.network is None

    def network(self) -> nn.Module:
        """A copy to do anything with."""
        return weights.build(self.source) if self.method is None else copy.deepcopy(self.method.network)

    def denoiser(self, device: torch.device) -> Callable[[Tensor, float], Tensor]:
        """(noisy, sigma) -> estimate, with the threads that PyTorch has now."""
        if self.is_onnx:
            # Loaded anew: a session of ONNX Runtime keeps the threads that it was made with.
            return own.load(self.source).build(_blank(), device)
        denoiser = engine.Denoiser(
            self.network(), self.arm, {"architecture": {"channels": SHAPE[0]}}, device, "float32"
        )
        return lambda noisy, sigma: denoiser.estimate(noisy)


def arms(recipe: Recipe, names: Sequence[str] | None) -> list[Subject]:
    """A subject for each arm and channels that a budget asks for: what it is trained on changes no cost."""
    body = BODIES[recipe.body]
    networks = Selection(body.datasets[:1], body.clipped[:1], tuple(names or ()), seeds=1).networks(
        recipe, possible=True
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
    """A subject for each `--model` option, each tried on one picture.

    Raises
    ------
    ValueError
        A file that is no network, a network that fails, or two of one name or of the name of an arm.
    """
    found = [Subject(method.name, text, method=method) for text in models for method in [own.load(text)]]
    names = [*DECODERS.names(), *budgets.CEILINGS, *(subject.arm for subject in found)]
    for subject in found:
        if names.count(subject.arm) > 1:
            raise ValueError(f"two networks are called {subject.arm}; name your own with --model NAME=FILE")
    own.check((subject.method for subject in found), {"blank": (_blank(), _blank())})
    return found


def cards(subjects: Sequence[Subject], device: torch.device) -> dict[str, dict[str, Any]]:
    """The columns that depend neither on threads nor on the number of pictures a call, by the subject's name."""
    sources = {subject.name: subject.source for subject in subjects if not subject.is_onnx}
    peaks = memory.peak_bytes(sources, SHAPE, MEMORY_BATCH, device)
    told = tqdm(subjects, desc=f"cards, {device.type}", disable=None)
    return {subject.name: _card(subject, peaks.get(subject.name), device) for subject in told}


def _card(subject: Subject, peak: int | None, device: torch.device) -> dict[str, Any]:
    known = {"arm": subject.arm, "widths": subject.widths, "budgets": subject.budgets}
    if subject.is_onnx:
        return known | subject.method.costs(SHAPE) | {"file_bytes": subject.method.file_bytes} | subject.method.ran
    network = _unwrapped(subject.network()).eval()
    with kept():
        return {
            **known,
            "parameters": costs.parameters(network),
            "macs": costs.macs(network, SHAPE),
            "activations": costs.activations(network, SHAPE),
            "file_bytes": costs.file_bytes(network),
            "peak_bytes": peak,
            "peak_bytes_batch": MEMORY_BATCH,
            **export.compare(network),
            **determinism.backward(network, device),
        }


def trained(subjects: Sequence[Subject], of: dict[str, dict[str, Any]]) -> dict[str, nn.Module]:
    """A copy of each network whose gradients could be taken, by the subject's name."""
    return {
        subject.name: _unwrapped(subject.network())
        for subject in subjects
        if of[subject.name].get("deterministic") in determinism.ANSWERS
    }


def _unwrapped(network: nn.Module) -> nn.Module:
    """A user's network without what names its file in errors."""
    return network.network if isinstance(network, own.Checked) else network


def _blank() -> Pictures:
    return Pictures("blank", "test", torch.zeros(1, *SHAPE, dtype=torch.uint8), ("0",), ("",))
