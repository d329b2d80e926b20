"""Film of the training: outputs of each decoder's network at early training steps, and later."""

from __future__ import annotations

import csv
import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from demo.compute import error_maps, results
from demo.compute.answers import check, checked, pixels, whole
from demo.compute.draws import FIRST_SEED, count
from demo.compute.images import data_url
from demo.compute.worker import giving_way, start
from denoise.inference import engine, packed
from denoise.metrics import peaks, psnr
from denoise.noise import PictureDraws, corrupt

FOLDER = results.FOLDER.parent / "early"
DRAWS = 64  # of the noise at most, for the energy of the checkerboard; fewer for a large image
DIGITS = 3


@functools.cache
def early() -> dict[str, dict[str, dict[int, str]]]:
    """Return the method's name by dataset, decoder and number of training images, in this order."""
    file = FOLDER / "early.csv"
    found: dict[str, dict[str, dict[int, str]]] = {}
    if file.exists():
        with file.open(newline="") as lines:
            for row in csv.DictReader(lines):
                arms = found.setdefault(row["dataset"], {})
                arms.setdefault(row["arm"], {})[int(row["images"])] = row["method"]
    return found


def arms(family: str, chosen: Sequence[str] | None) -> list[str]:
    """Return the chosen arms that have early networks; all arms if none of the chosen has.

    Raises
    ------
    ValueError
        As `answers.checked`, or the family has no early networks.
    """
    known = early().get(family, {})
    if not known:
        raise ValueError(
            f"there are no early networks of {family}; valid: {', '.join(early()) or 'none'}"
        )
    return [arm for arm in checked(family, chosen) if arm in known] or list(known)


@functools.cache
def _network(method: str) -> engine.Denoiser:
    """Load an early network; in float32, because preparing each one would take longer."""
    return packed.denoiser(FOLDER, method)


def frames(
    image: np.ndarray,
    noise: str,
    clip: bool,
    sigma: float,
    seed: int,
    family: str,
    chosen: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Denoise one noisy image with the networks of each decoder, from the first step to the last.

    Parameters are those of `answers.compare`; ceilings and classical methods are left out.

    Returns
    -------
    dict
        `clean`, `noisy`: addresses of images. `times`: training images seen by frame; None: the
        finished network of the comparison. `rows`, one for each decoder: `label`, `color`,
        `frames`. A frame has `image` and `error` (addresses), `psnr` (dB), and `energy`: of period
        2 in the residual on flat blocks (`denoise.metrics.peaks`), None if the clean image has no
        flat block.

    Raises
    ------
    ValueError
        As `answers.compare` and `arms`.
    """
    check(noise, clip, sigma)
    shown = arms(family, chosen)
    number = min(DRAWS, count(*image.shape))
    draws = PictureDraws([whole(seed), *(FIRST_SEED + draw for draw in range(number - 1))])
    noise_of = functools.partial(corrupt, level=float(sigma), draws=draws, noise=noise, clip=clip)
    call = functools.partial(_frames, image, noise_of, family, shown, number)
    return start(call, number * image.size * len(shown)).result()


def _frames(
    image: np.ndarray,
    noise_of: Callable[[Tensor], Tensor],
    family: str,
    shown: list[str],
    number: int,
) -> dict[str, Any]:
    clean = torch.from_numpy(image.astype(np.float32) / 255)[None, None]
    noisy = noise_of(clean.expand(number, -1, -1, -1))
    times = sorted({images for arm in shown for images in early()[family][arm]})
    rows = []
    for arm in shown:
        networks = [_network(early()[family][arm][images]) for images in times]
        networks.append(results.network(family, arm))
        with giving_way():
            made = [_frame(network, noisy, clean, image) for network in networks]
        known = results.entry(arm)
        rows.append({"label": known.label, "color": known.colour, "frames": made})
    return {
        "clean": data_url(image),
        "noisy": data_url(pixels(noisy)),
        "times": [*times, None],
        "rows": rows,
    }


def _frame(
    network: engine.Denoiser, noisy: Tensor, clean: Tensor, image: np.ndarray
) -> dict[str, Any]:
    """Return one frame: the output for the first draw, and the energy over all draws."""
    estimate = network.estimate(noisy).cpu().clamp(0, 1)
    energy, _, blocks = peaks(estimate - clean, clean.expand_as(estimate))
    output = pixels(estimate)
    return {
        "image": data_url(output),
        "error": data_url(error_maps.difference(output, image)),
        "psnr": round(min(100.0, psnr(estimate[:1], clean).item()), DIGITS),
        "energy": round(energy, DIGITS) if blocks else None,
    }
