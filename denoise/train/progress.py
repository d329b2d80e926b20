"""Progress display of a training: a bar on a terminal, else a line at intervals."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from tqdm import tqdm

from denoise.train.settings import Settings
from denoise.train.validate import Scores

log = logging.getLogger("denoise.train")

LINE = 30.0  # seconds between two lines
PEEK = 5.0  # seconds between two validations for display only, at least
SHARE = 0.02  # largest share of the time for these validations


class Shown:
    """Progress of one training on stderr, with the loss and the validation PSNR.

    Parameters
    ----------
    name : str
    settings : Settings
    done : int
        Steps made by an earlier run.
    show : bool
        Show progress; without it, show nothing.
    """

    def __init__(self, name: str, settings: Settings, done: int, show: bool) -> None:
        self._name, self._settings = name, settings
        self._first = self._done = done
        self._bar = tqdm(
            total=settings.steps, initial=done, desc=name, smoothing=0.05, mininterval=1,
            bar_format="{desc} {percentage:3.0f}%|{bar}| {remaining} left{postfix}", disable=None,
        ) if show else None  # fmt: skip
        self._loss = self._scores = ""
        self._began = self._logged = time.monotonic()
        self._next = self._began + PEEK

    def __enter__(self) -> Shown:
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def loss(self, value: float) -> None:
        """Set the displayed loss."""
        self._loss = f"loss {value:.4g}"

    def scores(self, scores: Scores) -> None:
        """Set the displayed validation scores."""
        self._scores = f"validation {scores.mean:.2f} dB (noisy input {scores.noisy_mean:.2f})"

    def peek(self, evaluate: Callable[[], Scores]) -> None:
        """Validate if it is due: soon after the start, and for at most `SHARE` of the time."""
        now = time.monotonic()
        if self._bar is not None and now >= self._next:
            self.scores(evaluate())
            ended = time.monotonic()
            self._next = ended + max(PEEK, (ended - now) / SHARE)

    def step(self) -> None:
        """Count a step; update the bar, or log the next line."""
        self._done += 1
        if self._bar is None:
            return
        self._bar.set_postfix_str(self._text(), refresh=False)
        self._bar.update()
        now = time.monotonic()
        if self._bar.disable and now - self._logged >= LINE:  # there is no terminal
            self._logged = now
            batch, steps = self._settings.batch, self._settings.steps
            left = (now - self._began) / (self._done - self._first) * (steps - self._done)
            log.info(
                "%s: %d %% (%s of %s images), %s, %s left",
                self._name,
                100 * self._done // steps,
                f"{self._done * batch:,}",
                f"{steps * batch:,}",
                self._text(),
                tqdm.format_interval(left),
            )

    def _text(self) -> str:
        return ", ".join(part for part in (self._loss, self._scores) if part)
