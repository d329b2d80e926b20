"""Metadata of an image file: kept as bytes, within bounds, and never decoded as text."""

from __future__ import annotations

import dataclasses
import re
import struct
import zlib
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from denoise.images import exif
from denoise.images.ifd import Broken
from denoise.images.kinds import AVIF, JPEG, PNG, WEBP, Kind

LARGEST = {"exif": 4_000_000, "icc": 8_000_000, "xmp": 4_000_000, "iptc": 250_000, "texts": 100_000}
"""Bytes of each part; a larger part is dropped, with a note."""

MOST = 1_000  # most IPTC keywords, texts and comments; longer lists are dropped, with a note
IN_JPEG = {"exif": 65_500, "xmp": 65_500, "texts": 65_500}  # one segment holds 65,533 bytes
NAMES = {"exif": "EXIF", "icc": "ICC profile", "xmp": "XMP", "iptc": "IPTC", "texts": "text"}
NAMES |= {"resolution": "resolution"}
# color spaces of ICC profiles, and the channels that they describe
SPACES = {b"GRAY": 1, b"RGB ": 3}
SRGB_GAMMA = 45_455  # 1/2.2 in PNG's units
RESOURCE, IPTC_RESOURCE = b"8BIM", 0x0404
METERS = {"meter": Fraction(1), "inch": Fraction(254, 10_000), "cm": Fraction(1, 100)}
XMP_ORIENTATION = re.compile(rb"(tiff:Orientation(?:=[\"']|>\s*))[2-8]")


class Resolution(NamedTuple):
    """Pixels per unit ("meter", "inch" or "cm"), horizontal and vertical.

    "aspect" gives only the shape of a pixel.
    """

    x: float
    y: float
    unit: str

    def per(self, unit: str) -> tuple[Fraction, Fraction]:
        """Return the resolution in another unit.

        Undo the rounding if an integer of that unit explains it.
        """
        scale = METERS[unit] / METERS[self.unit] if self.unit != "aspect" else Fraction(1)
        x, y = (
            _converted(Fraction(value).limit_denominator(10_000), scale)
            for value in (self.x, self.y)
        )
        return x, y


@dataclass(frozen=True)
class Metadata:
    """Metadata kept beside the pixels of an image.

    Attributes
    ----------
    exif : bytes
        A TIFF structure, as in JPEG after "Exif"; for a TIFF file, its descriptive fields.
    icc, xmp, iptc : bytes
        A color profile, an XMP packet, and IPTC records.
    texts : tuple of (bytes, bytes)
        PNG chunks of text by chunk type and body; comments of other formats have the type b"COM".
    colors : tuple of (bytes, bytes)
        PNG chunks that define the meaning of the pixel values, unless a color profile defines it.
    resolution : Resolution, optional
    duration, loops : int
        Milliseconds of an animation's frame (None: no frame), and its repetitions (0: endless).
    """

    exif: bytes = b""
    icc: bytes = b""
    xmp: bytes = b""
    iptc: bytes = b""
    texts: tuple[tuple[bytes, bytes], ...] = ()
    colors: tuple[tuple[bytes, bytes], ...] = ()
    resolution: Resolution | None = None
    duration: int | None = None
    loops: int = 0


def bounded(metadata: Metadata, *given: str) -> tuple[Metadata, tuple[str, ...]]:
    """Drop parts that are too large or broken; return a note for each, after the given notes."""
    notes = list(given)
    sizes = {part: len(getattr(metadata, part)) for part in ("exif", "icc", "xmp", "iptc")}
    sizes["texts"] = sum(len(body) for _, body in metadata.texts)
    counts = {"iptc": metadata.iptc.count(b"\x1c\x02"), "texts": len(metadata.texts)}
    for part, size in sizes.items():
        if size > LARGEST[part]:
            notes.append(
                f"{NAMES[part]} of {size:,} bytes was left out: at most {LARGEST[part]:,} are kept"
            )
        elif counts.get(part, 0) > MOST:
            notes.append(
                f"{NAMES[part]} of {counts[part]:,} entries was left out: at most {MOST:,} are kept"
            )
        elif size and part in READABLE and not READABLE[part](getattr(metadata, part)):
            notes.append(f"{NAMES[part]} that cannot be read was left out")
        else:
            continue
        nothing: dict[str, Any] = {part: () if part == "texts" else b""}
        metadata = dataclasses.replace(metadata, **nothing)
    if metadata.resolution is None and metadata.exif:
        found = exif.resolution(metadata.exif)
        metadata = dataclasses.replace(metadata, resolution=found and Resolution(*found))
    return metadata, tuple(notes)


