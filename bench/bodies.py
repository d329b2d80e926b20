"""What the decoders are compared in: an autoencoder on small pictures, or a U-Net on photographs.

The body says what is trained on what and tested on what; a recipe (`bench.recipe`) how large and how long.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from denoise.decoders import DECODERS
from denoise.noise import NOISES


@dataclasses.dataclass(frozen=True)
class Body:
    """One kind of comparison.

    Attributes
    ----------
    name : str
        The architecture that holds the decoder.
    label, question, mark : str
        For people: what it is, what is asked, and what its part of the README is called.
    shown : tuple of (str, bool)
        The training set and clamping of the README's table and figures, and of the spectra.
    example_sigma : float
        The level of the noise of the example pictures.
    datasets : tuple of str
        A network is trained for each of these, on its training pictures, and tested on it and on the others of `tests`.
    tests : tuple of str
    clipped : tuple of bool
        Whether the noise of training and test is clamped: a network for each.
    budgets : tuple of str
        What is held equal between the arms, a comparison for each: names of `bench.budgets.BUDGETS`.
    ceilings : tuple of str
        Networks that are no arm and stand above them, at equal parameters.
    options : dict
        Of the architecture.
    training : dict
        What differs from the defaults of `denoise.settings.Settings`.
    photographic : bool
        Which noises are tried that no network was trained for.
    tutorials : bool
        Whether the tutorials' networks stand in the same report.
    """

    name: str
    label: str
    question: str
    mark: str
    shown: tuple[str, bool]
    example_sigma: float
    datasets: tuple[str, ...]
    tests: tuple[str, ...]
    clipped: tuple[bool, ...]
    ceilings: tuple[str, ...]
    budgets: tuple[str, ...] = ("channels", "parameters", "macs")
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    training: dict[str, Any] = dataclasses.field(default_factory=dict)
    photographic: bool = False
    tutorials: bool = False

    @property
    def arms(self) -> tuple[str, ...]:
        """Every decoder, and the ceilings."""
        return (*DECODERS.names(), *self.ceilings)

    @property
    def noises(self) -> list[str]:
        """The noises of the tests beside Gaussian."""
        kinds = [noise.name for noise in NOISES if noise.name != "gaussian"]
        if not self.photographic:
            return [name for name in kinds if not NOISES[name].facts.get("photographic")]
        return ["poisson", *(name for name in kinds if NOISES[name].facts.get("photographic") and name != "mixed")]


DIGITS = ("mnist", "notmnist", "fashion_mnist")
BODIES = {
    "autoencoder": Body(
        "autoencoder", "Autoencoders", "Which decoder should a denoising autoencoder use?", "answer",
        ("mnist", True), 0.4, DIGITS, DIGITS, clipped=(True, False), ceilings=("unet", "dncnn"), tutorials=True
    ),
    "unet": Body(
        "unet", "U-Nets", "Which decoder should a U-Net for photographs use?", "answer for photographs",
        ("bsd68", False), 25 / 255, ("bsd68",), ("bsd68", "set12"), clipped=(False,), ceilings=(),
        budgets=("parameters",), options={"output": "residual", "bias": False},
        training={
            "sigma": (0.0, 55 / 255), "loss": "psnr", "patch": 64, "flips": True, "ema": 0.999, "init": "keras"
        },
        photographic=True,
    ),
}  # fmt: skip
"""By the name that a recipe gives. The U-Net is trained as DnCNN-B was, blind over sigma 0 to 55/255, not clamped; loss
and initial weights are those that were best on pictures held out (bench/LOG.md)."""
