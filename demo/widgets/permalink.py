"""Permalink of the Compare tab: its settings, and the image itself if it is small."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import numpy as np
from PIL import Image

LARGEST_SIDE = 64  # pixels: a link with a larger image would be too long for some programs
LARGEST_TEXT = 8_000  # characters of the image in a link
SETTINGS = ("noise", "clip", "sigma", "seed", "weights", "decoders", "view")
SEPARATOR = "."


def write(image: np.ndarray, *settings: Any) -> str:
    """Return the query, "?noise=gaussian&...".

    `settings` in the order of `SETTINGS`, `image` (H, W) uint8.
    """
    given = dict(zip(SETTINGS, settings, strict=True))
    given |= {
        "clip": int(given["clip"]),
        "sigma": f"{given['sigma']:g}",
        "decoders": SEPARATOR.join(given["decoders"]),
    }
    if holds(image):
        given["picture"] = _text(image)
    return "?" + urlencode(given)


def holds(image: np.ndarray) -> bool:
    """Return True if a permalink to this image contains the image."""
    return max(image.shape) <= LARGEST_SIDE


def asks(query: Mapping[str, str]) -> bool:
    """Return True if a query has any parameter of a permalink."""
    return any(name in query for name in (*SETTINGS, "picture"))


def read(query: Mapping[str, str], usual: Mapping[str, Any]) -> dict[str, Any] | None:
    """Parse a query into "picture" and each of `SETTINGS`.

    Parameters
    ----------
    query : mapping
        From names to text; unknown names are ignored.
    usual : mapping
        Default image and settings for parameters that the query lacks.

    Returns
    -------
    dict or None
        None if the query has no parameter of a permalink. Numbers are parsed; `compare` validates
        names and levels.

    Raises
    ------
    ValueError
        A number or the image cannot be read.
    """
    if not asks(query):
        return None
    given = {name: query[name] for name in (*SETTINGS, "picture") if name in query}
    return dict(usual) | {name: _value(name, text) for name, text in given.items()}


def _value(name: str, text: str) -> Any:
    if name == "picture":
        return _image(text)
    if name == "clip":
        if text not in ("0", "1"):
            raise ValueError(f"clip in the link is neither 0 nor 1: {text[:40]!r}")
        return text == "1"
    if name in ("sigma", "seed"):
        try:
            return int(text) if name == "seed" else float(text)
        except ValueError:
            raise ValueError(f"{name} in the link is not a number: {text[:40]!r}") from None
    return text.split(SEPARATOR) if name == "decoders" else text


def _text(image: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "png", optimize=True)
    return base64.urlsafe_b64encode(buffer.getvalue()).decode().rstrip("=")


def _image(text: str) -> np.ndarray:
    unreadable = ValueError("the image in the link cannot be read: copy the whole link")
    if len(text) > LARGEST_TEXT:
        raise unreadable
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars="-_", validate=True)
        image = Image.open(io.BytesIO(packed), formats=["PNG"])
    except (ValueError, OSError, SyntaxError, Image.DecompressionBombError):
        raise unreadable from None
    if max(image.size) > LARGEST_SIDE:  # the header gives the size before decoding
        raise ValueError(f"the image in the link has more than {LARGEST_SIDE} pixels a side")
    try:
        return np.asarray(image.convert("L"))
    except (OSError, SyntaxError):
        raise unreadable from None
