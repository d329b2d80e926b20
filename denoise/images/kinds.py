"""Image formats: one table of names, endings and abilities for readers, writers and refusals."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

BESIDE = frozenset({"exif", "icc", "xmp"})
ALL = BESIDE | {"iptc", "texts", "resolution"}


@dataclass(frozen=True)
class Kind:
    """Image file format.

    Attributes
    ----------
    name : str
        Common name.
    endings : tuple of str
        File endings, the usual ending first.
    formats : tuple of str
        Number formats for writing, the widest last; empty if this format is not written.
    alpha : bool
        Files may hold transparency.
    several : {"", "frames", "pages"}
        Kind of several images in one file; empty if a file holds one image.
    carries : frozenset of str
        Parts of `metadata.Metadata` that such a file can hold.
    side : int
        Largest width and height for writing, in pixels.
    read : bool
        Files can be read; if False, they are refused by name.
    """

    name: str
    endings: tuple[str, ...]
    formats: tuple[str, ...] = ()
    alpha: bool = False
    several: str = ""
    carries: frozenset[str] = frozenset()
    side: int = 2**31 - 1
    read: bool = True


EIGHT, DEEP = ("uint8",), ("uint8", "uint16", "float")
PNG = Kind("PNG", (".png", ".apng"), ("uint8", "uint16"), alpha=True, several="frames", carries=ALL)
JPEG = Kind("JPEG", (".jpg", ".jpeg", ".jfif", ".jpe"), EIGHT, carries=ALL, side=65_500)
WEBP = Kind("WebP", (".webp",), EIGHT, alpha=True, several="frames", carries=BESIDE, side=16_383)
BMP = Kind("BMP", (".bmp",), EIGHT, carries=frozenset({"resolution"}))
TIFF = Kind(
    "TIFF",
    (".tif", ".tiff"),
    (*EIGHT, "uint16", "float"),
    alpha=True,
    several="pages",
    carries=ALL - {"texts"},
)
AVIF = Kind("AVIF", (".avif",), EIGHT, alpha=True, several="frames", carries=BESIDE, side=65_536)
GIF = Kind("GIF", (".gif",), several="frames")
HEIC = Kind("HEIC", (".heic", ".heif", ".hif"), read=False)
JXL = Kind("JPEG XL", (".jxl",), read=False)
JP2 = Kind("JPEG 2000", (".jp2", ".j2k"), read=False)
KINDS = (PNG, JPEG, WEBP, BMP, TIFF, AVIF, GIF, HEIC, JXL, JP2)

KNOWN = {ending: kind for kind in KINDS for ending in kind.endings}
"""Formats by file ending, including formats that are refused by name."""

ENDINGS = {ending: kind for ending, kind in KNOWN.items() if kind.formats}
"""Formats by file ending, for writing."""

READ = tuple(ending for ending, kind in KNOWN.items() if kind.read)
WITH_ALPHA = tuple(kind.endings[0] for kind in KINDS if kind.alpha)
NAMES = ", ".join(kind.name for kind in KINDS if kind.read)
"""Names of the readable formats, for messages."""

STARTS = {
    b"\x89PNG\r\n\x1a\n": PNG,
    b"\xff\xd8\xff": JPEG,
    b"BM": BMP,
    **dict.fromkeys((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), TIFF),
    **dict.fromkeys((b"GIF87a", b"GIF89a"), GIF),
    **dict.fromkeys((b"\xff\x0a", b"\0\0\0\x0cJXL "), JXL),
    **dict.fromkeys((b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51"), JP2),
}
BRANDS = {**dict.fromkeys((b"avif", b"avis"), AVIF)}
BRANDS |= dict.fromkeys(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), HEIC
)
OTHERS = {
    b"%PDF": "a PDF",
    b"8BPS": "a Photoshop document",
    b"<svg": "an SVG drawing",
    b"<?xml": "an XML document",
    b"\x76\x2f\x31\x01": "an OpenEXR file",
    b"#?RADIANCE": "a Radiance HDR file",
    b"\0\0\x01\0": "an icon",
    b"PK\x03\x04": "a ZIP archive",
    b"FUJIFILMCCD-RAW": "a camera raw file",
    b"IIRO": "a camera raw file",
    b"IIU\0": "a camera raw file",
}
"""First bytes and names of files that are often taken for images."""


def kind_of(head: bytes) -> Kind | None:
    """Return the format that the first bytes of a file show, or None."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return WEBP
    if head[4:8] == b"ftyp":
        end = min(len(head), int.from_bytes(head[:4], "big"))
        brands = [head[8:12], *(head[at : at + 4] for at in range(16, end, 4))]
        found = [BRANDS[brand] for brand in brands if brand in BRANDS]
        return AVIF if AVIF in found else found[0] if found else None
    return next((kind for start, kind in STARTS.items() if head.startswith(start)), None)


def refusal(head: bytes, size: int) -> str:
    """Return the reason why a file of no readable format cannot be used, without its name."""
    kind = kind_of(head)
    valid = f"valid: {' '.join(READ)}"
    if kind is not None:
        return (
            f"{kind.name} images cannot be read: save the image as PNG, JPEG or TIFF first; {valid}"
        )
    if head[4:8] == b"ftyp":
        return f"a video, not an image; {valid}"
    name = next((name for start, name in OTHERS.items() if head.lstrip().startswith(start)), None)
    return f"{f'{name}, ' if name else ''}not an image ({size:,} bytes); {valid}"


def of_target(path: Path) -> Kind:
    """Return the format in which a file of this name is written.

    Raises
    ------
    ValueError
        Unknown ending, or a format that cannot be written.
    """
    kind = KNOWN.get(path.suffix.lower())
    valid = " ".join(ENDINGS)
    if kind is None:
        raise ValueError(f"{path}: the ending {path.suffix!r} is no image format; valid: {valid}")
    if not kind.formats:
        raise ValueError(f"{path}: {kind.name} files cannot be written; valid: {valid}")
    return kind
