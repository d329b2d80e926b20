"""The definitive comparison as a list of cells: which networks are trained, and on what each is scored.

A network is trained once, blind over its range of levels, for each (dataset, clipped or not, arm, budget, seed); where
two budgets ask for the same channels they name the same network. Each is then scored in suites of test corruptions.
"""

from __future__ import annotations

import dataclasses
import itertools

from bench import budgets
from bench.bodies import BODIES
from bench.quality import Corruption
from bench.recipe import Recipe
from denoise.datasets import DATASETS
from denoise.noise import NOISES
from denoise.settings import Settings


@dataclasses.dataclass(frozen=True)
class Network:
    """One training: what it is trained on, which arm, and which seed.

    `arm` is a decoder, inside the body of the recipe, or one of its ceilings; `widths` are the channels that put it on
    a budget.
    """

    dataset: str
    clip: bool
    arm: str
    widths: tuple[int, ...]
    seed: int

    @property
    def name(self) -> str:
        """Unique within a recipe, and the stem of every file of this network."""
        clipped = "clipped" if self.clip else "unclipped"
        widths = "x".join(map(str, self.widths))
        return f"{self.dataset}-{clipped}-{self.arm}-{widths}-s{self.seed}"

    def settings(self, recipe: Recipe) -> Settings:
        """What `denoise.train` is asked for."""
        shape = budgets.architecture(self.arm, recipe.width, self.widths, recipe.body)
        shape["architecture"] = shape.pop("name")
        if "decoder_widths" in shape:
            shape["decoder_widths"] = tuple(shape["decoder_widths"])
        return Settings(
            dataset=self.dataset,
            clip=self.clip,
            images=recipe.images,
            batch=recipe.batch,
            lr=recipe.lr,
            precision=recipe.precision,
            seed=self.seed,
            **shape,
            **BODIES[recipe.body].training,
        )


@dataclasses.dataclass(frozen=True)
class Selection:
    """Which part of the grid a run works on; what is done already is kept, whatever the selection.

    Empty: all that belong to the body of the recipe. `seeds` are counted from 0; `more_seeds` come after them.
    """

    datasets: tuple[str, ...] = ()
    clipped: tuple[bool, ...] = ()
    arms: tuple[str, ...] = ()
    budgets: tuple[str, ...] = ()
    seeds: int = 3
    more_seeds: tuple[int, ...] = ()

    def pairs(self, recipe: Recipe) -> list[tuple[bool, str]]:
        """What is trained on: clamped or not, and which dataset."""
        body = BODIES[recipe.body]
        return list(itertools.product(self.clipped or body.clipped, self.datasets or body.datasets))

    def networks(self, recipe: Recipe, *, possible: bool = False) -> list[Network]:
        """The networks in the order in which they are made, each once; with `possible`, those alone that can be made.

        One seed of every arm comes before the second seed of any: a run that is stopped early leaves a whole table
        with fewer seeds rather than a part of one.
        """
        chosen = {}
        arms, seeds = self.arms or BODIES[recipe.body].arms, (*range(self.seeds), *self.more_seeds)
        for (clip, dataset), seed, budget, arm in itertools.product(
            self.pairs(recipe), seeds, self.budgets or BODIES[recipe.body].budgets, arms
        ):
            try:
                widths = budgets.channels(arm, budget, recipe.width, recipe.depth, recipe.body)
            except budgets.Impossible:
                if possible:
                    continue
                raise
            if widths is not None:
                network = Network(dataset, clip, arm, widths, seed)
                chosen[network.name] = network
        return list(chosen.values())


@dataclasses.dataclass(frozen=True)
class Test:
    """One test condition: on which pictures, under which corruption."""

    dataset: str
    corruption: Corruption


def suites(
    dataset: str, clip: bool, body: str = "autoencoder", sets: tuple[str, ...] | None = None
) -> dict[str, list[Test]]:
    """What a method trained on (dataset, clip) is scored on, by the name of the suite.

    `own`: its own dataset and clamping, Gaussian noise at every level. `noises`: every other noise, of which it saw
    none. `clamping`: the other clamping. `on_OTHER`: another dataset, one suite for each of `sets` (all that belong to
    the body by default), so that a dataset that was missing can be scored later.
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
