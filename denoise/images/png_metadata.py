"""Metadata chunks of PNG files, read within bounds and written."""

from __future__ import annotations

import binascii
import struct
import zlib
from typing import Any

from denoise.images.metadata import (
    LARGEST,
    MOST,
    Metadata,
    Resolution,
    bounded,
    inflated,
    iptc_records,
    photoshop,
)

TEXTS = (b"tEXt", b"zTXt", b"iTXt")
COLORS = (b"gAMA", b"cHRM", b"sRGB", b"cICP")
CHUNKS = (*TEXTS, *COLORS, b"iCCP", b"pHYs", b"eXIf")
MOST_CHUNKS = 2 * MOST  # twice the limit of texts, so that a file with too many texts is recognized
XMP = b"XML:com.adobe.xmp"
PROFILE = b"Raw profile type "  # ImageMagick's texts with EXIF, IPTC or XMP in hexadecimal digits
PROFILES = {
    b"exif": "exif",
    b"APP1": "exif",
    b"app1": "exif",
    b"iptc": "iptc",
    b"8bim": "iptc",
    b"xmp": "xmp",
}


def read(found: list[tuple[bytes, bytes]], *notes: str) -> tuple[Metadata, tuple[str, ...]]:
    """Return the metadata from chunks, and the given notes with one on dropped parts."""
    parts: dict[str, Any] = {}
    texts, unread = [], set()
    for name, body in found:
        if name == b"pHYs" and len(body) == 9:
            x, y, unit = struct.unpack(">IIB", body)
            if x and y and (unit or x != y):
                parts["resolution"] = Resolution(x, y, "meter" if unit == 1 else "aspect")
        elif name == b"eXIf":
            parts["exif"] = body.removeprefix(b"Exif\0\0")
        elif name == b"iCCP" and "icc" not in parts:
            profile = inflated(body.partition(b"\0")[2][1:], LARGEST["icc"])
            parts["icc"] = profile or b""
            unread |= {"ICC profile"} - ({"ICC profile"} if profile else set())
        elif name in TEXTS:
            texts.append((name, body))
    if len(texts) <= MOST:
        kept = [text for text in texts if _take(*text, parts, unread)]
        parts["texts"] = tuple(kept)
    else:
        unread.add(f"more than {MOST:,} texts")
    if not parts.get("icc"):
        parts["colors"] = tuple(chunk for chunk in found if chunk[0] in COLORS)
    notes += (
        (f"left out, as it is damaged or too large: {', '.join(sorted(unread))}",) if unread else ()
    )
    return bounded(Metadata(**parts), *notes)


def _take(name: bytes, body: bytes, parts: dict[str, Any], unread: set[str]) -> bool:
    """Return True if a text is kept unchanged.

    Store XMP and profiles in `parts`, oversized texts in `unread`.
    """
    keyword, _, rest = body.partition(b"\0")
    part = (
        "xmp"
        if keyword == XMP
        else PROFILES.get(keyword.removeprefix(PROFILE))
        if PROFILE in keyword
        else None
    )
    packed = name == b"zTXt" or (name == b"iTXt" and rest[:1] == b"\1")
    if name == b"iTXt":  # after a flag, a method, a language and the translated keyword
        rest = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    elif packed:
        rest = rest[1:]
    content: bytes | None = rest
    if packed:
        most = LARGEST[part or "texts"] * (3 if part else 1)  # two digits per byte, and line ends
        content = inflated(rest, most)
    if content is None:
        unread.add("text")
    elif part is None:
        return True
    else:
        parts.setdefault(part, content if keyword == XMP else _profile(content, part))
    return False


def _profile(text: bytes, part: str) -> bytes:
    """Decode ImageMagick's text: a name, a length, and lines of hexadecimal digits."""
    try:
        content = binascii.unhexlify(b"".join(text.split(b"\n")[3:]).translate(None, b" \r"))
    except binascii.Error:
        return b""
    if part == "iptc":
        return iptc_records(content) or (content if content[:1] == b"\x1c" else b"")
    return content.removeprefix(b"Exif\0\0")


def write(metadata: Metadata) -> list[tuple[bytes, bytes]]:
    """Return the metadata chunks, for insertion after the header."""
    chunks = list(metadata.colors)
    if metadata.icc:
        chunks.append((b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.icc)))
    if metadata.resolution is not None:
        x, y = (min(round(value), 2**31 - 1) for value in metadata.resolution.per("meter"))
        chunks.append((b"pHYs", struct.pack(">IIB", x, y, metadata.resolution.unit != "aspect")))
    if metadata.exif:
        chunks.append((b"eXIf", metadata.exif))
    if metadata.xmp:
        chunks.append((b"iTXt", XMP + bytes(5) + metadata.xmp))
    if metadata.iptc:
        records = photoshop(metadata.iptc)
        lines = b"\niptc\n%8d\n%s\n" % (len(records), binascii.hexlify(records))
        chunks.append((b"zTXt", PROFILE + b"iptc\0\0" + zlib.compress(lines)))
    for name, body in metadata.texts:
        chunks.append(
            (b"tEXt", b"Comment\0" + body.replace(b"\0", b" ")) if name == b"COM" else (name, body)
        )
    return chunks
