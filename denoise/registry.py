"""One way to find a thing by its name, for decoders, datasets, noises and denoisers."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any


class UnknownName(ValueError):
    """A name that is in no registry; its text names the valid ones and the nearest."""


@dataclass(frozen=True)
class Entry:
    """A registered thing: how it is built, and how tables and pictures show it.

    `label` is what a person reads; `colour` is a hex colour that every figure and page uses for it;
    `facts` holds what only one registry needs, such as `needs_indices` of a decoder.
    """

    name: str
    build: Callable[..., Any]
    label: str
    colour: str = "#555555"
    facts: dict[str, Any] = field(default_factory=dict)


class Registry:
    """Entries by name, in the order in which they were registered.

    Parameters
    ----------
    kind : str
        What the entries are, in the singular ("decoder"): it opens the error messages.

    Examples
    --------
    >>> shapes = Registry("shape")
    >>> @shapes.register("square", label="a square", aliases=("quad",))
    ... def square(side):
    ...     return side * side
    >>> shapes["quad"].build(3)
    9
    >>> shapes.names()
    ['square']
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, Entry] = {}
        self._aliases: dict[str, str] = {}

    def register(
        self, name: str, *, label: str, colour: str = "#555555", aliases: tuple[str, ...] = (), **facts: Any
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register the decorated function under `name`; raises ValueError when a name is taken."""

        def add(build: Callable[..., Any]) -> Callable[..., Any]:
            for taken in (name, *aliases):
                if taken in self:
                    raise ValueError(f"the {self.kind} {taken!r} is registered already")
            self._entries[name] = Entry(name, build, label, colour, facts)
            self._aliases.update(dict.fromkeys(aliases, name))
            return build

        return add

    def __getitem__(self, name: str) -> Entry:
        """The entry of that name or alias; raises `UnknownName` with the valid names."""
        entry = self._entries.get(self._aliases.get(name, name))
        if entry is None:
            raise UnknownName(unknown(self.kind, name, self.names()))
        return entry

    def __contains__(self, name: object) -> bool:
        return name in self._entries or name in self._aliases

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def names(self) -> list[str]:
        """Every name, aliases left out."""
        return list(self._entries)


def unknown(kind: str, name: str, valid: list[str]) -> str:
    """The one line that refuses a name: what was wrong, the nearest name, the valid names."""
    near = difflib.get_close_matches(str(name), valid, n=1, cutoff=0.6)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return f"unknown {kind} {name!r}{hint}; valid: {', '.join(valid) or 'none'}"
