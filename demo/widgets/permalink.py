"""Permalinks: the query of the page's address holds the open tab and its settings.

Each tab declares its settings by name, as `Linked`. The browser writes the query (`permalink.js`),
`Links` reads it: a component's own limits check its value. A setting that is no component, such as
an image, stands in an attribute `data-link` of the tab's HTML, as JSON from names to values.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import gradio as gr
import numpy as np
from gradio.components import Component
from PIL import Image

from demo.compute.answers import whole
from demo.guard.refusals import refusal, shown
from demo.widgets.checked_blocks import wrong
from demo.widgets.controls import PRIVATE

TAB = "tab"  # name of the open tab in the query
LARGEST_SIDE = 64  # pixels: a link with a larger image would be too long for some programs
LARGEST_TEXT = 8_000  # characters of the image in a link
SEPARATOR = "."
SWITCH = {"0": False, "1": True}

Values = Mapping[str, Any]
Outputs = Mapping[Component, Any]


class Linked(NamedTuple):
    """The settings of a tab, and the function that shows them.

    Attributes
    ----------
    settings : mapping
        From each name in the query to its component, or to the parser of its text. A parser raises
        ValueError.
    outputs : list of Component
        Further components that `show` may set.
    show : callable
        `(values, request)` yields updates of the components. `values` has every component's value,
        of the link or as the page opens, and the parsed texts of the link.
    """

    settings: Mapping[str, Component | Callable[[str], Any]]
    outputs: list[Component]
    show: Callable[[Values, gr.Request], Iterator[Outputs]]

    @property
    def components(self) -> dict[str, Component]:
        """Return the settings that are components."""
        return {name: one for name, one in self.settings.items() if isinstance(one, Component)}

    def opening(self) -> dict[str, Any]:
        """Return the values of the components as the page opens."""
        return {name: component.value for name, component in self.components.items()}


class Links:
    """The tabs of the page that a link can open.

    Parameters
    ----------
    page : gradio.Blocks
    first : str
        The tab of a link that names none.
    """

    def __init__(self, page: gr.Blocks, first: str) -> None:
        self._page, self._first = page, first
        self._opened: dict[str, gr.Tab] = {}
        self._tabs: dict[str, Linked] = {}

    def join(self, tab: gr.Tab, linked: Linked | None = None) -> None:
        """Add a tab, without settings if `linked` is None."""
        self._opened[tab.id] = tab
        self._tabs[tab.id] = linked or Linked({}, [], unchanged)

    def connect(self) -> Any:
        """Let the address follow every tab that has joined; return the event that restores."""
        for name, tab in self._opened.items():
            self._follow(name, tab)
        names = json.dumps({tab: list(linked.settings) for tab, linked in self._tabs.items()})
        # Without a permalink, the query stays empty and the browser asks for nothing.
        query = gr.Textbox("", visible=False)
        begin = f"() => [permalink.start({names}, {json.dumps(self._first)})]"
        self._page.load(None, None, query, js=begin, **PRIVATE)
        restored = query.change(
            self.restore,
            None,
            self._components(),
            concurrency_id="link",
            concurrency_limit=4,
            show_progress="hidden",
            **PRIVATE,
        )
        restored.then(None, js="() => permalink.settled()")
        restored.failure(None, js="() => permalink.forget()")
        return restored

    def _follow(self, name: str, tab: gr.Tab) -> None:
        """Tell the browser the values of a tab's components, and when the tab opens."""
        of = self._tabs[name].components
        components = list(of.values())
        told = f"(...values) => permalink.take({json.dumps(name)}, {json.dumps(list(of))}, values"
        changes = [component.change for component in components]
        gr.on([self._page.load, *changes], None, components, None, js=f"{told})", **PRIVATE)
        tab.select(None, components, None, js=f"{told}, true)", **PRIVATE)

    def _components(self) -> list[Component]:
        every = [
            component
            for linked in self._tabs.values()
            for component in (*linked.components.values(), *linked.outputs)
        ]
        return list({component._id: component for component in every}.values())

    def restore(self, request: gr.Request) -> Iterator[Any]:
        """Yield the settings of the request's link, then the updates of its tab."""
        try:
            found = self.read(request.query_params)
            if found is None:
                yield gr.skip()
                return
            tab, values = found
            linked = self._tabs[tab]
            settings = {one: values[name] for name, one in linked.components.items()}
            for outputs in linked.show(values, request):
                yield {**settings, **outputs}
                settings = {}
        except ValueError as error:
            raise refusal(error) from None

    def read(self, query: Mapping[str, str]) -> tuple[str, dict[str, Any]] | None:
        """Parse a query into the tab and its values; unknown names are ignored.

        Return None if the query holds no setting of its tab.

        Raises
        ------
        ValueError
            The tab or a value is invalid.
        """
        tab = query.get(TAB, self._first)
        if tab not in self._tabs:
            valid = ", ".join(self._tabs)
            raise ValueError(f"the link names no tab of this page: {shown(tab)}; valid: {valid}")
        linked = self._tabs[tab]
        given = {name: query[name] for name in linked.settings if name in query}
        if not given:
            return None
        parsed = {name: _parsed(name, linked.settings[name], text) for name, text in given.items()}
        return tab, linked.opening() | parsed

    def sets(self, tab: str, request: gr.Request) -> bool:
        """Return True if a request has a valid link with settings of a tab."""
        try:
            found = self.read(request.query_params)
        except ValueError:  # `restore` reports it
            return False
        return found is not None and found[0] == tab


