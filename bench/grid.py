"""The definitive comparison as a list of cells: which networks are trained, and on what each is scored.

A network is trained once, blind over its range of levels, for each (dataset, clipped or not, arm, budget, seed); where
two budgets ask for the same channels they name the same network. Each is then scored in suites of test corruptions.
"""

from __future__ import annotations

import dataclasses
import itertools

from bench import budgets
from bench.quality import Corruption
from bench.recipe import Recipe
from denoise.decoders import DECODERS
from denoise.noise import NOISES
from denoise.train import Settings

DATASETS = ("mnist", "notmnist", "fashion_mnist")


@dataclasses.dataclass(frozen=True)
class Network:
    """One training: what it is trained on, with which decoder and seed."""

    dataset: str
    clip: bool
    decoder: str
    widths: tuple[int, ...]
    seed: int

    @property
    def name(self) -> str:
        """Unique within a recipe, and the stem of every file of this network."""
        clipped = "clipped" if self.clip else "unclipped"
        widths = "x".join(map(str, self.widths))
        return f"{self.dataset}-{clipped}-{self.decoder}-{widths}-s{self.seed}"

    def settings(self, recipe: Recipe) -> Settings:
        """What `denoise.train` is asked for."""
        return Settings(
            dataset=self.dataset,
            decoder=self.decoder,
            width=recipe.width,
            depth=recipe.depth,
            decoder_widths=self.widths,
            clip=self.clip,
            images=recipe.images,
            batch=recipe.batch,
            lr=recipe.lr,
            seed=self.seed,
        )


@dataclasses.dataclass(frozen=True)
class Selection:
    """Which part of the grid a run works on; what is done already is kept, whatever the selection."""

    datasets: tuple[str, ...] = DATASETS
    clipped: tuple[bool, ...] = (True, False)
    decoders: tuple[str, ...] = tuple(DECODERS.names())
    budgets: tuple[str, ...] = tuple(budgets.BUDGETS)
    seeds: int = 3

    def networks(self, recipe: Recipe) -> list[Network]:
        """The networks in the order in which they are made, each once.

        One seed of every arm comes before the second seed of any: a run that is stopped early leaves a whole table
        with fewer seeds rather than a part of one.
        """
        chosen = {}
        for clip, dataset, seed, budget, decoder in itertools.product(
            self.clipped, self.datasets, range(self.seeds), self.budgets, self.decoders
        ):
            widths = budgets.channels(decoder, budget, recipe.width, recipe.depth)
            network = Network(dataset, clip, decoder, widths, seed)
            chosen[network.name] = network
        return list(chosen.values())


@dataclasses.dataclass(frozen=True)
class Test:
    """One test condition: on which pictures, under which corruption."""

    dataset: str
    corruption: Corruption


def suites(dataset: str, clip: bool) -> dict[str, list[Test]]:
    """What a network trained on (dataset, clip) is scored on, by the name of the suite.

    `own`: its own dataset and clamping, Gaussian noise at every level. `noises`: every other noise, of which it saw
    none. `cross`: the other datasets, and the other clamping.
    """
    others = [noise for noise in NOISES if noise.name != "gaussian"]
    return {
        "own": [Test(dataset, Corruption("gaussian", sigma, clip)) for sigma in NOISES["gaussian"].facts["levels"]],
        "noises": [
            Test(dataset, Corruption(noise.name, level, clip)) for noise in others for level in noise.facts["levels"]
        ],
        "cross": [
            *(Test(other, Corruption("gaussian", 0.4, clip)) for other in DATASETS if other != dataset),
            *(Test(dataset, Corruption("gaussian", sigma, not clip)) for sigma in NOISES["gaussian"].facts["levels"]),
        ],
    }
