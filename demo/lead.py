"""The lead of the best decoder over the next one: does it matter, or does the draw of the noise explain it?

One image under one draw of the noise is a lottery: another draw often changes which decoder comes first, and so it does
after a lead of 0.3 dB. So the noise is drawn anew a few times for the first two decoders.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

HIGHEST = 100.0  # dB: more is no difference that can be seen
MATTERS = 0.1  # dB; intervals of the committed results are about as wide: trained anew, a smaller lead may turn around
REDRAWS = 8  # of the noise
REDRAWS_LARGE = 3  # of an image with a side above `SMALL`: its pixels average the draw out, and each costs more
SMALL = 64  # pixels
QUANTILES = {8: 2.365, 3: 4.303}  # Student's t for a two-sided 95 % interval, n - 1 degrees of freedom
FIRST_SEED = 2**64  # of the redraws: above every seed that a visitor can choose

CLEAR = "Best: {decibels} dB above the next decoder; {redraws} redraws of the noise confirm a lead (95 % interval)."
UNCLEAR = (
    "No clear lead: {redraws} redraws of the noise do not confirm the {decibels} dB between the first two decoders "
    "(95 % interval)."
)
SMALL_LEAD = (
    f"No clear lead: the first two decoders are {{decibels}} dB apart; below {MATTERS:g} dB another training may turn "
    "them around."
)


class Lead(NamedTuple):
    """The lead of the best decoder of one comparison.

    Attributes
    ----------
    decibels : float
        PSNR above the next decoder, under the noise that is shown.
    redraws : int
        Draws of the noise that were made to test it; 0 if it is too small to matter.
    holds : bool
        It matters, and the redraws do not explain it.
    """

    decibels: float
    redraws: int
    holds: bool


def redraws(shape: Sequence[int]) -> int:
    """Return the number of redraws for an image of that height and width."""
    return REDRAWS if max(shape) <= SMALL else REDRAWS_LARGE


def between(best: float, following: float) -> float:
    """Return the lead in dB; a PSNR counts up to `HIGHEST`, as that of an image without an error is infinite."""
    return min(best, HIGHEST) - min(following, HIGHEST)


def judged(decibels: float, best: Tensor, following: Tensor) -> Lead:
    """Judge a lead by redraws of the noise.

    Parameters
    ----------
    decibels : float
        The lead that is shown.
    best, following : Tensor
        (N,) PSNR in dB of the best decoder and of the next one, both under the same N redraws.

    Returns
    -------
    Lead
        It holds if the 95 % interval of the mean difference lies above 0.
    """
    differences = (best.clamp(max=HIGHEST) - following.clamp(max=HIGHEST)).double()
    count = len(differences)
    half_width = QUANTILES[count] * differences.std().item() / math.sqrt(count)
    return Lead(decibels, count, differences.mean().item() > half_width)


def sentence(lead: Lead | None) -> str:
    """Say in one line why a decoder is called best, or why none is; empty if there is nothing to compare."""
    if lead is None:
        return ""
    text = SMALL_LEAD if not lead.redraws else CLEAR if lead.holds else UNCLEAR
    return text.format(decibels=f"{lead.decibels:.2f}", redraws=lead.redraws)
