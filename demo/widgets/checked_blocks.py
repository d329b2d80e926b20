"""Blocks that validate a caller's values before Gradio and the functions of the page use them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import gradio as gr

from demo.compute.answers import whole
from demo.guard import uploads
from demo.guard.refusals import refusal, shown
from demo.widgets.controls import Seed

DEEPEST = 20  # nesting depth of lists and objects
LONGEST_TEXT = 2_000  # characters

log = logging.getLogger(__name__)


class Guarded(gr.Blocks):
    """A `gr.Blocks` that rejects an invalid input, file or choice with a one-sentence error.

    Gradio reads and downloads files before a component sees them. So the class checks the paths in
    all inputs itself.
    """

    async def preprocess_data(
        self, block_fn: Any, inputs: list[Any], state: Any, *rest: Any, **options: Any
    ) -> Any:
        """Check every input, then let Gradio convert it."""
        known = [
            state[block._id] if state and block._id in state else block for block in block_fn.inputs
        ]
        if len(inputs) < len(known):
            raise refusal(f"{len(known)} inputs are required, not {len(inputs)}")
        for block, value in zip(known, inputs, strict=False):
            _check(block, value)
        try:
            return await super().preprocess_data(block_fn, inputs, state, *rest, **options)
        except gr.Error as error:  # Gradio's own messages are neither escaped nor limited
            raise refusal(error.message) if error.print_exception else error from None
        except ValueError as error:  # error of Gradio's data models or components
            if not isinstance(error.__cause__, ValueError | TypeError | KeyError | None):
                raise
            log.info(
                "an input of %s was rejected: %s",
                block_fn.api_name,
                type(error.__cause__ or error).__name__,
            )
            raise refusal("an input has the wrong type for its component") from None

    async def call_function(self, block_fn: Any, *rest: Any, **options: Any) -> Any:
        """Call a function; reject a choice that is not on the page."""
        try:
            return await super().call_function(block_fn, *rest, **options)
        except gr.Error:  # `gr.Error` may itself be a ValueError
            raise
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            if not block_fn.collects_event_data:  # a bug of the page
                raise
            # A function that collects event data looks up the choice that the caller sent.
            log.warning("a choice for %s was rejected: %s", block_fn.api_name, type(error).__name__)
            raise refusal("the chosen item is not on this page") from None


def _check(block: Any, value: Any) -> None:
    """Raise gradio.Error if a component cannot have sent the value."""
    label = block.label or "the input"
    for part, depth in _parts(value):
        if depth > DEEPEST:
            raise refusal(f"{label}: lists and objects are nested more than {DEEPEST} deep")
        if isinstance(part, dict) and "path" in part and not uploads.holds(part["path"]):
            raise refusal(uploads.NO_FILE)
    if (
        value is not None
        and _takes_a_file(block)
        and not (isinstance(value, dict) and "path" in value)
    ):
        raise refusal(uploads.NO_FILE)
    problem = KINDS[type(block)](block, value) if type(block) in KINDS else ""
    if problem:
        raise refusal(f"{label.strip()}: {problem}")


def wrong(block: Any, value: Any) -> str:
    """Return the error of a value for a component, also of a derived class; else ""."""
    checks = (check for kind, check in KINDS.items() if isinstance(block, kind))
    return next(filter(None, (check(block, value) for check in checks)), "")


def _parts(value: Any) -> Iterator[tuple[Any, int]]:
    """Yield a value and all nested values, each with its depth."""
    waiting = [(value, 0)]
    while waiting:
        part, depth = waiting.pop()
        yield part, depth
        within = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
        waiting.extend((one, depth + 1) for one in within)


def _takes_a_file(block: Any) -> bool:
    return "path" in getattr(getattr(block, "data_model", None), "model_fields", {})


def _wrong_choice(block: Any, value: Any) -> str:
    choices = [choice for _, choice in block.choices]
    if isinstance(value, str | int | float) and value in choices:
        return ""
    return f"{shown(value)} is not one of {', '.join(map(str, choices))}"


def _wrong_choices(block: Any, value: Any) -> str:
    if not isinstance(value, list):
        return f"{shown(value)} is not a list"
    return next(filter(None, (_wrong_choice(block, one) for one in value)), "")


def _wrong_number(block: Any, value: Any) -> str:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number and block.minimum <= value <= block.maximum:
        return ""
    return f"{shown(value)} is not a number from {block.minimum:g} to {block.maximum:g}"


def _wrong_seed(block: Any, value: Any) -> str:
    try:
        whole(value)
    except ValueError as error:
        return str(error)
    return ""


def _wrong_switch(block: Any, value: Any) -> str:
    return "" if isinstance(value, bool) else f"{shown(value)} is not true or false"


def _wrong_text(block: Any, value: Any) -> str:
    if value is None or (isinstance(value, str) and len(value) <= LONGEST_TEXT):
        return ""
    return f"{shown(value)} is not a text of at most {LONGEST_TEXT:,} characters"


def _wrong_table(block: Any, value: Any) -> str:
    lists = isinstance(value, dict) and all(
        isinstance(value.get(part), list) for part in ("headers", "data")
    )
    return "" if lists else f"{shown(value)} is not an object with the lists headers and data"


KINDS = {
    gr.Radio: _wrong_choice,
    gr.CheckboxGroup: _wrong_choices,
    gr.Slider: _wrong_number,
    Seed: _wrong_seed,
    gr.Checkbox: _wrong_switch,
    gr.Textbox: _wrong_text,
    gr.Dropdown: _wrong_choice,
    gr.Dataframe: _wrong_table,
}
"""Validator of each component type that Gradio does not check; it returns the error or ""."""
