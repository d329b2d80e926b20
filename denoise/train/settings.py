"""Training settings that determine the weights: each has a name, a default and a command-line option."""

from __future__ import annotations

import dataclasses
import inspect
import json
import math
import typing
from collections.abc import Collection
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from denoise import datasets
from denoise.cli import levels, option, whole_numbers
from denoise.decoders import DECODERS
from denoise.files import json_files
from denoise.models.architectures import ARCHITECTURES, OUTPUTS
from denoise.noise import NOISES, check_level
from denoise.registry import Entry
from denoise.train.optimizers import OPTIMISERS

LOSSES = {  # (network, logits, clean) -> scalar
    "bce": lambda network, logits, clean: F.binary_cross_entropy_with_logits(logits, clean),
    "mse": lambda network, logits, clean: F.mse_loss(network.picture(logits), clean),
    "l1": lambda network, logits, clean: F.l1_loss(network.picture(logits), clean),
    "psnr": lambda network, logits, clean: _negative_psnr(network.picture(logits), clean),
}


def _negative_psnr(picture: Tensor, clean: Tensor) -> Tensor:
    """Return minus the mean PSNR in dB.

    An image with little noise counts as much as one with strong noise, which dominates a squared
    error (Chen et al., HINet, 2021, https://arxiv.org/abs/2105.06086). The value is bounded at 50
    dB, so that an image without noise has a bounded gradient.
    """
    errors = (picture - clean).square().flatten(1).mean(1)
    return 10 * torch.log10(errors + 1e-5).mean()


PRECISIONS = ("auto", "bfloat16", "float32")
SEEDS = 2**63  # PyTorch takes no larger seed
INITS = ("pytorch", "keras")
NORMS = ("batch", "kept")


