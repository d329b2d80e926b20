"""Train one denoiser: `python -m denoise.train --dataset mnist --decoder nearest --sigma 0:0.6`.

Fresh noise in every batch, Adam or Muon with a cosine schedule, validation on pictures held out of training, a
checkpoint from which a killed run goes on to the same result. Writes NAME.safetensors and NAME.json. Under torchrun
several processes train one network (`denoise.distributed`), and the first of them writes.
"""

from __future__ import annotations

import importlib.metadata
import logging
import platform
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

import denoise
from denoise import checkpoint, commandline, datasets, distributed, precision, weights
from denoise.anysize import AnySize
from denoise.average import Average
from denoise.batches import Batches
from denoise.machine import has_bfloat16, keep_freed_memory
from denoise.mirror import ResidualBlock
from denoise.optimisers import OPTIMISERS
from denoise.rearranged import rearranged
from denoise.replay import Replayed
from denoise.settings import LOSSES, SCHEDULES, Settings
from denoise.validation import judge

log = logging.getLogger("denoise.train")


def train(
    settings: Settings,
    out: Path,
    root: Path | None = None,
    every: int = 1_000,
    *,
    name: str | None = None,
    validation: int | None = None,
    show: bool = True,
) -> Path:
    """Train and write the weights; goes on from a checkpoint of the same settings in `out`.

    Parameters
    ----------
    settings : Settings
    out : Path
        Folder of the weights and, while training, of the checkpoint.
    root : Path, optional
        The data root.
    every : int
        Steps between checkpoints, at each of which the validation PSNR is taken.
    name : str, optional
        What the weights are called; that of the settings where it is not given.
    validation : int, optional
        How many validation pictures the card's scores are of; all by default.
    show : bool
        Show a progress bar, where there is a terminal.

    Returns
    -------
    Path
        The .safetensors file.
    """
    team = distributed.team(settings.batch)
    name, show = name or settings.name, show and team.first
    saved, target = out / f"{name}.checkpoint.safetensors", out / f"{name}.safetensors"
    run = _Run(settings, team, root)
    run.start(saved)
    if run.done and team.first:
        log.info("going on from step %d of %d (%s)", run.done, settings.steps, saved)
    bar = tqdm(
        total=settings.steps * settings.batch, initial=run.done * settings.batch, unit=" images",
        desc=name, smoothing=0.05, mininterval=1, disable=None if show else True,
    )  # fmt: skip
    if run.progress["curve"]:
        bar.set_postfix_str(f"validation {run.progress['curve'][-1]['psnr']:.2f} dB")
    for step in range(run.done, settings.steps):
        loss = run.step(step)
        bar.update(settings.batch)
        if (step + 1) % every == 0 and step + 1 < settings.steps:
            average = team.mean(loss)
            if not team.first:
                continue
            point = run.save(saved, step + 1, average)
            bar.set_postfix_str(f"validation {point['psnr']:.2f} dB")
            if show and bar.disable:  # in a file or pipe there is no bar
                log.info("%s: %d images, validation %.2f dB", name, point["images"], point["psnr"])
    bar.close()
    team.leave()
    if team.first:
        card = {"name": name, **run.card(validation)}
        weights.save(run.average.network.cpu(), card, target)
        saved.unlink(missing_ok=True)
        log.info("%s: validation PSNR %s", target, card["validation_psnr"])
    return target