def unchanged(values: Values, request: gr.Request) -> Iterator[Outputs]:
    """Yield no update but the settings themselves."""
    yield {}


def _parsed(name: str, setting: Component | Callable[[str], Any], text: str) -> Any:
    """Parse the text of one setting; raise ValueError with its name."""
    try:
        if not isinstance(setting, Component):
            return setting(text)
        value = _value(setting, text)
        problem = wrong(setting, value)
    except ValueError as error:
        raise ValueError(f"{name} in the link: {error}") from None
    if problem:
        raise ValueError(f"{name} in the link: {problem}")
    return value


def _value(component: Component, text: str) -> Any:
    if isinstance(component, gr.Checkbox):
        if text not in SWITCH:
            raise ValueError(f"{shown(text)} is neither 0 nor 1")
        return SWITCH[text]
    if isinstance(component, gr.CheckboxGroup):
        return text.split(SEPARATOR) if text else []
    if isinstance(component, gr.Radio | gr.Dropdown):
        # a choice may be a number
        return next((one for _, one in component.choices if str(one) == text), text)
    if isinstance(component, gr.Slider | gr.Number):
        return number(text)
    return text


def choice(valid: Iterable[str], text: str) -> str:
    """Return a text that is one of the valid texts; raise ValueError for another text."""
    if text not in (known := list(valid)):
        raise ValueError(f"{shown(text)} is not one of {', '.join(known)}")
    return text


def number(text: str) -> float:
    """Parse a number; an int if it has no point."""
    try:
        return int(text) if text.removeprefix("-").isdecimal() else float(text)
    except ValueError:
        raise ValueError(f"{shown(text)} is not a number") from None


def whole_number(text: str) -> int:
    """Parse a whole number that is not negative, such as a seed."""
    return whole(number(text))


def holds(image: np.ndarray) -> bool:
    """Return True if a link to this image contains the image."""
    return max(image.shape) <= LARGEST_SIDE


def write_image(image: np.ndarray) -> str:
    """Return an image, (H, W) uint8, as the text of a link; "" if the image is too large."""
    if not holds(image):
        return ""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "png", optimize=True)
    return base64.urlsafe_b64encode(buffer.getvalue()).decode().rstrip("=")


def read_image(text: str) -> np.ndarray:
    """Parse the text of `write_image`.

    Raises
    ------
    ValueError
        The text is cut off or no image, or the image is too large.
    """
    unreadable = ValueError("the image cannot be read: copy the whole link")
    if len(text) > LARGEST_TEXT:
        raise unreadable
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars="-_", validate=True)
        image = Image.open(io.BytesIO(packed), formats=["PNG"])
    except (ValueError, OSError, SyntaxError, Image.DecompressionBombError):
        raise unreadable from None
    if max(image.size) > LARGEST_SIDE:  # the header gives the size before decoding
        raise ValueError(f"the image has more than {LARGEST_SIDE} pixels a side")
    try:
        return np.asarray(image.convert("L"))
    except (OSError, SyntaxError):
        raise unreadable from None
