"""`python -m bench costs`: the cost card of every arm at every budget, on this machine and each of its devices."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import safetensors.torch
import torch
from torch import Tensor
from tqdm import tqdm

from bench import budgets, ceiling, costs, determinism, export, machine, memory, provenance, speed
from bench.columns import COSTS
from bench.grid import ARMS, Network, Selection
from bench.recipe import Recipe
from denoise import engine, weights
from denoise.files import whole_file

SHAPE = budgets.SHAPE
SIZES = (1, 32, 128, 512)  # pictures a call
MEMORY_BATCH = 128
SIGMA = 0.4

Denoise = Callable[[Tensor, float], Tensor]


def main(given: argparse.Namespace) -> None:
    recipe = Recipe.read(given.results)
    networks = _distinct(recipe, tuple(given.arms or ARMS))
    devices = [torch.device("cpu"), *([torch.device("cuda")] if torch.cuda.is_available() else [])]
    for device in devices:
        frame = pd.DataFrame(_rows(networks, recipe, device, given.rounds)).assign(command=given.command)
        target = given.results / f"costs-{_slug(machine.describe(), device)}.csv"
        with whole_file(target) as partial:
            frame.reindex(columns=list(COSTS)).to_csv(partial, index=False, float_format="%.5g")
        print(f"written: {target} ({len(frame)} rows)")


def _distinct(recipe: Recipe, arms: tuple[str, ...]) -> list[Network]:
    """One network for each arm and channels: what it is trained on changes no cost."""
    return Selection(("mnist",), (True,), arms, seeds=1).networks(recipe, possible=True)


def _rows(networks: list[Network], recipe: Recipe, device: torch.device, rounds: int) -> Iterator[dict[str, Any]]:
    """A row a network, number of threads and number of pictures a call."""
    cards = {
        network.name: _card(network, recipe, device)
        for network in tqdm(networks, desc=f"cards, {device.type}", disable=None)
    }
    built = {network.name: weights.build(network.settings(recipe).network()) for network in networks}
    for name, rate in costs.training_rates(built, SHAPE, recipe.batch, rounds).items():
        cards[name] |= {"train_images_per_s": rate, "train_batch": recipe.batch}
    every = torch.get_num_threads()
    for threads in (1, every) if device.type == "cpu" and every > 1 else (every,):
        torch.set_num_threads(threads)
        try:
            rates = ceiling.rates(device, torch.float32)
            times = _times(networks, recipe, device, rounds)
            facts = machine.describe() | {"device": device.type, "cpu_threads": threads} | rates
        finally:
            torch.set_num_threads(every)
        best = max(rates["ceiling_matmul_tmacs"], rates["ceiling_conv_tmacs"]) * 1e12
        for network in networks:
            card = cards[network.name]
            for size, measured in times[network.name].items():
                reached = {"fraction_of_ceiling": measured["images_per_s"] * card["macs"] / best}
                yield card | {"batch": size} | measured | reached | facts | _versions()


def _card(network: Network, recipe: Recipe, device: torch.device) -> dict[str, Any]:
    """What does not depend on the number of pictures a call."""
    architecture = network.settings(recipe).network()
    net = weights.build(architecture).eval()
    return {
        "arm": network.arm,
        "widths": "x".join(map(str, network.widths)),
        "budgets": " ".join(budgets.names(network.arm, network.widths, recipe.width, recipe.depth)),
        "parameters": costs.parameters(net),
        "macs": costs.macs(net, SHAPE),
        "activations": costs.activations(net, SHAPE),
        "file_bytes": len(safetensors.torch.save(net.state_dict())),
        "peak_bytes": memory.peak_bytes(architecture, SHAPE, MEMORY_BATCH, device),
        "peak_bytes_batch": MEMORY_BATCH,
        **export.compare(net),
        **determinism.backward(weights.build(architecture), device),
    }


def _times(
    networks: list[Network], recipe: Recipe, device: torch.device, rounds: int
) -> dict[str, dict[int, dict[str, float]]]:
    denoisers = {network.name: _denoiser(network, recipe, device) for network in networks}
    noisy = torch.rand(max(SIZES), *SHAPE, generator=torch.Generator().manual_seed(0))
    label = f"{device.type}, {torch.get_num_threads()} threads"
    with tqdm(total=len(networks) * rounds, unit=" turns", desc=label, disable=None) as bar:
        return speed.measure(denoisers, noisy, SIGMA, device, SIZES, rounds, bar.update)


def _denoiser(network: Network, recipe: Recipe, device: torch.device) -> Denoise:
    card = {"architecture": network.settings(recipe).network()}
    denoiser = engine.Denoiser(weights.build(card["architecture"]), network.name, card, device)
    return lambda noisy, sigma: denoiser.estimate(noisy)


def _versions() -> dict[str, Any]:
    return {name: value for name, value in provenance.describe().items() if name in ("protocol", "commit", "python")}


def _slug(described: dict[str, object], device: torch.device) -> str:
    """Names the machine and the device in a file name."""
    name = described["gpu"] if device.type == "cuda" else f"{described['cpu']} {os.cpu_count()} threads"
    return re.sub(r"[^a-z0-9]+", "-", f"{name} {device.type}".lower()).strip("-")
