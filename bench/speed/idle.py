"""Measurements that count only if the machine is otherwise idle.

On a rented machine, other jobs appear and disappear within seconds on the same cores. If such a job
multiplies matrices, it slows down matrix code far more than other code. The current rate of a
convolution reveals the job.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch

from bench import provenance
from bench.speed import roofline

PATIENCE = 900.0  # seconds to wait for an idle moment
PAUSE = 0.05  # seconds between two checks of the machine
Taken = TypeVar("Taken")


class Busy(ValueError):
    """Error if no measurement found the machine idle within `PATIENCE`."""


@dataclass(frozen=True)
class Quiet:
    """Filter of measurements by the machine's convolution rate.

    Attributes
    ----------
    floor : float
        Lowest convolution rate, in TMAC/s, before and after a measurement that counts; with 0 every
        measurement counts.
    device : torch.device
        Device whose convolution is timed, in its fastest number format.
    """

    floor: float
    device: torch.device

    def take(self, turn: Callable[[], Taken]) -> Taken:
        """Return the result of the first measurement that counts; `turn` measures once.

        Raises
        ------
        Busy
            No measurement counted for `PATIENCE` seconds.
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
            f"for {PATIENCE / 60:.0f} minutes this machine was not idle: its convolution reached "
            f"{highest:.2f} TMAC/s at best, and --quiet is {self.floor:g}"
        )

    def _rate(self) -> float:
        return roofline.usual(self.device, provenance.quickest(self.device))
