"""Labels of arms, datasets, budgets and noise levels, equal in every document."""

from __future__ import annotations

from collections.abc import Iterable

from denoise.classical import DENOISERS
from denoise.decoders import DECODERS
from denoise.models.architectures import ARCHITECTURES
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
BUDGETS = {
    "channels": "equal channels",
    "parameters": "equal parameters",
    "macs": "equal MACs",
    "deployed": "equal deployed MACs",
}
MARKS = {"better": "+", "worse": "−", "equal": "=", "undecided": "?"}
"""Signs of the verdicts in tables."""


def asked(budgets: Iterable[str]) -> list[str]:
    """Select the budgets that answer the question: equal channels and MACs, else all given.

    At equal channels, both arms of the question have the same number of parameters.
    """
    there = list(dict.fromkeys(budgets))
    return [name for name in ("channels", "macs", "deployed") if name in there] or there


def arm(name: str) -> Entry:
    """Return the registry entry of a decoder, a ceiling or an untrained method."""
    for registry in (DECODERS, DENOISERS):
        if name in registry:
            return registry[name]
    return ARCHITECTURES[name]


def in_text(name: str) -> str:
    """Return the label of an arm inside a sentence."""
    label = arm(name).label
    return label[0].lower() + label[1:]


def dataset(name: str) -> str:
    """Return the name used in papers."""
    return NAMES.get(name, name)


def level(sigma: float) -> str:
    """Format sigma for readers: 0.4 unchanged, 0.098 as in papers, 25/255."""
    of_papers = round(sigma * 255, 3)  # results store six digits
    is_of_papers = of_papers == round(of_papers) and round(sigma, 2) != sigma
    return f"{of_papers:g}/255" if is_of_papers else f"{sigma:g}"


def span(levels: Iterable[str]) -> str:
    """Format the range of several levels, as named in results: "sigma 0.1 to 0.6"."""
    sigmas = sorted({float(name) for name in levels if name != "all"})
    return f"sigma {level(sigmas[0])} to {level(sigmas[-1])}" if sigmas else "all levels"


def middle(levels: Iterable[str]) -> str | None:
    """Return the middle one of several levels, as named in results.

    For 0.1 to 0.6 it is 0.4, the level of the Keras example.
    """
    named = sorted({name for name in levels if name != "all"}, key=float)
    return named[len(named) // 2] if named else None


def noise(name: str, clipped: bool) -> str:
    """Return the label of a corruption: "clipped Gaussian noise"."""
    label = NOISES[name].label
    return (
        f"{'clipped' if clipped else 'unclipped'} "
        f"{label if name == 'gaussian' else label.lower()} noise"
    )


def counted(number: int, thing: str) -> str:
    """Format a count: "1 training seed", "3 training seeds"."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def three_figures(value: float) -> str:
    """Round a measurement to three figures: "3,060" for 3056.2, "0.123" for 0.12345."""
    return f"{float(f'{value:.3g}'):,g}"
