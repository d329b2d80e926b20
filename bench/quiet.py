"""Turns that count only where the machine is left alone.

On a rented machine others come and go within seconds, on the same cores. Where they multiply matrices, too, they slow
down what does so by far more than what does not. The rate that a convolution has at a moment tells whether they are
there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch

from bench import ceiling, machine

PATIENCE = 900.0  # seconds to wait for a quiet moment
PAUSE = 0.05  # seconds until the machine is asked again
Taken = TypeVar("Taken")


class Busy(ValueError):
    """No turn found the machine quiet for as long as one waits."""


@dataclass(frozen=True)
class Quiet:
    """Takes turns while the machine is left alone.

    Attributes
    ----------
    floor : float
        The least rate of convolution, in TMAC/s, before and after a turn that counts; 0: every turn counts.
    device : torch.device
        The one whose convolution is timed, in the format that it is quickest in.
    """

    floor: float
    device: torch.device

    def take(self, turn: Callable[[], Taken]) -> Taken:
        """What the first turn that counts answers.

        Raises
        ------
        Busy
            There was none for `PATIENCE` seconds.
        """
        if not self.floor:
            return turn()
        end, highest = time.monotonic() + PATIENCE, 0.0
        while time.monotonic() < end:
            before = self._rate()
            highest = max(highest, before)
            if before >= self.floor:
                taken = turn()
                if self._rate() >= self.floor:
                    return taken
            time.sleep(PAUSE)
        raise Busy(
            f"for {PATIENCE / 60:.0f} minutes no turn found this machine quiet: its convolution reached {highest:.2f} "
            f"TMAC/s at best, and --quiet asks for {self.floor:g}"
        )

    def _rate(self) -> float:
        return ceiling.usual(self.device, machine.quickest(self.device))