class _Run:
    """A training between two steps: data, network, optimiser, average, and what is known of it so far."""

    def __init__(self, settings: Settings, team: distributed.Alone, root: Path | None) -> None:
        self.settings, self.team, self.device = settings, team, team.device
        self.bfloat16 = settings.precision == "bfloat16" or (settings.precision == "auto" and has_bfloat16(self.device))
        found = (datasets.load(settings.dataset, split, root) for split in ("train", "val"))
        self.pictures, self.held_out = (part.gray() if settings.channels == 1 else part for part in found)
        self.batches = Batches(
            self.pictures, size=settings.batch, channels=settings.channels, patch=settings.patch, noise=settings.noise,
            sigma=settings.sigma, clip=settings.clip, fresh=settings.fresh, flips=settings.flips,
            untold=settings.untold if settings.told else 0.0, seed=settings.seed, device=self.device,
        )  # fmt: skip
        network = untrained(settings)
        self.before = _start_from(settings, network) if settings.start else None
        self.network = network.to(self.device, memory_format=torch.channels_last)
        self.average = Average(self.network, settings.ema)
        self.optimiser = OPTIMISERS[settings.optimiser](self.network, settings.lr)
        self.progress: dict[str, Any] = {"step": 0, "seconds": 0.0, "curve": [], "settings": settings.plain()}

    @property
    def done(self) -> int:
        """Steps."""
        return self.progress["step"]

    def start(self, saved: Path) -> None:
        """Go on from a checkpoint where there is one."""

        def read() -> dict[str, Any]:
            if not saved.exists():
                return self.progress
            return checkpoint.load(saved, self.network, self.optimiser, self.average, self.progress["settings"])

        self.progress = self.team.start(read, self.optimiser)
        self._learning()
        self.logits_of = self.team.setup(self._arranged())
        recording = self.device.type == "cuda" and self.team.size == 1  # several wait for each other meanwhile
        self.gradients_of = Replayed(self._gradients, choosing=True) if recording else self._gradients
        self.began = time.monotonic() - self.progress["seconds"]

    def _learning(self) -> None:
        """Put the layers into the mode in which they learn.

        Under statistics that are kept a network is trained as it is used. Under a batch's own it learns to lean on what
        it is never given later: the statistics of a few crops, which are unlike those of one picture (Wu and Johnson,
        "Rethinking 'Batch' in BatchNorm", 2021, https://arxiv.org/abs/2105.07576).
        """
        self.network.train()
        if self.settings.norm == "kept":
            for layer in self.network.modules():
                if isinstance(layer, nn.BatchNorm2d | nn.SyncBatchNorm):
                    layer.eval()

    def _arranged(self) -> AnySize:
        """The network, or a twin of the same weights that is quicker to train, in the mode in which the layers are."""
        if self.bfloat16 and self.device.type == "cpu":  # tried nowhere else
            try:
                return rearranged(self.network)
            except ValueError as error:
                log.info("trained as it is: %s", error)
        return self.network

    def step(self, number: int) -> Tensor:
        """Change the weights by one batch; returns its loss."""
        settings = self.settings
        batch = self.team.share(*self.batches(number))
        for group in self.optimiser.param_groups:
            group["lr"] = settings.lr * SCHEDULES[settings.schedule](number, settings.steps)
        loss = self.gradients_of(*batch)
        self.optimiser.step()
        self.average.update()
        return loss

    def _gradients(self, clean: Tensor, noisy: Tensor, levels: Tensor) -> Tensor:
        """The loss of a batch; its gradients are left with the weights."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            logits = self.logits_of(noisy.contiguous(memory_format=torch.channels_last), levels)
        loss = LOSSES[self.settings.loss](self.network, logits.float(), clean)
        self.optimiser.zero_grad()
        loss.backward()
        return loss.detach()

    def save(self, saved: Path, steps: int, loss: float) -> dict[str, Any]:
        """Validate and write the checkpoint; returns the new point of the curve."""
        some, settings = self.held_out.spread(1_000), self.settings
        scores, held_out_loss = judge(self.average.network, some, settings)
        point = {"images": steps * settings.batch, "loss": loss, "psnr": sum(scores.values()) / len(scores)}
        point["validation_loss"] = held_out_loss
        self._learning()  # validated in the other mode
        self.progress["curve"].append(point)
        self.progress |= {"step": steps, "seconds": time.monotonic() - self.began}
        checkpoint.save(saved, self.network, self.optimiser, self.average, self.progress)
        return point

    def card(self, validation: int | None) -> dict[str, Any]:
        """How the weights came to be; scores are of `validation` held-out pictures."""
        settings, before, some = self.settings, self.before, self.held_out.spread(validation)
        scores, loss = judge(self.average.network, some, settings)
        return {
            "architecture": settings.network(),
            "settings": self.progress["settings"],
            "data": {"train": len(self.pictures), "validation": len(self.held_out), "counted": self.pictures.notes},
            "images_seen": settings.steps * settings.batch + (before["images_seen"] if before else 0),
            "seconds": round(time.monotonic() - self.began, 1),
            "run_on": _run_on(self.device, self.bfloat16, self.team.size),
            "validation_loss": round(loss, 6),
            "validation_psnr": {f"{level:g}": round(value, 4) for level, value in scores.items()},
            **precision.mixed(self.average.network, some, settings, scores),
            "curve": self.progress["curve"],
            "started_from": before,
            "versions": _versions(),
        }


def untrained(settings: Settings) -> AnySize:
    """The network with the initial weights of its seed."""
    with torch.random.fork_rng(devices=[]):  # layers draw their initial weights from the global generator
        torch.manual_seed(settings.seed)
        network = weights.build(settings.network())
        return network.apply(_as_keras) if settings.init == "keras" else network


def _as_keras(layer: nn.Module) -> None:
    """Weights by Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010,
    and biases of 0, where PyTorch has smaller weights and biases at random: more channels stay alive. What a residual
    block adds starts at a tenth of that, so that many blocks begin as few."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.xavier_uniform_(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    elif isinstance(layer, ResidualBlock):  # its convolutions have had their turn
        with torch.no_grad():
            layer.branch[-1].weight *= 0.1  # of the normalisation, where there is one


def _start_from(settings: Settings, network: AnySize) -> dict[str, Any]:
    """Put the weights that `settings.start` names into `network`; returns their card."""
    trained, card = weights.read(weights.locate(settings.start))
    here = settings.network()
    if card["architecture"] != here:
        raise ValueError(f"{settings.start} is {card['architecture']}, not {here}: it cannot be gone on from")
    network.load_state_dict(trained.state_dict())
    return card


def _run_on(device: torch.device, bfloat16: bool, processes: int) -> dict[str, Any]:
    return {
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
        "precision": "bfloat16 autocast" if bfloat16 else "float32",
        "threads": torch.get_num_threads(),
        "processes": processes,
    }


def _versions() -> dict[str, str]:
    own = {"denoise": denoise.__version__, "python": platform.python_version()}
    return {**own, "torch": torch.__version__, "torchvision": importlib.metadata.version("torchvision")}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = commandline.Parser(prog="python -m denoise.train", description=__doc__.splitlines()[0])
    commandline.add_options(parser, Settings)
    parser.add_argument("--data-root", type=Path, help="folder of the data (default: $DENOISE_DATA, else the cache)")
    parser.add_argument("--out", type=Path, default=Path("runs"), help="folder of the weights (default: runs)")
    parser.add_argument("--name", help="what the weights are called (default: DATASET-DECODER, or -ARCHITECTURE)")
    parser.add_argument("--every", type=int, default=1_000, help="steps between checkpoints (default: 1000)")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    keep_freed_memory()
    train(commandline.from_options(given, Settings), given.out, given.data_root, max(1, given.every), name=given.name)


if __name__ == "__main__":
    commandline.run(main)
