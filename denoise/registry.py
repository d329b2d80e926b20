"""Registry of named entries: decoders, datasets, noises and denoisers."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

ALIASES = {
    "told": "noise_conditional",
    "untold": "noise_dropout",
    "fresh": "online_noise",
    "flips": "dihedral",
    "start": "init_from",
    "optimiser": "optimizer",
}
"""Settings by their names before version 0.2, which cards and command lines may still use."""


def renamed(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings of a card under their present names."""
    found = {ALIASES.get(name, name): value for name, value in settings.items()}
    return found | {"norm": "frozen"} if found.get("norm") == "kept" else found


class UnknownName(ValueError):
    """Error of an unknown name; its text lists the valid names and the nearest."""


@dataclass(frozen=True)
class Entry:
    """Registered entry: its builder, and its label and color in tables and figures.

    `label` is the text for readers; `colour` is a hex color for all figures and pages; `facts`
    holds values for one registry only, such as `needs_indices` of a decoder.
    """

    name: str
    build: Callable[..., Any]
    label: str
    colour: str = "#555555"
    facts: dict[str, Any] = field(default_factory=dict)


class Registry:
    """Entries by name, in the order of registration.

    Parameters
    ----------
    kind : str
        Kind of the entries, in the singular ("decoder"): begins the error messages.

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
        self,
        name: str,
        *,
        label: str,
        colour: str = "#555555",
        aliases: tuple[str, ...] = (),
        **facts: Any,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register the decorated function under `name`; raise ValueError if a name is taken."""

        def add(build: Callable[..., Any]) -> Callable[..., Any]:
            for taken in (name, *aliases):
                if taken in self:
                    raise ValueError(f"the {self.kind} {taken!r} is already registered")
            self._entries[name] = Entry(name, build, label, colour, facts)
            self._aliases.update(dict.fromkeys(aliases, name))
            return build

        return add

    def __getitem__(self, name: str) -> Entry:
        """Return the entry of a name or alias; raise `UnknownName` with the valid names."""
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
        """Return every name, without aliases."""
        return list(self._entries)


def unknown(kind: str, name: str, valid: list[str]) -> str:
    """Format the error about an unknown name, with the nearest name and all valid names."""
    near = difflib.get_close_matches(str(name), valid, n=1, cutoff=0.6)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return f"unknown {kind} {name!r}{hint}; valid: {', '.join(valid) or 'none'}"
