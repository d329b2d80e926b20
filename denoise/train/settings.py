"""Training settings that determine the weights: name, default and command-line option."""

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
from denoise.registry import Entry, renamed
from denoise.train.optimizers import OPTIMIZERS

LOSSES = {  # (network, logits, clean) -> scalar
    "bce": lambda network, logits, clean: F.binary_cross_entropy_with_logits(logits, clean),
    "mse": lambda network, logits, clean: F.mse_loss(network.picture(logits), clean),
    "l1": lambda network, logits, clean: F.l1_loss(network.picture(logits), clean),
    "psnr": lambda network, logits, clean: _negative_psnr(network.picture(logits), clean),
}


def _negative_psnr(estimate: Tensor, clean: Tensor) -> Tensor:
    """Return minus the mean PSNR in dB.

    An image with little noise counts as much as one with strong noise, which dominates a squared
    error (Chen et al., HINet, 2021, https://arxiv.org/abs/2105.06086). The value is bounded at 50
    dB, so that an image without noise has a bounded gradient.
    """
    errors = (estimate - clean).square().flatten(1).mean(1)
    return 10 * torch.log10(errors + 1e-5).mean()


PRECISIONS = ("auto", "bfloat16", "float32")
SEEDS = 2**63  # PyTorch takes no larger seed
INITS = ("pytorch", "keras")
NORMS = ("batch", "frozen")


