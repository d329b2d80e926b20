"""State of one training between two steps, its validation, its checkpoints and its end."""

from __future__ import annotations

import copy
import importlib.metadata
import logging
import math
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import denoise
from denoise import datasets
from denoise.graph.cuda_graphs import Replayed
from denoise.hardware import has_bfloat16
from denoise.models import weights
from denoise.models.base import AnySize
from denoise.train import bf16, checkpoint, distributed
from denoise.train.batches import Batches
from denoise.train.ema import ema
from denoise.train.initial import start_from, untrained
from denoise.train.optimizers import OPTIMIZERS
from denoise.train.settings import LOSSES, SCHEDULES, Settings, stable
from denoise.train.validate import Scores, evaluate

log = logging.getLogger("denoise.train")

# steps between two reads of the loss on a GPU, as a read synchronizes; on a CPU it is read at each
# step
LOOK = 20
HELD_OUT = 1_000  # images per point of the curve
PEEKED, PEEKED_PIXELS = 100, 2**19  # images, and their pixels, for a score that is shown only


class Diverged(ValueError):
    """Error for a training whose loss, weights or outputs are not finite."""


class Run:
    """Training between two steps: data, network, optimizer, EMA, and the progress so far.

    Parameters
    ----------
    settings : Settings
    team : distributed.Alone
    root : Path, optional
        Root folder of the datasets.
    images : (Pictures, Pictures), optional
        Images of training and held-out images; by default those of the settings' dataset.
    """

    def __init__(
        self,
        settings: Settings,
        team: distributed.Alone,
        root: Path | None,
        images: tuple[datasets.Pictures, datasets.Pictures] | None = None,
    ) -> None:
        self.settings, self.team, self.device = settings, team, team.device
        self.bfloat16 = settings.precision == "bfloat16" or (
            settings.precision == "auto" and has_bfloat16(self.device)
        )
        found = images or [datasets.load(settings.dataset, part, root) for part in ("train", "val")]
        self.pictures, self.held_out = (
            part.gray() if settings.channels == 1 else part for part in found
        )
        self.batches = Batches(
            self.pictures,
            size=settings.batch,
            channels=settings.channels,
            patch=settings.patch,
            noise=settings.noise,
            sigma=settings.sigma,
            clip=settings.clip,
            online_noise=settings.online_noise,
            dihedral=settings.dihedral,
            noise_dropout=settings.noise_dropout if settings.noise_conditional else 0.0,
            seed=settings.seed,
            device=self.device,
        )
        network = untrained(settings)
        self.before = start_from(settings, network) if settings.init_from else None
        self.network = network.to(self.device).to(memory_format=torch.channels_last)
        self.average = ema(self.network, settings.ema) if settings.ema else None
        self.optimizer = OPTIMIZERS[settings.optimizer](self.network, settings.lr)
        self.progress: dict[str, Any] = {
            "step": 0,
            "seconds": 0.0,
            "curve": [],
            "settings": settings.plain(),
        }
        self.done = 0  # steps; `progress` holds the steps of the last checkpoint
        self.look = LOOK if self.device.type == "cuda" else 1

    def start(self, saved: Path) -> None:
        """Continue from the checkpoint `saved` if the file exists.

        Later checkpoints replace this file.
        """
        self.saved = saved

        def read() -> dict[str, Any]:
            if not saved.exists():
                return self.progress
            return checkpoint.load(
                saved, self.network, self.optimizer, self.average, self.progress["settings"]
            )

        self.progress = self.team.start(read, self.optimizer)
        self.done = self.progress["step"]
        if self.done and self.team.first:
            log.info("continuing from step %d of %d (%s)", self.done, self.settings.steps, saved)
        self._learning()
        self.logits_of = self.team.setup(self.network)
        # processes would wait for each other
        recording = self.device.type == "cuda" and self.team.size == 1
        self.gradients_of = (
            Replayed(self._gradients, choosing=True) if recording else self._gradients
        )
        self.began = time.monotonic() - self.progress["seconds"]

    def _learning(self) -> None:
        """Set the layers to training mode; frozen batch normalization stays in evaluation mode.

        With frozen statistics a network is trained as it is used in inference. With batch
        statistics it comes to rely on the statistics of a few crops. Inference never has crop
        statistics, which differ from the statistics of one image (Wu and Johnson, "Rethinking
        'Batch' in BatchNorm", 2021, https://arxiv.org/abs/2105.07576).
        """
        self.network.train()
        if self.settings.norm == "frozen":
            for layer in self.network.modules():
                if isinstance(layer, nn.BatchNorm2d | nn.SyncBatchNorm):
                    layer.eval()

    @property
    def trained(self) -> AnySize:
        """Network that is evaluated and saved: the EMA weights, if there is an EMA."""
        if self.average is None:
            return self.network
        averaged = self.average.module
        assert isinstance(averaged, AnySize)  # a copy of the network
        return averaged

    def step(self, number: int) -> Tensor:
        """Update the weights by one batch; return its loss."""
        settings = self.settings
        batch = self.team.share(*self.batches(number))
        for group in self.optimizer.param_groups:
            group["lr"] = settings.lr * SCHEDULES[settings.schedule](number, settings.steps)
        loss = self.gradients_of(*batch)
        self.optimizer.step()
        if self.average:
            self.average.update_parameters(self.network)
        self.done = number + 1
        return loss

    def _gradients(self, clean: Tensor, noisy: Tensor, levels: Tensor) -> Tensor:
        """Compute the loss of a batch; its gradients are stored with the weights."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            logits = self.logits_of(noisy.contiguous(memory_format=torch.channels_last), levels)
        loss = LOSSES[self.settings.loss](self.network, logits.float(), clean)
        self.optimizer.zero_grad()
        loss.backward()
        return loss.detach()

    def scores(self, count: int | None) -> Scores:
        """Validate on `count` held-out images, all by default.

        Restore the training mode afterwards.

        Raises
        ------
        ValueError
            An output that is not a number.
        """
        scores = self._scores_of(self.trained, count)
        self._learning()
        return scores

    def _scores_of(self, network: AnySize, count: int | None) -> Scores:
        scores = evaluate(network, self.held_out.spread(count), self.settings)
        broken = [f"{level:g}" for level, value in scores.psnr.items() if math.isnan(value)]
        if broken:
            raise self.diverged(
                f"after step {self.done:,} the output at sigma {', '.join(broken)} is not finite"
            )
        return scores

    def peek(self) -> Scores:
        """Validate on a few held-out images: fast enough to be shown often."""
        largest = max(height * width for _, height, width in self.held_out.shapes)
        return self.scores(min(PEEKED, max(1, PEEKED_PIXELS // largest)))

    def add_point(self, loss: float) -> Scores:
        """Validate, and add a point to the curve."""
        scores = self.scores(HELD_OUT)
        point = {"images": self.done * self.settings.batch, "loss": loss, "psnr": scores.mean}
        self.progress["curve"].append(point | {"validation_loss": scores.loss})
        return scores

    @torch.inference_mode()
    def estimate(self, noisy: Tensor) -> Tensor:
        """Denoise (N, C, H, W) with the present weights; restore the training mode afterwards."""
        output = self.trained.eval()(noisy.to(self.device))
        self._learning()
        return output.cpu()

    def end_at(self, steps: int) -> None:
        """Change the training length to `steps`, before the cooldown of the schedule `wsd`.

        The weights so far are those of a training of this length (`denoise.train.settings.stable`).

        Raises
        ------
        ValueError
            The schedule is not `wsd`, or a training of this length would be in its cooldown.
        """
        if self.settings.schedule != "wsd":
            raise ValueError(f"another length needs the schedule wsd, not {self.settings.schedule}")
        if self.done > stable(steps):
            raise ValueError(f"step {self.done:,} is beyond the stable part of {steps:,} steps")
        self.settings = replace(self.settings, images=steps * self.settings.batch)
        self.progress["settings"] = self.settings.plain()

    def save(self) -> None:
        """Write the checkpoint, if the weights are finite."""
        if not weights.are_finite(
            [*self.network.state_dict().values(), *self.trained.state_dict().values()]
        ):
            raise self.diverged(f"the weights after step {self.done:,} are not finite")
        progress = self.progress | {"step": self.done, "seconds": time.monotonic() - self.began}
        with _naming_the_checkpoint(self.kept):
            checkpoint.save(self.saved, self.network, self.optimizer, self.average, progress)
        self.progress = progress

    @property
    def kept(self) -> str:
        """Text that says which checkpoint remains if the training fails."""
        step = self.progress["step"]
        return (
            f"the checkpoint of step {step:,} is kept ({self.saved})"
            if step
            else "there is no checkpoint yet"
        )

    def diverged(self, symptom: str) -> Diverged:
        """Build the error of a training with values that are not finite."""
        advice = (
            "try a lower --lr than "
            f"{self.settings.lr:g}{', under another --name' * bool(self.progress['step'])}"
        )
        return Diverged(f"{symptom}: the training has diverged and stops; {self.kept}; {advice}")

    @contextmanager
    def shorter(self, settings: Settings) -> Iterator[None]:
        """Continue as a training of `settings`, of fewer images; restore this training afterwards.

        Both trainings are equal up to now (`denoise.train.settings.stable`).
        """
        whole, done, curve = self.settings, self.done, list(self.progress["curve"])
        parts = [self.network, *([self.average] if self.average else [])]
        held = [copy.deepcopy(part.state_dict()) for part in parts]
        optimizer = copy.deepcopy(self.optimizer.state_dict())
        entered, self.settings = time.monotonic(), settings
        yield
        self.began += time.monotonic() - entered
        self.settings, self.done, self.progress["curve"] = whole, done, curve
        for part, state in zip(parts, held, strict=True):
            part.load_state_dict(state)
        self.optimizer.load_state_dict(optimizer)
        self._learning()

    def finish(self, named: dict[str, str], target: Path, validation: int | None) -> None:
        """Write weights and card with the scores of `validation` images."""
        final = copy.deepcopy(self.trained)
        if self.settings.half:
            # running variances may exceed the range of float16; they are few
            for weight in final.parameters():
                weight.data = weight.data.half().to(weight.dtype)
            if not weights.are_finite(final.parameters()):
                raise ValueError("a weight exceeds the range of float16; valid: --no-half")
        scores = self._scores_of(final, validation)
        card = named | self.card(final, scores, self.held_out.spread(validation))
        with _naming_the_checkpoint(self.kept):
            weights.save(final.cpu(), card, target)
        log.info(
            "%s: validation %.2f dB (noisy input %.2f)", target, scores.mean, scores.noisy_mean
        )

    def card(self, network: AnySize, scores: Scores, some: datasets.Pictures) -> dict[str, Any]:
        """Build the card of a network; its `scores` belong to the held-out images `some`."""
        settings, before = self.settings, self.before
        return {
            "architecture": settings.network(),
            "settings": settings.plain(),
            "data": {
                "train": len(self.pictures),
                "validation": len(self.held_out),
                "counted": self.pictures.notes,
            },
            "images_seen": settings.steps * settings.batch
            + (before["images_seen"] if before else 0),
            "seconds": round(time.monotonic() - self.began, 1),
            "run_on": _run_on(self.device, self.bfloat16, self.team.size),
            "validation_loss": round(scores.loss, 6),
            "validation_psnr": _rounded(scores.psnr),
            "noisy_psnr": _rounded(scores.noisy),
            **bf16.mixed(network, some, settings, scores.psnr),
            "curve": self.progress["curve"],
            "started_from": before,
            "versions": _versions(),
        }


def _rounded(scores: dict[float, float]) -> dict[str, float]:
    return {f"{level:g}": round(value, 4) for level, value in scores.items()}


@contextmanager
def _naming_the_checkpoint(kept: str) -> Iterator[None]:
    """Add the state of the training to the error of a file that cannot be written."""
    try:
        yield
    except OSError as error:
        raise OSError(f"{error.filename} cannot be written: {error.strerror}; {kept}") from error


def _run_on(device: torch.device, bfloat16: bool, processes: int) -> dict[str, Any]:
    return {
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
        "precision": "bfloat16 autocast" if bfloat16 else "float32",
        "threads": torch.get_num_threads(),
        "processes": processes,
    }


def _versions() -> dict[str, str]:
    own = {"denoise": denoise.__version__, "python": platform.python_version()}
    return {
        **own,
        "torch": torch.__version__,
        "torchvision": importlib.metadata.version("torchvision"),
    }
