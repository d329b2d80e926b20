"""Train one denoiser: `python -m denoise.train --dataset mnist --decoder nearest --sigma 0:0.6`.

Fresh noise in every batch, Adam with a cosine schedule, validation on pictures held out of training, a checkpoint
from which a killed run goes on to the same result. Writes NAME.safetensors and NAME.json. Under torchrun several
processes train one network (`denoise.distributed`), and the first of them writes.
"""

from __future__ import annotations

import logging
import platform
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch import Tensor, nn
from tqdm import tqdm

import denoise
from denoise import checkpoint, commandline, datasets, distributed, weights
from denoise.batches import Batches
from denoise.metrics import psnr
from denoise.models import AnySize
from denoise.noise import PictureDraws, corrupt, picture_seeds
from denoise.settings import LOSSES, SCHEDULES, Settings

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
    name = name or settings.name
    team = distributed.team(settings.batch)
    device, show = team.device, show and team.first
    bfloat16 = settings.precision == "bfloat16" or (settings.precision == "auto" and has_bfloat16(device))
    pictures = datasets.load(settings.dataset, "train", root)
    held_out = datasets.load(settings.dataset, "val", root)
    batches = Batches(
        pictures, size=settings.batch, channels=settings.channels, patch=settings.patch, noise=settings.noise,
        sigma=settings.sigma, clip=settings.clip, fresh=settings.fresh, seed=settings.seed, device=device,
    )  # fmt: skip

    network = untrained(settings)
    before = _start_from(settings, network) if settings.start else None
    network = network.to(device, memory_format=torch.channels_last)
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.lr)
    saved = out / f"{name}.checkpoint.safetensors"
    progress: dict[str, Any] = {"step": 0, "seconds": 0.0, "curve": [], "settings": settings.plain()}

    def resumed() -> dict[str, Any]:
        return checkpoint.load(saved, network, optimiser, progress["settings"]) if saved.exists() else progress

    progress = team.start(resumed, optimiser)
    if progress["step"] and team.first:
        log.info("going on from step %d of %d (%s)", progress["step"], settings.steps, saved)
    logits_of = team.setup(network)
    began = time.monotonic() - progress["seconds"]
    bar = tqdm(
        total=settings.steps * settings.batch, initial=progress["step"] * settings.batch, unit=" images",
        desc=name, smoothing=0.05, mininterval=1, disable=None if show else True,
    )  # fmt: skip
    if progress["curve"]:
        bar.set_postfix_str(f"validation {progress['curve'][-1]['psnr']:.2f} dB")
    network.train()
    for step in range(progress["step"], settings.steps):
        clean, noisy = team.share(*batches(step))
        for group in optimiser.param_groups:
            group["lr"] = settings.lr * SCHEDULES[settings.schedule](step, settings.steps)
        with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            logits = logits_of(noisy.contiguous(memory_format=torch.channels_last))
        loss = LOSSES[settings.loss](logits.float(), clean)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        bar.update(settings.batch)
        if (step + 1) % every == 0 and step + 1 < settings.steps:
            average = team.mean(loss)
            if not team.first:
                continue
            scores = validate(network, held_out.spread(1_000), settings)
            point = {"images": (step + 1) * settings.batch, "loss": average, "psnr": _mean(scores)}
            point["validation_loss"] = held_out_loss(network, held_out.spread(1_000), settings)
            progress["curve"].append(point)
            progress |= {"step": step + 1, "seconds": time.monotonic() - began}
            checkpoint.save(saved, network, optimiser, progress)
            bar.set_postfix_str(f"validation {point['psnr']:.2f} dB")
            if show and bar.disable:  # in a file or pipe there is no bar
                log.info("%s: %d images, validation %.2f dB", name, point["images"], point["psnr"])
    bar.close()
    team.leave()
    target = out / f"{name}.safetensors"
    if not team.first:
        return target

    scores = validate(network, held_out.spread(validation), settings)
    card = {
        "name": name,
        "architecture": settings.network(),
        "settings": progress["settings"],
        "data": {"train": len(pictures), "validation": len(held_out), "counted": pictures.notes},
        "images_seen": settings.steps * settings.batch + (before["images_seen"] if before else 0),
        "seconds": round(time.monotonic() - began, 1),
        "run_on": _run_on(device, bfloat16, team.size),
        "validation_loss": round(held_out_loss(network, held_out.spread(validation), settings), 6),
        "validation_psnr": {f"{level:g}": round(value, 4) for level, value in scores.items()},
        "curve": progress["curve"],
        "started_from": before,
        "versions": _versions(),
    }
    weights.save(network.cpu(), card, target)
    saved.unlink(missing_ok=True)
    log.info("%s: validation PSNR %s", target, card["validation_psnr"])
    return target


