"""Backbones of the decoders: an autoencoder for small images, and a U-Net for photographs.

A backbone fixes the training sets and the test sets; a recipe (`bench.sweep.recipe`) fixes size and
training length.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from denoise.decoders import DECODERS
from denoise.noise import NOISES


@dataclasses.dataclass(frozen=True)
class Body:
    """Backbone with its training and test sets, budgets and settings.

    Attributes
    ----------
    name : str
        The architecture that holds the decoder.
    label, question, mark : str
        Text for readers: the backbone's label, the question of its comparison, and the mark of its
        part in docs/.
    shown : tuple of (str, bool)
        Training set and clamping of the single table and figures, and of the spectra.
    example_sigma : float
        Sigma of the example images.
    datasets : tuple of str
        Training sets. One network is trained on each, and tested on it and on the other sets of
        `tests`.
    tests : tuple of str
        Test sets.
    clipped : tuple of bool
        Values of clamping, in training and test: one network for each.
    budgets : tuple of str
        Names of `bench.sweep.budgets.BUDGETS`, one comparison for each.
    ceilings : tuple of str
        Networks above the arms, which are no arms themselves; at equal parameters only.
    options : dict
        Options of the architecture.
    training : dict
        Settings that differ from the defaults of `denoise.train.settings.Settings`.
    photographic : bool
        Choice of the unseen test noises: the noises of photographs if True, the rest if False.
    tutorials : bool
        True if the tutorials' networks are in the same report.
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
        """Names of every decoder, then of the ceilings."""
        return (*DECODERS.names(), *self.ceilings)

    @property
    def noises(self) -> list[str]:
        """Names of the test noises besides Gaussian."""
        kinds = [noise.name for noise in NOISES if noise.name != "gaussian"]
        if not self.photographic:
            return [name for name in kinds if not NOISES[name].facts.get("photographic")]
        return [
            "poisson",
            *(name for name in kinds if NOISES[name].facts.get("photographic") and name != "mixed"),
        ]


DIGITS = ("mnist", "notmnist", "fashion_mnist")
BODIES = {
    "autoencoder": Body(
        name="autoencoder",
        label="Autoencoders",
        question="Which decoder should a denoising autoencoder use?",
        mark="answer",
        shown=("mnist", True),
        example_sigma=0.4,
        datasets=DIGITS,
        tests=DIGITS,
        clipped=(True, False),
        ceilings=("unet", "dncnn"),
        tutorials=True,
    ),
    "unet": Body(
        name="unet",
        label="U-Nets",
        question="Which decoder should a U-Net for photographs use?",
        mark="answer for photographs",
        shown=("bsd68", False),
        example_sigma=25 / 255,
        datasets=("bsd68",),
        tests=("bsd68", "set12"),
        clipped=(False,),
        ceilings=(),
        budgets=("parameters",),
        options={"output": "residual", "bias": False},
        training={
            "sigma": (0.0, 55 / 255),
            "loss": "psnr",
            "patch": 64,
            "dihedral": True,
            "ema": 0.999,
            "init": "keras",
        },
        photographic=True,
    ),
}
"""Backbones by the name in a recipe.

The U-Net is trained like DnCNN-B: blind over sigma 0 to 55/255, not clamped. Its loss and initial
weights were chosen on validation images (bench/LOG.md).
"""
