"""JSON files that hold one object: valid JSON, bounded size, and a checked type for each value."""

from __future__ import annotations

import json
import math
import reprlib
import types
import typing
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

LARGEST = 2**23  # bytes of a file: the size of a curve with 50,000 points
DEEPEST = 100  # nesting depth of objects and lists: Python writes no more than some hundreds
_SHORT = reprlib.Repr()
_SHORT.maxlevel = 1
WORDS = {
    int: "an integer",
    float: "a number",
    str: "text",
    bool: "true or false",
    dict: "an object",
    list: "a list",
}


def read(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds one object.

    Raises
    ------
    FileNotFoundError
        The file does not exist.
    ValueError
        The file is too large, is not JSON, or does not hold an object.
    """
    if path.exists() and not path.is_file():
        raise ValueError(f"{path}: not a file")
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError(f"{path}: more than {LARGEST:,} bytes; it must be a small JSON file")
    return parse(data, str(path))


def parse(data: bytes | str, where: str) -> dict[str, Any]:
    """Parse JSON text that holds one object; raise ValueError that begins with `where`."""
    try:
        # editors on Windows add a byte order mark
        text = data if isinstance(data, str) else data.decode("utf-8-sig")
        held = json.loads(text)
    except RecursionError:
        raise ValueError(
            f"{where}: objects and lists are nested too deep; at most {DEEPEST}"
        ) from None
    except ValueError as error:
        raise ValueError(f"{where}: invalid or truncated JSON ({error})") from error
    if not isinstance(held, dict):
        raise ValueError(f"{where}: {short(held)}; it must be an object")
    if _depth(held) > DEEPEST:
        raise ValueError(f"{where}: objects and lists are nested too deep; at most {DEEPEST}")
    return held


def text(value: Any, indent: int | None = None) -> str:
    """Return `value` as JSON; a number that is not finite becomes null."""
    return json.dumps(_finite(value), indent=indent, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def check(
    held: Mapping[str, Any], kinds: Mapping[str, Any], where: str, needed: Collection[str] = ()
) -> None:
    """Raise ValueError unless each value has its type.

    Parameters
    ----------
    held : mapping
        Content of a file.
    kinds : mapping
        Type of each named value, as an annotation: `int`, `float`, `str`, `bool`, `dict`,
        `list[str]`, `dict[str, float]`, `str | None`. A name that is absent here may have any
        value.
    where : str
        Name of the file, for the error.
    needed : collection of str
        Names that must be present.
    """
    for name in needed:
        if name not in held:
            raise ValueError(f"{where}: {name!r} is missing")
    for name, kind in kinds.items():
        if name in held and not fits(held[name], kind):
            raise ValueError(f"{where}: {name} is {short(held[name])}; it must be {word(kind)}")


def fits(value: Any, kind: Any) -> bool:
    """Return True if a JSON value matches a type.

    A list matches any sequence, an integer matches `float`.
    """
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, one) for one in inner)
    if origin is dict:
        return isinstance(value, dict) and all(fits(one, inner[1]) for one in value.values())
    if origin in (list, Sequence, tuple):
        return isinstance(value, list | tuple) and all(fits(one, inner[0]) for one in value)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, kind)


def word(kind: Any) -> str:
    """Describe a type in an error: "a list, each an integer"."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(word(one) for one in inner)
    if origin is dict:
        return f"an object, each value {word(inner[1])}"
    if origin is not None:
        return f"a list, each {word(inner[0])}"
    return "null" if kind is types.NoneType else WORDS[kind]


def short(value: Any) -> str:
    """Format the beginning of a value for an error."""
    return _SHORT.repr(value)


def _depth(held: Any) -> int:
    """Return the nesting depth of objects and lists."""
    depth, layer = 0, [held]
    while layer and depth <= DEEPEST:
        depth += 1
        layer = [
            one for outer in layer for one in (outer.values() if isinstance(outer, dict) else outer)
        ]
        layer = [one for one in layer if isinstance(one, dict | list)]
    return depth
