"""Grid of the benchmark: the networks to train, and the test conditions of each network.

One blind network, over the whole range of sigma, is trained for each (dataset, clipped or not, arm,
budget, seed). Two budgets that need the same channels share one network. Each network is scored in
suites of test corruptions.
"""

from __future__ import annotations

import dataclasses
import itertools

from bench.scoring.quality import Corruption
from bench.sweep import budgets, rates
from bench.sweep.backbones import BODIES
from bench.sweep.recipe import Recipe
from denoise.datasets import DATASETS
from denoise.noise import NOISES
from denoise.train.settings import Settings


@dataclasses.dataclass(frozen=True)
class Network:
    """One network to train: its training data, arm, channels and seed.

    `arm` is a decoder, inside the recipe's backbone, or one of the ceilings. `widths` are the
    channels that put the arm on a budget. `lr` is the learning rate of a trial; None: the tuned
    rate.
    """

    dataset: str
    clip: bool
    arm: str
    widths: tuple[int, ...]
    seed: int
    lr: float | None = None

    @property
    def name(self) -> str:
        """Name that is unique within a recipe; stem of every file of this network."""
        clipped = "clipped" if self.clip else "unclipped"
        widths = "x".join(map(str, self.widths))
        rate = "" if self.lr is None else f"-lr{self.lr:g}"
        return f"{self.dataset}-{clipped}-{self.arm}-{widths}{rate}-s{self.seed}"

    def shorter(self, recipe: Recipe) -> dict[int, str]:
        """Return the names of the networks of the recipe's shorter lengths; a trial has none."""
        lengths = recipe.shorter if self.lr is None else []
        return {length: f"{self.name}-at{length}" for length in lengths}

    def settings(self, recipe: Recipe) -> Settings:
        """Return the settings for `denoise.train`."""
        shape = budgets.architecture(self.arm, recipe.width, self.widths, recipe.body)
        shape["architecture"] = shape.pop("name")
        if "decoder_widths" in shape:
            shape["decoder_widths"] = tuple(shape["decoder_widths"])
        return Settings(
            dataset=self.dataset,
            clip=self.clip,
            images=recipe.images,
            batch=recipe.batch,
            optimizer=recipe.optimizer,
            schedule=recipe.schedule,
            lr=self.lr or rates.of(recipe.body, self.dataset, self.arm, recipe.lr),
            half=recipe.half,
            precision=recipe.precision,
            seed=self.seed,
            **shape,
            **BODIES[recipe.body].training,
        )


@dataclasses.dataclass(frozen=True)
class Selection:
    """Part of the grid that a run works on. Existing results stay, whatever the selection.

    An empty field selects everything that belongs to the recipe's backbone. `seeds` counts from 0;
    `more_seeds` follow.
    """

    datasets: tuple[str, ...] = ()
    clipped: tuple[bool, ...] = ()
    arms: tuple[str, ...] = ()
    budgets: tuple[str, ...] = ()
    seeds: int = 3
    more_seeds: tuple[int, ...] = ()

    def pairs(self, recipe: Recipe) -> list[tuple[bool, str]]:
        """List the training sets as (clamped or not, dataset)."""
        body = BODIES[recipe.body]
        return list(itertools.product(self.clipped or body.clipped, self.datasets or body.datasets))

    def networks(self, recipe: Recipe) -> list[Network]:
        """List the networks in training order, each once.

        One seed of every arm comes before the second seed of any arm. A run that is stopped early
        then leaves a complete table with fewer seeds, not a part of a table.

        Raises
        ------
        Impossible
            An arm that `arms` names meets none of the budgets. An arm of the backbone meets fewer
            budgets, or none, without an error.
        """
        chosen = {}
        for (clip, dataset), seed, budget, arm in itertools.product(
            self.pairs(recipe),
            (*range(self.seeds), *self.more_seeds),
            self.budgets or BODIES[recipe.body].budgets,
            self.arms or BODIES[recipe.body].arms,
        ):
            if widths := budgets.possible(arm, budget, recipe):
                network = Network(dataset, clip, arm, widths, seed)
                chosen[network.name] = network
        met = {network.arm for network in chosen.values()}
        for arm in self.arms:
            if arm not in met:
                for budget in self.budgets or BODIES[recipe.body].budgets:
                    budgets.channels(arm, budget, recipe.width, recipe.depth, recipe.body)
        return list(chosen.values())


@dataclasses.dataclass(frozen=True)
class Test:
    """One test condition: a dataset and a corruption of its test images."""

    dataset: str
    corruption: Corruption


def suites(
    dataset: str, clip: bool, body: str = "autoencoder", sets: tuple[str, ...] | None = None
) -> dict[str, list[Test]]:
    """Return the test conditions of a method trained on (dataset, clip), by suite name.

    `own`: the training dataset and clamping, Gaussian noise at every level. `noises`: every other
    noise, none of them seen in training. `clamping`: the opposite clamping. `on_OTHER`: another
    dataset, one suite for each of `sets`, so that a missing dataset can be scored later. By
    default, `sets` are all test sets of the backbone.
    """
    chosen = BODIES[body]
    elsewhere = [other for other in (chosen.tests if sets is None else sets) if other != dataset]

    def gaussian(tested: str, clipped: bool) -> list[Test]:
        levels = DATASETS[tested].facts.get("levels", NOISES["gaussian"].facts["levels"])
        return [Test(tested, Corruption("gaussian", sigma, clipped)) for sigma in levels]

    return {
        "own": gaussian(dataset, clip),
        "noises": [
            Test(dataset, Corruption(noise, level, clip))
            for noise in chosen.noises
            for level in NOISES[noise].facts["levels"]
        ],
        "clamping": gaussian(dataset, not clip),
        **{f"on_{other}": gaussian(other, clip) for other in elsewhere},
    }
