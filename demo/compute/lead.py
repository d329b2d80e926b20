"""Significance of the best decoder's lead, tested by redraws of the noise.

A PSNR of one image under one noise draw is random: another draw often changes which decoder comes
first, even after a lead of 0.3 dB. So the noise is redrawn a few times for the first two decoders.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

HIGHEST = 100.0  # dB; a difference above this PSNR is not visible
# dB; about the width of the committed results' intervals: retraining may reverse a smaller lead
MATTERS = 0.1
REDRAWS = 8  # number of redraws of the noise
# number of redraws if a side is above `SMALL`: more pixels average the noise, and each redraw costs
# more
REDRAWS_LARGE = 3
SMALL = 64  # pixels
# Student's t for a two-sided 95 % interval, n - 1 degrees of freedom
QUANTILES = {8: 2.365, 3: 4.303}
FIRST_SEED = 2**64  # first seed of the redraws, above every seed that a visitor can choose

CLEAR = (
    "Best: {decibels} dB above the next decoder; {redraws} redraws of the noise confirm a "
    "lead (95 % interval)."
)
UNCLEAR = (
    "No clear lead: {redraws} redraws of the noise do not confirm the {decibels} dB between the "
    "first two decoders (95 % interval)."
)
SMALL_LEAD = (
    "No clear lead: the first two decoders are {decibels} dB apart; "
    f"below {MATTERS:g} dB, another training run may reverse the order."
)


class Lead(NamedTuple):
    """The lead of the best decoder of one comparison.

    Attributes
    ----------
    decibels : float
        PSNR of the best decoder minus that of the next one, under the displayed noise.
    redraws : int
        Number of noise redraws that tested the lead; 0 if the lead is too small to matter.
    holds : bool
        True if the lead matters and the redraws do not explain it.
    """

    decibels: float
    redraws: int
    holds: bool


def redraws(shape: Sequence[int]) -> int:
    """Return the number of redraws for an image of that height and width."""
    return REDRAWS if max(shape) <= SMALL else REDRAWS_LARGE


def between(best: float, following: float) -> float:
    """Return the lead in dB.

    Cap each PSNR at `HIGHEST`, because the PSNR of an image without error is infinite.
    """
    return min(best, HIGHEST) - min(following, HIGHEST)


def judged(decibels: float, best: Tensor, following: Tensor) -> Lead:
    """Test a lead by redraws of the noise.

    Parameters
    ----------
    decibels : float
        The displayed lead.
    best, following : Tensor
        (N,) PSNR in dB of the best decoder and of the next one, both under the same N redraws.

    Returns
    -------
    Lead
        The lead holds if the 95 % interval of the mean difference lies above 0.
    """
    differences = (best.clamp(max=HIGHEST) - following.clamp(max=HIGHEST)).double()
    count = len(differences)
    half_width = QUANTILES[count] * differences.std().item() / math.sqrt(count)
    return Lead(decibels, count, differences.mean().item() > half_width)


def sentence(lead: Lead | None) -> str:
    """Explain in one line why there is a best decoder or none.

    Return an empty string for None.
    """
    if lead is None:
        return ""
    text = SMALL_LEAD if not lead.redraws else CLEAR if lead.holds else UNCLEAR
    return text.format(decibels=f"{lead.decibels:.2f}", redraws=lead.redraws)