def cosine(step: int, steps: int) -> float:
    """Return the share of the highest learning rate: a linear rise, then a cosine.

    The rise takes the first 5 % of the steps, at most 200.
    """
    warm = min(200, max(1, steps // 20))
    return min(1.0, (step + 1) / warm) * 0.5 * (1 + math.cos(math.pi * step / steps))


WARM = 100  # steps of the warm-up of `wsd`, for every training length
COOLDOWN = 0.2  # share of the steps in the cooldown of `wsd`


def stable(steps: int) -> int:
    """Return the number of steps before the cooldown of `wsd`.

    Up to there, trainings of all lengths have equal weights.
    """
    return steps - max(1, round(COOLDOWN * steps))


def wsd(step: int, steps: int) -> float:
    """Return the share of the highest learning rate: warm-up, stable rate, linear decay (WSD).

    One training gives several lengths: each length has its own cooldown. Haegele et al., "Scaling
    laws and compute-optimal training beyond fixed training durations", 2024,
    https://arxiv.org/abs/2405.18392.
    """
    return min(1.0, (step + 1) / WARM, (steps - step) / (steps - stable(steps)))


# (step, steps) -> share of the highest rate
SCHEDULES = {"cosine": cosine, "constant": lambda step, steps: 1.0, "wsd": wsd}


@dataclasses.dataclass(frozen=True)
class Settings:
    """Settings that determine the weights.

    The card holds them; a checkpoint continues only under equal settings.
    """

    dataset: str = option(
        "mnist", "training images: " + ", ".join(datasets.DATASETS.names()) + ", folder:PATH"
    )
    architecture: str = option(
        "autoencoder", "network architecture: " + ", ".join(ARCHITECTURES.names())
    )
    decoder: str = option(
        "nearest", "upsampling stage (autoencoder, unet): " + ", ".join(DECODERS.names())
    )
    width: int = option(32, "channels of the first stage (autoencoder, unet) or each layer (dncnn)")
    depth: int = option(2, "number of poolings (autoencoder, unet) or convolutions (dncnn)")
    decoder_widths: tuple[int, ...] = option(
        (),
        "channels of each upsampling stage, e.g. 32,16",
        parse=whole_numbers,
        shown="the encoder's, mirrored",
    )
    channels: int = option(1, "image channels: 1 gray (color images are converted), 3 color")
    output: str = option("sigmoid", "output of a unet or dncnn: " + ", ".join(OUTPUTS))
    bias: bool = option(True, "biases and batch normalization of a unet (default: on)")
    noise_conditional: bool = option(False, "sigma as an input channel of a unet (default: off)")
    blocks: tuple[int, ...] = option(
        (),
        "residual blocks per size of a unet, full size first, e.g. 2,2,1",
        parse=whole_numbers,
        shown="none",
    )
    noise_dropout: float = option(
        0.5, "share of training images with sigma replaced by 0 (--noise-conditional)"
    )
    noise: str = option("gaussian", "type of noise: " + ", ".join(NOISES.names()))
    sigma: tuple[float, float] = option(
        (0.0, 0.6),
        "noise level or LOW:HIGH, in units of the [0, 1] range",
        parse=levels,
        shown="0:0.6",
    )
    clip: bool = option(True, "clamp the noisy image to [0, 1] (default: on)")
    loss: str = option("bce", "training loss: " + ", ".join(LOSSES))
    images: int = option(1_000_000, "training length in images seen: epochs x dataset size")
    batch: int = option(128, "images per step")
    patch: int = option(0, "side of a random crop in pixels; 0: whole images")
    optimizer: str = option("adam", "optimizer: " + ", ".join(OPTIMIZERS))
    lr: float = option(2e-3, "highest learning rate")
    schedule: str = option("cosine", "schedule of the learning rate: " + ", ".join(SCHEDULES))
    dihedral: bool = option(False, "random dihedral augmentation: turn and mirror (default: off)")
    ema: float = option(0.0, "decay of the EMA of the weights, e.g. 0.999; 0: no EMA")
    online_noise: bool = option(True, "new noise each time an image is seen (default: on)")
    init: str = option(
        "pytorch", "library whose default initial weights are used: " + ", ".join(INITS)
    )
    norm: str = option(
        "batch",
        "batch normalization statistics: of the batch, or frozen from --init-from: "
        + ", ".join(NORMS),
        parse=lambda text: renamed({"norm": text})["norm"],
    )
    init_from: str = option(
        "", "initial weights: shipped name or .safetensors file", shown="none, from scratch"
    )
    half: bool = option(
        False, "round trained weights to float16: half the bytes in results (default: off)"
    )
    seed: int = option(0, "seed of initial weights, image order, crops, levels and noise")
    precision: str = option("auto", "number format of training: " + ", ".join(PRECISIONS))

    def __post_init__(self) -> None:
        datasets.named(self.dataset)
        named = {ARCHITECTURES: self.architecture, DECODERS: self.decoder, NOISES: self.noise}
        for registry, name in named.items():
            registry[name]  # raises UnknownName
        choices = {"loss": LOSSES, "precision": PRECISIONS, "schedule": SCHEDULES}
        choices |= {"init": INITS, "output": OUTPUTS, "optimizer": OPTIMIZERS, "norm": NORMS}
        for name, valid in choices.items():
            if getattr(self, name) not in valid:
                raise ValueError(
                    f"unknown {name} {getattr(self, name)!r}; valid: {', '.join(valid)}"
                )
        low, high = (check_level(level, self.noise) for level in self.sigma)
        if low > high:
            raise ValueError(f"sigma is {low:g}:{high:g}; valid: LOW:HIGH with LOW at most HIGH")
        for name in ("width", "depth", "channels", "images", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if self.patch and not self.online_noise:
            raise ValueError(
                "--no-online-noise corrupts whole images once; it cannot be combined with --patch"
            )
        if self.loss == "bce" and self.output != "sigmoid":
            raise ValueError(
                f"--loss bce needs --output sigmoid; valid with --output {self.output}: "
                "mse, l1, psnr"
            )
        if self.norm == "frozen" and not self.init_from:
            raise ValueError(
                "--norm frozen needs the statistics of trained weights: give --init-from"
            )
        for name in ("ema", "noise_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(
                    f"{name} is {getattr(self, name):g}; it must be at least 0 and below 1"
                )
        if self.dihedral and not self.online_noise:
            raise ValueError(
                "--no-online-noise corrupts each image once; it cannot be combined with --dihedral"
            )
        if self.channels not in (1, 3):
            raise ValueError(f"channels is {self.channels}; valid: 1 (gray), 3 (color)")
        if self.patch < 0:
            raise ValueError(f"patch is {self.patch}; it must be at least 0 (0: whole images)")
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
        known, settings = cls().plain(), renamed(card["settings"])
        strange = sorted(settings.keys() - known.keys())
        if strange:
            raise ValueError(
                f"unknown settings, perhaps of a newer version: {', '.join(strange)[:200]}"
            )
        json_files.check(settings, typing.get_type_hints(cls), "settings")
        held = known | settings
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in held.items()
        }
        return cls(**values)

    @property
    def steps(self) -> int:
        """Number of training steps."""
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
        """Return the `architecture` part of a card: its name and its options."""
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
                f"--{strange[0].replace('_', '-')} is no option of {entry.name}; valid for {valid}"
            )
        return {"name": entry.name} | {
            name: value for name, value in options.items() if name in taken
        }


def _options(architecture: Entry) -> Collection[str]:
    return inspect.signature(architecture.build).parameters


CHOICES = ("decoder_widths", "output", "bias", "noise_conditional", "blocks")
"""Options of networks; if a card lacks one of these, its network has the default."""
DEFAULTS = {field.name: field.default for field in dataclasses.fields(Settings)}