def untrained(settings: Settings) -> AnySize:
    """The network with the initial weights of its seed."""
    with torch.random.fork_rng(devices=[]):  # layers draw their initial weights from the global generator
        torch.manual_seed(settings.seed)
        network = weights.build(settings.network())
        return network.apply(_as_keras) if settings.init == "keras" else network


def _as_keras(layer: nn.Module) -> None:
    """Weights by Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010,
    and biases of 0, where PyTorch has smaller weights and biases at random: more channels stay alive."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.xavier_uniform_(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def _start_from(settings: Settings, network: AnySize) -> dict[str, Any]:
    """Put the weights that `settings.start` names into `network`; returns their card."""
    trained, card = weights.read(weights.locate(settings.start))
    here = settings.network()
    if card["architecture"] != here:
        raise ValueError(f"{settings.start} is {card['architecture']}, not {here}: it cannot be gone on from")
    network.load_state_dict(trained.state_dict())
    return card


@torch.inference_mode()
def validate(network: AnySize, pictures: datasets.Pictures, settings: Settings) -> dict[float, float]:
    """Mean PSNR in dB at the protocol's levels within the range trained on, in float32, keyed by level."""
    low, high = settings.sigma
    tested = sorted({high} | {level / 10 for level in range(1, 10) if low <= level / 10 <= high})
    scores: dict[float, float] = {}
    for level in tested:
        values = [
            psnr(logits.sigmoid(), clean, data_range=1.0)
            for clean, logits in _answers(network, pictures, settings, level)
        ]
        scores[level] = torch.cat(values).mean().item()
    return scores


@torch.inference_mode()
def held_out_loss(network: AnySize, pictures: datasets.Pictures, settings: Settings) -> float:
    """The training loss on held-out pictures under the highest level: what Keras calls the validation loss."""
    total = 0.0
    for clean, logits in _answers(network, pictures, settings, settings.sigma[1]):
        total += LOSSES[settings.loss](logits, clean).item() * len(clean)
    return total / len(pictures)


def _answers(
    network: AnySize, pictures: datasets.Pictures, settings: Settings, level: float
) -> Iterator[tuple[Tensor, Tensor]]:
    """Clean pictures, and the network's float32 logits for their noisy versions at one level."""
    device = next(network.parameters()).device
    network.eval()
    for clean, keys in pictures.batches(250):
        draws = PictureDraws(picture_seeds(pictures.name, keys, settings.noise, level))
        noisy = corrupt(clean, level, draws, noise=settings.noise, clip=settings.clip)
        noisy = noisy.expand(-1, settings.channels, -1, -1).to(device)
        logits = network.logits(noisy.contiguous(memory_format=torch.channels_last)).float().cpu()
        yield clean.expand_as(logits), logits
    network.train()


def has_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 products are in this device's instruction set (AMX or AVX-512 BF16; Ampere or later)."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()


def _run_on(device: torch.device, bfloat16: bool, processes: int) -> dict[str, Any]:
    return {
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
        "precision": "bfloat16 autocast" if bfloat16 else "float32",
        "threads": torch.get_num_threads(),
        "processes": processes,
    }


def _versions() -> dict[str, str]:
    own = {"denoise": denoise.__version__, "python": platform.python_version()}
    return {**own, "torch": torch.__version__, "torchvision": torchvision.__version__}


def _mean(scores: dict[float, float]) -> float:
    return sum(scores.values()) / len(scores)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = commandline.Parser(prog="python -m denoise.train", description=__doc__.splitlines()[0])
    commandline.add_options(parser, Settings)
    parser.add_argument("--data-root", type=Path, help="folder of the data (default: $DENOISE_DATA, else the cache)")
    parser.add_argument("--out", type=Path, default=Path("runs"), help="folder of the weights (default: runs)")
    parser.add_argument("--every", type=int, default=1_000, help="steps between checkpoints (default: 1000)")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    train(commandline.from_options(given, Settings), given.out, given.data_root, max(1, given.every))


if __name__ == "__main__":
    commandline.run(main)
