"""Board of two trainings: images, both validation curves, their difference, in the browser.

The board receives only numbers and pixels, about once a second; `training_board.js` draws them, so
that nothing flickers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from demo.compute.race import Race
from demo.compute.seeds import Committed, committed
from demo.widgets import templates
from denoise.decoders import DECODERS

TIE = 0.005  # dB: a smaller difference is 0.00 in its sentence
READY = "Press Train: both networks start from random weights."


class TrainingBoard(gr.HTML):
    """A `gr.HTML` whose value is the state of a race as `state` returns it."""

    is_template = True  # the browser draws it as its base class

    def __init__(self, value: dict[str, Any], **options: Any) -> None:
        super().__init__(
            value,
            html_template=templates.render("widgets/training_board.html"),
            css_template=templates.read("widgets/training_board.css"),
            js_on_load=templates.read("widgets/training_board.js"),
            **options,
        )


def state(race: Race, line: str, phase: str = "training", said: str = "") -> dict[str, Any]:
    """Return the state of a race for the board.

    Parameters
    ----------
    race : Race
    line : str
        The line above the images, which changes every second.
    phase : {"ready", "waiting", "training", "ended"}
    said : str
        A sentence that screen readers announce.
    """
    outputs: list[dict[str, Any] | None] = [*race.outputs] or [None, None]
    first, second = outputs
    return {
        "phase": phase,
        "line": line,
        "said": said,
        "share": race.share,
        "lead": lead(race),
        "decoders": [
            {"label": DECODERS[name].label, "color": DECODERS[name].colour}
            for name in race.asked.decoders
        ],
        "noisy_psnr": race.noisy_psnr,
        "points": [
            [point.images, round(point.seconds, 1), *(round(value, 3) for value in point.psnr)]
            for point in race.points
        ],
        "images": {
            "noisy": race.noisy,
            "first": first,
            "second": second,
            "clean": race.clean,
        },
        "commands": race.commands,
    }


def lead(race: Race) -> str:
    """Return the present difference in words."""
    if not race.points:
        return ""
    point = race.points[-1]
    seen = f"After {point.images:,} images ({point.seconds:.0f} s)"
    return f"{seen}: {_compared(race.asked.decoders, point.psnr)}."


def _compared(names: Sequence[str], scores: Sequence[float]) -> str:
    labels, gap = [DECODERS[name].label for name in names], scores[0] - scores[1]
    if abs(gap) < TIE:
        return f"both networks have {scores[0]:.2f} dB"
    ahead, behind = (0, 1) if gap > 0 else (1, 0)
    return (
        f"{labels[ahead]} is {abs(gap):.2f} dB ahead of {labels[behind]} "
        f"({scores[ahead]:.2f} against {scores[behind]:.2f} dB)"
    )


def verdict(race: Race) -> str:
    """Return the sentences at the end of a race: the result, and its uncertainty."""
    trained, judged = race.counts
    seen, cut = f"after {race.points[-1].images:,} images", "without the cooldown of the rate"
    begun = {
        "time": f"Done {seen}",
        "stopped": f"Stopped {seen}, {cut}",
        "late": f"The server was busy, so the training ended {seen}, {cut}",
    }[race.end]
    data = f"{trained:,} different images were trained on, {judged:,} held-out images were scored."
    if race.asked.drawn and race.asked.data == "drawings":
        data += (
            " All are variants of your drawings: the scores show how well the networks fit your "
            "drawings, not how well they denoise new ones."
        )
    return (
        f"{begun}: {_compared(race.asked.decoders, race.scores)}. {data} "
        f"{worth(race.asked.decoders, committed(race.asked.decoders, race.asked.sigma))}"
    )


def worth(names: Sequence[str], known: Committed | None) -> str:
    """Return the uncertainty of one training, from the committed results of both decoders."""
    once = "One training is one draw: another seed may reverse a small lead."
    if known is None:
        return once
    first, second = (DECODERS[name].label for name in names)
    return (
        f"{once} In the committed results (autoencoders, MNIST, sigma {known.level:g}, longer "
        f"trainings, {known.seeds} seeds each), {first} is on average {abs(known.lead):.2f} dB "
        f"{'ahead of' if known.lead > 0 else 'behind'} {second}; the seed alone changes a network "
        f"by {known.deviation:.2f} dB (standard deviation)."
    )