def cosine(step: int, steps: int) -> float:
    """Return the share of the highest learning rate: a linear rise, then a cosine.

    The rise takes the first 5 % of the steps, at most 200.
    """
    warm = min(200, max(1, steps // 20))
    return min(1.0, (step + 1) / warm) * 0.5 * (1 + math.cos(math.pi * step / steps))


# (step, steps) -> share of the highest rate
SCHEDULES = {"cosine": cosine, "constant": lambda step, steps: 1.0}


@dataclasses.dataclass(frozen=True)
class Settings:
    """Settings that determine the weights.

    The card holds them; a checkpoint continues only under equal settings.
    """

    dataset: str = option(
        "mnist", "pictures to train on: " + ", ".join(datasets.DATASETS.names()) + ", folder:PATH"
    )
    architecture: str = option("autoencoder", "network: " + ", ".join(ARCHITECTURES.names()))
    decoder: str = option(
        "nearest", "upsampling stage (autoencoder, unet): " + ", ".join(DECODERS.names())
    )
    width: int = option(
        32, "channels of the first stage (autoencoder, unet) or of every layer (dncnn)"
    )
    depth: int = option(2, "poolings (autoencoder, unet) or convolutions (dncnn)")
    decoder_widths: tuple[int, ...] = option(
        (),
        "channels of each upsampling stage, as 32,16 (default: as the encoder's)",
        parse=whole_numbers,
        shown="none",
    )
    channels: int = option(
        1, "channels of the network: 1 gray (colour pictures are turned gray), 3 colour"
    )
    output: str = option("sigmoid", "what a unet or dncnn ends in: " + ", ".join(OUTPUTS))
    bias: bool = option(True, "without, a unet has neither biases nor batch normalisation")
    told: bool = option(False, "a unet takes the level of the noise as a channel of its input")
    blocks: tuple[int, ...] = option(
        (),
        "residual blocks of each size of a unet, the full one first, as 2,2,1",
        parse=whole_numbers,
        shown="none",
    )
    untold: float = option(
        0.5, "share of pictures whose level such a network is not told in training"
    )
    noise: str = option("gaussian", "corruption: " + ", ".join(NOISES.names()))
    sigma: tuple[float, float] = option(
        (0.0, 0.6), "level in units of the [0, 1] range, or LOW:HIGH", parse=levels, shown="0:0.6"
    )
    clip: bool = option(True, "clamp the noisy picture to [0, 1]")
    loss: str = option("bce", "training loss: " + ", ".join(LOSSES))
    images: int = option(1_000_000, "pictures to see in all, a picture seen again counted again")
    batch: int = option(128, "pictures a step")
    patch: int = option(0, "side of a random crop in pixels; 0 takes whole pictures")
    optimiser: str = option("adam", "what makes steps of gradients: " + ", ".join(OPTIMISERS))
    lr: float = option(2e-3, "the optimiser's highest learning rate")
    schedule: str = option("cosine", "of the learning rate: " + ", ".join(SCHEDULES))
    flips: bool = option(False, "turn and mirror each picture in one of eight ways")
    ema: float = option(
        0.0, "keep a moving average of the weights with this decay, as 0.999; 0: the last ones"
    )
    fresh: bool = option(
        True, "new noise each time a picture is seen; without, one noise a picture, as in tutorials"
    )
    init: str = option(
        "pytorch", "initial weights as its layers have them by default: " + ", ".join(INITS)
    )
    norm: str = option(
        "batch",
        "statistics of batch normalisation: the batch's own, or those of --start, kept: "
        + ", ".join(NORMS),
    )
    start: str = option(
        "", "weights to go on from: a shipped name or a .safetensors file (none: from scratch)"
    )
    seed: int = option(0, "of the initial weights, the order, the levels and the noise")
    precision: str = option("auto", "number format: " + ", ".join(PRECISIONS))

    def __post_init__(self) -> None:
        datasets.named(self.dataset)
        named = {ARCHITECTURES: self.architecture, DECODERS: self.decoder, NOISES: self.noise}
        for registry, name in named.items():
            registry[name]  # raises UnknownName
        choices = {"loss": LOSSES, "precision": PRECISIONS, "schedule": SCHEDULES}
        choices |= {"init": INITS, "output": OUTPUTS, "optimiser": OPTIMISERS, "norm": NORMS}
        for name, valid in choices.items():
            if getattr(self, name) not in valid:
                raise ValueError(
                    f"unknown {name} {getattr(self, name)!r}; valid: {', '.join(valid)}"
                )
        low, high = (check_level(level, self.noise) for level in self.sigma)
        if low > high:
            raise ValueError(f"sigma {low:g}:{high:g} runs downwards; valid: LOW:HIGH")
        for name in ("width", "depth", "channels", "images", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if self.patch and not self.fresh:
            raise ValueError(
                "--no-fresh gives each whole picture one noise; it cannot be had with --patch"
            )
        if self.loss == "bce" and self.output != "sigmoid":
            raise ValueError(
                "--loss bce is for a network that ends in a sigmoid; with --output "
                "residual: mse, l1, psnr"
            )
        if self.norm == "kept" and not self.start:
            raise ValueError(
                "--norm kept goes on under the statistics of trained weights: give --start"
            )
        for name in ("ema", "untold"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(
                    f"{name} is {getattr(self, name):g}; it must be at least 0 and below 1"
                )
        if self.flips and not self.fresh:
            raise ValueError(
                "--no-fresh gives each picture one noise; it cannot be had with --flips"
            )
        if self.channels not in (1, 3):
            raise ValueError(f"channels is {self.channels}; valid: 1 (gray), 3 (colour)")
        if self.patch < 0:
            raise ValueError(
                f"patch is {self.patch}; it must be at least 0, which takes whole images"
            )
        if not 0 <= self.seed < SEEDS:
            raise ValueError(f"seed is {self.seed}; it must be at least 0 and below 2**63")
        if not 0 < self.lr < 1:
            raise ValueError(f"lr is {self.lr:g}; it must lie between 0 and 1")

    @classmethod
    def of(cls, card: dict[str, Any]) -> Settings:
        """Read the settings of a card or a checkpoint.

        A setting missing there gets its default value.

        Raises
        ------
        ValueError
            An unknown setting, for example of a newer version, or an invalid value.
        """
        json_files.check(card, {"settings": dict}, "card", needed=("settings",))
        known = cls().plain()
        strange = sorted(card["settings"].keys() - known.keys())
        if strange:
            raise ValueError(
                f"settings that this version does not know: {', '.join(strange)[:200]}"
            )
        json_files.check(card["settings"], typing.get_type_hints(cls), "settings")
        held = known | card["settings"]
        return cls(
            **{
                name: tuple(value) if isinstance(value, list) else value
                for name, value in held.items()
            }
        )

    @property
    def steps(self) -> int:
        return math.ceil(self.images / self.batch)

    @property
    def name(self) -> str:
        """`dataset-decoder`, or `dataset-architecture` for a network whose decoder is fixed."""
        variant = (
            DECODERS[self.decoder].name if self.architecture == "autoencoder" else self.architecture
        )
        return f"{self.dataset.partition(':')[0]}-{variant}"

    def plain(self) -> dict[str, Any]:
        """Return the settings as JSON restores them: lists for tuples."""
        return json.loads(json.dumps(dataclasses.asdict(self)))

    def network(self) -> dict[str, Any]:
        """Return the `architecture` part of a card: its name, and the settings that this architecture takes."""
        entry = ARCHITECTURES[self.architecture]
        taken = _options(entry)
        options = {
            "channels": self.channels,
            "decoder": DECODERS[self.decoder].name,
            "width": self.width,
        }
        options["depth"] = self.depth
        chosen = {
            name: getattr(self, name) for name in CHOICES if getattr(self, name) != DEFAULTS[name]
        }
        options |= {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in chosen.items()
        }
        strange = [name for name in CHOICES if name in options and name not in taken]
        if strange:
            valid = ", ".join(
                name
                for name in ARCHITECTURES.names()
                if strange[0] in _options(ARCHITECTURES[name])
            )
            raise ValueError(
                f"--{strange[0].replace('_', '-')} is not for {entry.name}; valid for {valid}"
            )
        return {"name": entry.name} | {
            name: value for name, value in options.items() if name in taken
        }


def _options(architecture: Entry) -> Collection[str]:
    return inspect.signature(architecture.build).parameters


CHOICES = ("decoder_widths", "output", "bias", "told", "blocks")
"""Options of networks; if a card lacks one of these, its network has the default."""
DEFAULTS = {field.name: field.default for field in dataclasses.fields(Settings)}
