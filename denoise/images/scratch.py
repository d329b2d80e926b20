"""OpenImageIO for TIFF and 16-bit PNG, through temporary files, because it does not accept bytes.

OpenImageIO gets pixels alone: text that is not UTF-8 aborts its process, and the memory of metadata
is not released.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import OpenImageIO as oiio

from denoise.images.container import UNREADABLE, message_of


def read(data: bytes | bytearray, ending: str) -> Generator[np.ndarray]:
    """Yield the images of a file, (H, W, C) in the number format of the file; raise ValueError."""
    with _file(ending) as path:
        path.write_bytes(data)
        spec = oiio.ImageSpec()
        spec.attribute("oiio:UnassociatedAlpha", 1)  # keep the stored colors
        file = oiio.ImageInput.open(str(path), spec)
        if file is None:
            raise ValueError(f"{UNREADABLE}: {_text(oiio.geterror(), path)}")
        try:
            number = 0
            while file.seek_subimage(number, 0):
                found, error = file.read_image("unknown"), file.geterror()
                # before OpenImageIO 3.2 unreadable parts are filled up, with an error
                if found is None or error:
                    raise ValueError(f"{UNREADABLE}: {_text(error, path)}")
                yield found.reshape(file.spec().height, file.spec().width, file.spec().nchannels)
                number += 1
        finally:
            file.close()


def write(images: Iterable[tuple[np.ndarray, bool]], ending: str) -> bytes:
    """Encode images, (H, W, C), into one lossless file.

    If its flag is set, the last channel of an image is alpha.

    Raises
    ------
    OSError
        The file cannot be written. OpenImageIO does not report a full disk, so the file is read
        back.
    """
    with _file(ending) as path:
        file = oiio.ImageOutput.create(str(path))
        if file is None:
            raise OSError(_text(oiio.geterror(), path))
        mode, digests = "Create", []
        for pixels, alpha in images:
            digests.append(_digest(pixels))
            height, width, channels = pixels.shape
            spec = oiio.ImageSpec(
                width, height, channels, str(pixels.dtype).replace("float32", "float")
            )
            spec.alpha_channel = channels - 1 if alpha else -1
            spec.attribute("oiio:UnassociatedAlpha", 1)
            spec.attribute("Compression", "zip")
            if not (
                file.open(str(path), spec, mode) and file.write_image(np.ascontiguousarray(pixels))
            ):
                raise OSError(_text(file.geterror(), path))
            mode = "AppendSubimage"
        if not file.close():
            raise OSError(_text(file.geterror(), path))
        written = path.read_bytes()
    try:
        whole = [_digest(pixels) for pixels in read(written, ending)] == digests
    except ValueError:
        whole = False
    if not whole:
        raise OSError(
            f"a temporary file was truncated: is the disk of {tempfile.gettempdir()} full?"
        )
    return written


def _digest(pixels: np.ndarray) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(pixels).data).digest()


@contextmanager
def _file(ending: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="denoise-") as folder:
        yield Path(folder) / f"image{ending}"


def _text(error: str, path: Path) -> str:
    """Return the message of OpenImageIO, without the temporary path."""
    return (
        message_of(ValueError(error.replace(str(path), "").replace('""', "")))
        if error
        else "no reason was given"
    )
