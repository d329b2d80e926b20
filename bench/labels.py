"""How arms, datasets and budgets are called and coloured for people: from their registries, the same everywhere."""

from __future__ import annotations

from collections.abc import Iterable

from denoise.classical import DENOISERS
from denoise.decoders import DECODERS
from denoise.models import ARCHITECTURES
from denoise.noise import NOISES
from denoise.registry import Entry

NAMES = {
    "mnist": "MNIST",
    "notmnist": "notMNIST",
    "fashion_mnist": "Fashion-MNIST",
    "bsd68": "BSD68",
    "set12": "Set12",
    "cbsd68": "CBSD68",
    "documents": "Dirty documents",
}
BUDGETS = {"channels": "equal channels", "parameters": "equal parameters", "macs": "equal MACs"}


def asked(budgets: Iterable[str]) -> list[str]:
    """At which of these budgets the question is asked: equal channels and equal MACs, else the ones there are.

    Both arms of the question have the same number of parameters at equal channels.
    """
    there = list(dict.fromkeys(budgets))
    return [name for name in ("channels", "macs") if name in there] or there


def arm(name: str) -> Entry:
    """The registry entry of a decoder, of a ceiling, or of a method without training."""
    for registry in (DECODERS, DENOISERS):
        if name in registry:
            return registry[name]
    return ARCHITECTURES[name]


def in_text(name: str) -> str:
    """The label of an arm in the middle of a sentence."""
    label = arm(name).label
    return label[0].lower() + label[1:]


def dataset(name: str) -> str:
    """What papers call it."""
    return NAMES.get(name, name)


def level(sigma: float) -> str:
    """A level of noise for people: 0.4 as it is, 0.098 as papers write it, 25/255."""
    of_papers = round(sigma * 255, 3)  # results name levels by six digits
    is_of_papers = of_papers == round(of_papers) and round(sigma, 2) != sigma
    return f"{of_papers:g}/255" if is_of_papers else f"{sigma:g}"


def span(levels: Iterable[str]) -> str:
    """Several levels of noise, as results name them, for people: "sigma 0.1 to 0.6"."""
    sigmas = sorted({float(name) for name in levels if name != "all"})
    return f"sigma {level(sigmas[0])} to {level(sigmas[-1])}" if sigmas else "all levels"


def middle(levels: Iterable[str]) -> str | None:
    """The level in the middle of several, as results name it: 0.4 of 0.1 to 0.6, that of the Keras example."""
    named = sorted({name for name in levels if name != "all"}, key=float)
    return named[len(named) // 2] if named else None


def noise(name: str, clipped: bool) -> str:
    """A corruption for people: "clipped Gaussian noise"."""
    label = NOISES[name].label
    return f"{'clipped' if clipped else 'unclipped'} {label if name == 'gaussian' else label.lower()} noise"


def counted(number: int, thing: str) -> str:
    """ "1 training seed", "3 training seeds"."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def three_figures(value: float) -> str:
    """What was measured, rounded to three figures: "3,060" of 3056.2, "0.123" of 0.12345."""
    return f"{float(f'{value:.3g}'):,g}"
