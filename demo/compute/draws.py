"""PSNR of each network over many draws of the noise, for one image.

A PSNR of one image under one noise draw is random: another draw often changes which decoder comes
first. So the noise is drawn again many times, and every network denoises each draw.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from demo.compute import results
from demo.compute.answers import CAP, check, checked
from demo.compute.worker import giving_way, start
from denoise.metrics import psnr
from denoise.noise import PictureDraws, corrupt

DRAWS = 200
FEWEST = 8
SMALL = 64  # pixels: up to this side, an image has all draws
# dB; about the width of the committed results' intervals: retraining may reverse a smaller lead
MATTERS = 0.1
FIRST_SEED = 2**64  # first seed of the draws, above every seed that a visitor can choose


def count(height: int, width: int) -> int:
    """Return the number of draws for an image: all if it is small, fewer if each costs more."""
    return max(FEWEST, min(DRAWS, DRAWS * SMALL**2 // (height * width)))


def distribution(
    image: np.ndarray,
    noise: str,
    clip: bool,
    sigma: float,
    family: str,
    chosen: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Denoise many draws of the noise with the chosen networks; give way to shorter jobs.

    Classical methods are left out, because they are up to a hundred times slower.

    Parameters
    ----------
    image : numpy.ndarray
        (H, W) uint8, clean. The further parameters are those of `answers.compare`.

    Returns
    -------
    dict
        `matters`: the smallest lead that matters, in dB. `rows`, one for each network: `label`,
        `color`, `decoder` (False for a ceiling), `psnr`: dB by draw.

    Raises
    ------
    ValueError
        As `answers.compare`.
    """
    check(noise, clip, sigma)
    networks = [arm for arm in checked(family, chosen) if arm not in results.CLASSICAL]
    number = count(*image.shape)
    draws = PictureDraws([FIRST_SEED + draw for draw in range(number)])
    noise_of = functools.partial(corrupt, level=float(sigma), draws=draws, noise=noise, clip=clip)
    call = functools.partial(_rows, image, noise_of, family, networks, number)
    return {"matters": MATTERS, "rows": start(call, number * image.size).result()}


def _rows(
    image: np.ndarray,
    noise_of: Callable[[Tensor], Tensor],
    family: str,
    networks: list[str],
    number: int,
) -> list[dict[str, Any]]:
    clean = torch.from_numpy(image.astype(np.float32) / 255)[None, None]
    noisy = noise_of(clean.expand(number, -1, -1, -1))
    rows = []
    for arm in networks:
        method = results.denoise(family, arm)  # holds a lock while it loads: no other job meanwhile
        with giving_way():
            estimate = method(noisy, 0.0)  # a network is not told the level
        known = results.entry(arm)
        rows.append(
            {
                **{"label": known.label, "color": known.colour},
                "decoder": arm not in results.CEILINGS,
                "psnr": _rounded(psnr(estimate.clamp(0, 1), clean)),
            }
        )
    return rows


def _rounded(scores: Tensor) -> list[float]:
    return [round(score, 3) for score in scores.clamp(max=CAP).tolist()]
