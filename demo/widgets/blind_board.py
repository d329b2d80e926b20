"""The board of the blind test as HTML: the invitation, a round, the result.

Before a guess, nothing but the pixels differs between the outputs: every image is a PNG without
compression, of the same size in bytes.
"""

from __future__ import annotations

import base64
import io
import json

import numpy as np
from PIL import Image

from demo.compute import blind_test
from demo.compute.answers import decibels
from demo.compute.blind_test import CHANCE, ROUNDS, SHOWN, Round
from demo.widgets import templates


def invitation(seed: int | None = None, found: int | None = None) -> str:
    """Render the board before the first round; `found` is the score of the link's sender."""
    return templates.render(
        "widgets/blind_invitation.html",
        rounds=ROUNDS,
        seed=seed,
        found=found,
        link=json.dumps({} if seed is None else {"seed": seed}),
    )


def board(rounds: tuple[Round, ...], guesses: list[int], seed: int, *, shown: bool) -> str:
    """Render a round: the last guessed one with its solution if `shown`, else the next."""
    number = len(guesses) if shown else len(guesses) + 1
    return templates.render(
        "widgets/blind_round.html",
        round=rounds[number - 1],
        number=number,
        marks=_marks(rounds, guesses),
        found=blind_test.found(rounds, guesses),
        guess=guesses[-1] if shown else None,
        guesses=json.dumps(guesses),
        seed=seed,
        link=json.dumps({"seed": seed}),
        url=url,
        decibels=decibels,
    )


def result(rounds: tuple[Round, ...], guesses: list[int], seed: int) -> str:
    """Render the score of a finished game, and every round with its solution."""
    found = blind_test.found(rounds, guesses)
    score = blind_test.score(found)
    return templates.render(
        "widgets/blind_result.html",
        rounds=list(zip(rounds, guesses, strict=True)),
        score=score,
        low=round(score.interval[0] * 100),
        high=round(score.interval[1] * 100),
        share=found / ROUNDS * 100,
        chance=CHANCE * 100,
        guessed=ROUNDS / len(SHOWN),
        verdict=blind_test.verdict(score),
        means=blind_test.means(rounds),
        difference=blind_test.difference(rounds),
        seed=seed,
        link=json.dumps({"seed": seed}),
        sent=json.dumps({"found": found}),
        url=url,
    )


def _marks(rounds: tuple[Round, ...], guesses: list[int]) -> list[str]:
    """Return "right" or "wrong" for each guessed round, "" for each later one."""
    told = [
        "right" if one.solution == guess else "wrong"
        for one, guess in zip(rounds, guesses, strict=False)
    ]
    return told + [""] * (ROUNDS - len(told))


def url(image: np.ndarray) -> str:
    """Encode an image, (H, W) uint8, as a PNG of a size that its pixels do not change."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "png", compress_level=0)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
