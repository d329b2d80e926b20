"""Picture files, read with all that they hold and written with all that they held: 16 bits, alpha, colour profile.

OpenImageIO rather than Pillow, which has no colour picture of more than 8 bits a channel: it is maintained (Academy
Software Foundation), under Apache-2.0, 8 MB, and keeps the metadata of one format when another is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import torch
from torch import Tensor

from denoise.files import whole_file

LARGEST_PIXELS = 100_000_000  # above this a file is refused before it is decoded
ENDINGS = {  # each with the number formats that its files may hold
    ".png": ("uint8", "uint16"),
    ".jpg": ("uint8",),
    ".jpeg": ("uint8",),
    ".webp": ("uint8",),
    ".bmp": ("uint8",),
    ".tif": ("uint8", "uint16", "float"),
    ".tiff": ("uint8", "uint16", "float"),
}
KINDS = ("png", "jpeg", "webp", "bmp", "tiff")
WITH_ALPHA = (".png", ".webp", ".tif", ".tiff")
LEFT_BEHIND = (  # how the pixels lay in the file that was read: no matter of the one that is written
    *("Orientation", "tiff:Compression", "compression", "Compression", "tiff:PhotometricInterpretation"),
    *("tiff:PlanarConfiguration", "planarconfig", "tiff:RowsPerStrip", "oiio:BitsPerSample", "oiio:RowsPerChunk"),
    *("jpeg:subsampling", "tiff:ColorSpace", "oiio:Movie", "png:interlace"),
)


@dataclass(frozen=True)
class PictureFile:
    """What a file holds: `pixels` (H, W, C), upright, uint8, uint16 or float32; whether the last channel is alpha; and
    what is kept beside the pixels, as colour profile, camera and date."""

    pixels: np.ndarray
    alpha: bool
    spec: oiio.ImageSpec

    @property
    def colours(self) -> int:
        """Channels without alpha: 1 or 3."""
        return self.pixels.shape[-1] - self.alpha


def read(path: str | Path, largest: int = LARGEST_PIXELS) -> PictureFile:
    """Read a file, turned upright by its EXIF orientation, the first frame only.

    Its kind and size are read from the header and checked before a pixel is decoded. Palettes, CMYK and 1-bit pictures
    come as RGB or gray.

    Raises
    ------
    ValueError
        The file is missing, empty, not a picture, cut short, or has more than `largest` pixels.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    asked = oiio.ImageSpec()
    asked.attribute("oiio:UnassociatedAlpha", 1)  # colours as they are in the file, not multiplied by their alpha
    file = oiio.ImageInput.open(str(path), asked)
    if file is None or file.format_name() not in KINDS:
        oiio.geterror()  # forget it: the next call would tell it
        raise ValueError(f"{path}: not a picture ({path.stat().st_size:,} bytes); valid: {' '.join(ENDINGS)}")
    try:
        spec = file.spec()
        if spec.width * spec.height > largest:
            raise ValueError(f"{path}: {spec.width}x{spec.height} is above {largest:,} pixels")
        if not 1 <= spec.nchannels <= 4:
            raise ValueError(f"{path}: {spec.nchannels} channels; valid: gray or RGB, with alpha or without")
        kind = _kind(spec)
        pixels = file.read_image(kind)
        if pixels is None or (file.format_name() == "jpeg" and _is_cut(path)):
            raise ValueError(f"{path}: cannot be read as a picture: {_sentence(file.geterror(), 'cut short')}")
        alpha = spec.nchannels in (2, 4)
        kept = oiio.ImageSpec(spec)
        pixels = pixels.reshape(spec.height, spec.width, spec.nchannels)
        turned = _upright(pixels, spec.get_int_attribute("Orientation", 1))
        return PictureFile(np.ascontiguousarray(turned), alpha, kept)
    finally:
        file.close()