def upright(metadata: Metadata, orientation: int, width: int, height: int) -> Metadata:
    """Return the metadata of an image after rotation to `width` x `height` pixels."""
    aside = orientation >= 5
    block = exif.upright(metadata.exif, width, height, aside=aside) if metadata.exif else b""
    xmp = metadata.xmp if orientation == 1 else XMP_ORIENTATION.sub(rb"\g<1>1", metadata.xmp)
    resolution = metadata.resolution
    if aside and resolution is not None:
        resolution = Resolution(resolution.y, resolution.x, resolution.unit)
    return dataclasses.replace(metadata, exif=block, xmp=xmp, resolution=resolution)


def fitting(metadata: Metadata, kind: Kind, channels: int) -> tuple[Metadata, tuple[str, ...]]:
    """Return the metadata that a format can hold, and a note on the rest.

    `channels` is 1 or 3.
    """
    empty = Metadata()
    kept, lost = metadata, []
    if (
        kind in (WEBP, AVIF)
        and metadata.resolution is not None
        and metadata.resolution.unit != "aspect"
    ):
        unit = "cm" if metadata.resolution.unit == "cm" else "inch"
        kept = dataclasses.replace(
            kept, exif=exif.with_resolution(kept.exif, *metadata.resolution.per(unit), unit)
        )
    if kept.icc and SPACES.get(kept.icc[16:20]) != channels:
        kept, lost = dataclasses.replace(kept, icc=b""), ["an ICC profile for other colors"]
    if kind is JPEG:
        comments = _comments(kept)
        lost += ["text"] * (len(comments) < len(kept.texts))
        kept = dataclasses.replace(kept, texts=comments)
    if kind is not PNG:
        lost += ["the gamma"] * (not kept.icc and not _is_srgb(kept.colors))
        kept = dataclasses.replace(kept, colors=())
    for part, name in NAMES.items():
        value = getattr(kept, part)
        too_large = kind is JPEG and part in ("exif", "xmp") and len(value) > IN_JPEG[part]
        if value and (part not in kind.carries or too_large):
            if part != "resolution" or kind not in (WEBP, AVIF) or value.unit == "aspect":
                lost.append(name)
            kept = dataclasses.replace(kept, **{part: getattr(empty, part)})
    notes = (f"left out, as {kind.name} files cannot hold it: {', '.join(lost)}",) if lost else ()
    return kept, notes


def photoshop(records: bytes) -> bytes:
    """Wrap IPTC records in the Photoshop resource of JPEG and PNG files."""
    resource = RESOURCE + struct.pack(">HHI", IPTC_RESOURCE, 0, len(records)) + records
    return resource + bytes(len(resource) % 2)


def iptc_records(resources: bytes) -> bytes:
    """Return the IPTC records in Photoshop resources; empty if there are none."""
    at = 0
    while resources[at : at + 4] == RESOURCE and at + 7 < len(resources):
        number = int.from_bytes(resources[at + 4 : at + 6], "big")
        name = resources[at + 6] + 1
        at += 6 + name + name % 2
        size = int.from_bytes(resources[at : at + 4], "big")
        if number == IPTC_RESOURCE:
            return resources[at + 4 : at + 4 + size]
        at += 4 + size + size % 2
    return b""


def inflated(data: bytes, most: int) -> bytes | None:
    """Decompress a zlib stream.

    Return None if the output exceeds `most` bytes, or the stream is damaged.
    """
    stream = zlib.decompressobj()
    try:
        found = stream.decompress(data, most + 1)
    except zlib.error:
        return None
    return found if len(found) <= most else None


def _is_exif(block: bytes) -> bool:
    try:
        exif.check(block)
    except Broken:
        return False
    return True


def _is_profile(icc: bytes) -> bool:
    return icc[36:40] == b"acsp" and int.from_bytes(icc[:4], "big") <= len(icc)


READABLE = {"exif": _is_exif, "icc": _is_profile}


def _converted(value: Fraction, scale: Fraction) -> Fraction:
    """Convert a resolution, and undo its rounding to an integer.

    11,811 per meter (299.9994 per inch) becomes 300.
    """
    whole = round(value * scale)
    if value.denominator == 1 and whole and round(whole / scale) == value:
        return Fraction(whole)
    return (value * scale).limit_denominator(10_000)


def _is_srgb(colors: tuple[tuple[bytes, bytes], ...]) -> bool:
    """Return True if PNG's color chunks match the readers' default, sRGB."""
    found = dict(colors)
    gamma = int.from_bytes(found.get(b"gAMA", b""), "big") or SRGB_GAMMA
    return b"sRGB" in found or (b"cICP" not in found and abs(gamma - SRGB_GAMMA) < SRGB_GAMMA / 50)


def _comments(metadata: Metadata) -> tuple[tuple[bytes, bytes], ...]:
    """Return the comments, including PNG texts with the keyword Comment."""
    kept = []
    for chunk, body in metadata.texts:
        keyword, _, text = body.partition(b"\0")
        if chunk == b"COM" or (chunk == b"tEXt" and keyword == b"Comment"):
            kept.append((b"COM", body if chunk == b"COM" else text))
    return tuple((chunk, text) for chunk, text in kept if len(text) <= IN_JPEG["texts"])
