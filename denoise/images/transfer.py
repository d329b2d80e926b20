"""Serialization of images between the decoding process and its client.

A line of JSON precedes the pixels.
"""

from __future__ import annotations

import base64
import dataclasses
import json
from typing import Any

import numpy as np

from denoise.images.metadata import Metadata, Resolution
from denoise.images.reading import PictureFile, made

LARGEST_LINE = 64_000_000  # bytes; metadata within `metadata.LARGEST` needs less
TYPES = {"uint8": np.uint8, "uint16": np.uint16, "float32": np.float32}


def pack(image: PictureFile) -> tuple[bytes, memoryview]:
    """Serialize an image to a line of JSON and the bytes of its pixels."""
    about = {
        "shape": image.pixels.shape,
        "type": str(image.pixels.dtype),
        "alpha": image.alpha,
        "notes": image.notes,
        "metadata": {
            part.name: _text(getattr(image.metadata, part.name))
            for part in dataclasses.fields(Metadata)
        },
    }
    return json.dumps(about).encode() + b"\n", image.pixels.reshape(-1).view(np.uint8).data


def pack_error(error: str, *, large: bool) -> bytes:
    """Serialize an error to a line of JSON; `large` is True if the image has too many pixels."""
    return json.dumps({"error": error, "large": large}).encode() + b"\n"


class Reply:
    """Reply line from `pack` or `pack_error`.

    Any other line raises KeyError, TypeError or ValueError.
    """

    def __init__(self, line: bytearray, largest: int) -> None:
        self._about = json.loads(line)
        self.error: str = self._about.get("error", "")
        self.large = bool(self._about.get("large"))
        self._shape: tuple[int, ...] = ()
        self.size = 0
        if not self.error:
            self._type = np.dtype(TYPES[self._about["type"]])
            height, width, channels = self._shape = tuple(map(int, self._about["shape"]))
            if not (height > 0 and width > 0 and height * width <= largest and 1 <= channels <= 4):
                raise ValueError("an invalid shape")
            self.size = height * width * channels * self._type.itemsize

    def image(self, pixels: bytearray) -> PictureFile | None:
        """Return the image from the pixels after the line, None if the reply is an error."""
        if self.error:
            return None
        kept = {name: _value(value) for name, value in self._about["metadata"].items()}
        kept["resolution"] = Resolution(*kept["resolution"]) if kept["resolution"] else None
        array = np.frombuffer(pixels, self._type).reshape(self._shape)
        return made(
            array,
            bool(self._about["alpha"]),
            Metadata(**kept),
            tuple(map(str, self._about["notes"])),
        )


def _text(value: Any) -> Any:
    """Encode bytes, also within tuples, as marked base64 text."""
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    return [_text(one) for one in value] if isinstance(value, tuple) else value


def _value(text: Any) -> Any:
    if isinstance(text, dict):
        return base64.b64decode(text["bytes"])
    return tuple(_value(one) for one in text) if isinstance(text, list) else text