def write(picture: PictureFile, path: str | Path) -> None:
    """Write a picture by its file ending, whole or not at all, with as many bits as the format can hold.

    Raises
    ------
    ValueError
        An ending that names no picture format, a folder that is not there, transparency in a format without, or a
        file that cannot be written.
    """
    path = check_target(path)
    ending = path.suffix.lower()
    if picture.alpha and ending not in WITH_ALPHA:
        raise ValueError(f"{path}: {ending} files have no transparency, the picture has; valid: {' '.join(WITH_ALPHA)}")
    kind = _kind(picture.spec)
    kind = kind if kind in ENDINGS[ending] else ENDINGS[ending][-1]
    pixels = _converted(picture.pixels, np.dtype(kind.replace("float", "float32")))
    spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], pixels.shape[2], kind)
    for attribute in picture.spec.extra_attribs:
        if attribute.name not in LEFT_BEHIND:
            spec.attribute(attribute.name, attribute.type, attribute.value)
    spec.alpha_channel = pixels.shape[2] - 1 if picture.alpha else -1
    spec.attribute("oiio:UnassociatedAlpha", 1)
    spec.attribute("Compression", {".webp": "lossless", ".jpg": "jpeg:95", ".jpeg": "jpeg:95"}.get(ending, "zip"))
    try:
        with whole_file(path) as partial:
            _write(pixels, spec, partial)
    except OSError as error:
        raise ValueError(f"{path}: cannot be written: {error.strerror or error}") from error


def below(folder: Path) -> list[Path]:
    """Every file below a folder that has the ending of a picture, sorted."""
    return [file for file in sorted(folder.rglob("*")) if file.suffix.lower() in ENDINGS and file.is_file()]


def check_target(path: str | Path) -> Path:
    """The path where a picture can be written to; raises ValueError as `write` does where it cannot."""
    path = Path(path)
    if path.suffix.lower() not in ENDINGS:
        raise ValueError(f"{path}: the ending {path.suffix!r} names no picture format; valid: {' '.join(ENDINGS)}")
    if not path.parent.is_dir():
        raise ValueError(f"{path}: the folder {path.parent} does not exist")
    return path


def read_8bit(path: str | Path, largest: int = LARGEST_PIXELS) -> Tensor:
    """Read a file as a dataset holds it. Returns as `eight_bits`, raises ValueError as `read` does."""
    return eight_bits(read(path, largest))


def eight_bits(picture: PictureFile) -> Tensor:
    """The pixels as a dataset holds them: (1, H, W) uint8 where they are gray, else (3, H, W); alpha over white."""
    array = _converted(picture.pixels, np.dtype(np.uint8))
    if picture.alpha:
        alpha = array[..., -1:].astype(np.float32) / 255
        array = np.round(array[..., :-1] * alpha + 255 * (1 - alpha)).astype(np.uint8)
    return torch.from_numpy(array.transpose(2, 0, 1).copy())


def _is_cut(jpeg: Path) -> bool:
    """Whether a JPEG lacks its end: the decoder paints what is missing gray, without an error.

    The last scan of a whole file (FF DA) is followed by the end (FF D9); within a scan there is neither.
    """
    content = jpeg.read_bytes()
    return content.rfind(b"\xff\xd9") < content.rfind(b"\xff\xda")


def _kind(spec: oiio.ImageSpec) -> str:
    """uint8, uint16 or float: the narrowest that holds what the file has."""
    if spec.format.basetype in (oiio.UINT8, oiio.INT8):
        return "uint8"
    return "uint16" if spec.format.basetype in (oiio.UINT16, oiio.INT16) else "float"


def _converted(pixels: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """From one number format to another, white staying white."""
    if pixels.dtype == dtype:
        return pixels
    unit = np.nan_to_num(pixels).astype(np.float32) / (np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1)
    return np.round(unit.clip(0, 1) * np.iinfo(dtype).max).astype(dtype) if dtype.kind == "u" else unit


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Turned and mirrored as EXIF says: 1 is upright, 2, 4, 5 and 7 are mirrored, 5 to 8 lie on a side."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels[::-1] if orientation in (3, 4, 7, 8) else pixels


def _write(pixels: np.ndarray, spec: oiio.ImageSpec, path: Path) -> None:
    file = oiio.ImageOutput.create(str(path))
    done = file is not None and file.open(str(path), spec) and file.write_image(np.ascontiguousarray(pixels))
    said = "" if done else _sentence(file.geterror() if file else oiio.geterror())
    if file is not None and not file.close() and done:
        done, said = False, _sentence(file.geterror())
    if not done:
        raise OSError(said)


def _sentence(error: str, otherwise: str = "no reason was given") -> str:
    return " ".join(error.split()) or otherwise
