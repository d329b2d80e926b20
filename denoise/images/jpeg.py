"""JPEG files: segments, scans, bytes after the end, metadata, and pixels.

References
----------
ITU-T T.81, annex B (markers) and annex G (progressive scans); JFIF 1.02; EXIF 3.0; ICC.1:2010,
annex B.4.
"""

from __future__ import annotations

import re
import struct
from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from denoise.images import colors
from denoise.images.container import UNREADABLE, Decoded, Opened, channels, check_size, cut, loaded
from denoise.images.metadata import Metadata, Resolution, bounded, iptc_records, photoshop

MOST_SCANS = 100  # encoders write about 10; each scan costs as much time as a whole image
MOST_SEGMENTS = 10_000
FEW_ZEROS = 2  # bytes at the end of a scan that may belong to it
APP0, APP1, APP2, APP13, APP14, COMMENT = 0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xFE
START, END, START_OF_SCAN = 0xD8, 0xD9, 0xDA
ALONE = (0x01, *range(0xD0, 0xD9))  # markers without a segment
FRAMES = (0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF)
PROGRESSIVE = (0xC2, 0xCA)
RESTART_INTERVAL = 0xDD
# with Huffman, arithmetic and quantization tables
NEEDED = (*FRAMES, 0xC4, 0xCC, 0xDB, RESTART_INTERVAL, APP14)
MARKER = re.compile(rb"\xff+([^\x00\xff])")
IN_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # a marker that ends the data of a scan
FILLING = re.compile(rb"\xff{2,}")
JFIF = b"JFIF\0\1\1\0\0\1\0\1\0\0"  # identifies three components as YCbCr for a decoder
EXIF, XMP, MORE_XMP = (
    b"Exif\0",
    b"http://ns.adobe.com/xap/1.0/\0",
    b"http://ns.adobe.com/xmp/extension/\0",
)
ICC, PHOTOSHOP = b"ICC_PROFILE\0", b"Photoshop 3.0\0"
ICC_CHUNK, RESOURCE_CHUNK = 65_000, 65_000  # bytes per segment
UNITS = {0: "aspect", 1: "inch", 2: "cm"}
PADS = bytes(range(128)), bytes(range(127, -1, -1))
RESTARTS = tuple(bytes((0xFF, 0xD0 + number)) for number in range(8))


@dataclass
class _File:
    """Parts of a JPEG file, filled during parsing."""

    needed: list[bytes] = field(default_factory=list)  # segments and scans that make the pixels
    beside: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    components: tuple[int, ...] = ()
    progressive: bool = False
    restarts: bool = False
    scans: int = 0
    # finished coefficients, by component
    exact: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    behind: int = 0  # bytes after the end

    @property
    def complete(self) -> bool:
        """True if every coefficient of every component had its last scan."""
        wanted = 64 if self.progressive else 1
        return bool(self.components) and all(
            len(self.exact[one]) == wanted for one in self.components
        )


def open_jpeg(data: bytes, largest: int) -> Opened:
    """Check a JPEG file; raise ValueError if it is truncated or exceeds a limit."""
    file = _parsed(data, largest)
    return Opened(1, (_decoded(file) for _ in range(1)))


def dress(image: bytes, metadata: Metadata) -> bytes:
    """Add metadata, as allowed by `metadata.fitting`, to a JPEG file from Pillow."""
    head, rest = bytearray(image[:20]), image[20:]  # up to the end of the JFIF segment
    if metadata.resolution is not None:
        head[13:18] = _density(metadata.resolution)
    segments = [(APP1, EXIF + b"\0" + metadata.exif)] if metadata.exif else []
    segments += [(APP1, XMP + metadata.xmp)] if metadata.xmp else []
    profile = [metadata.icc[at : at + ICC_CHUNK] for at in range(0, len(metadata.icc), ICC_CHUNK)]
    segments += [
        (APP2, ICC + bytes((number, len(profile))) + part) for number, part in enumerate(profile, 1)
    ]
    if metadata.iptc:
        resource = photoshop(metadata.iptc)
        parts = range(0, len(resource), RESOURCE_CHUNK)
        segments += [(APP13, PHOTOSHOP + resource[at : at + RESOURCE_CHUNK]) for at in parts]
    segments += [(COMMENT, text) for _, text in metadata.texts]
    return bytes(head) + b"".join(_segment(code, body) for code, body in segments) + rest


def _parsed(data: bytes, largest: int) -> _File:
    file, at = _File(), 2
    for _ in range(MOST_SEGMENTS):
        found = MARKER.search(data, at)
        if found is None:
            raise cut("no end of the JPEG")
        code, at = found[1][0], found.end()
        if code == END:
            if not file.scans:
                raise cut("an end of the JPEG before any pixel")
            file.behind = len(data) - at
            return file
        if code in ALONE:
            continue
        size = int.from_bytes(data[at : at + 2], "big")
        if size < 2 or at + size > len(data):
            raise cut(f"a segment of the JPEG at byte {at:,}")
        body, at = data[at + 2 : at + size], at + size
        if code in FRAMES:
            _read_frame(file, code, body, largest)
        file.restarts |= code == RESTART_INTERVAL and body != bytes(2)
        if code in NEEDED:
            file.needed.append(_segment(code, body))
        elif code == START_OF_SCAN:
            at = _read_scan(file, body, data, at)
            if file.complete:
                ended = data[at : at + 2] == bytes((0xFF, END))
                file.behind = len(data) - at - 2 * ended
                return file
        else:
            _read_beside(file, code, body)
    raise ValueError(f"a JPEG of more than {MOST_SEGMENTS:,} segments")


def _read_frame(file: _File, code: int, body: bytes, largest: int) -> None:
    if file.components:
        raise ValueError(f"{UNREADABLE}: a JPEG of two frames")
    if len(body) < 6 or len(body) < 6 + 3 * body[5]:
        raise ValueError(f"{UNREADABLE}: the frame header of the JPEG is too short")
    bits, height, width, count = struct.unpack_from(">BHHB", body)
    if bits != 8:
        raise ValueError(f"a JPEG of {bits} bits per sample; valid: 8")
    if count not in (1, 3, 4):
        raise ValueError(f"a JPEG of {count} channels; valid: gray, RGB and CMYK")
    check_size(width, height, largest)
    file.components = tuple(body[6 + 3 * number] for number in range(count))
    file.progressive = code in PROGRESSIVE


def _read_scan(file: _File, body: bytes, data: bytes, at: int) -> int:
    """Read a scan with its data from byte `at` on; return the end of the data."""
    file.scans += 1
    if file.scans > MOST_SCANS:
        raise ValueError(f"a JPEG of more than {MOST_SCANS} scans; valid: at most {MOST_SCANS}")
    count = body[0] if body else 0
    if not file.components or len(body) < 4 + 2 * count:
        raise ValueError(f"{UNREADABLE}: a JPEG with a broken scan")
    first, last, step = body[1 + 2 * count : 4 + 2 * count]
    for number in range(count):
        if not file.progressive:
            file.exact[body[1 + 2 * number]].add(0)
        elif step & 15 == 0:
            file.exact[body[1 + 2 * number]].update(range(first, min(last, 63) + 1))
    found = IN_SCAN.search(data, at)
    end = found.start() if found else len(data)
    # fill bytes have no meaning, and slow a decoder down
    content = FILLING.sub(b"\xff", data[at:end])
    if found is None:  # a broken download may have left zeros for the whole length of the file
        content = (
            content.rstrip(b"\0") + content[-FEW_ZEROS:][len(content[-FEW_ZEROS:].rstrip(b"\0")) :]
        )
    file.needed.append(_segment(START_OF_SCAN, body) + content)
    return end


def _read_beside(file: _File, code: int, body: bytes) -> None:
    parts = (
        (APP0, b"JFIF\0", "jfif", 0),
        (APP1, EXIF, "exif", 6),
        (APP1, XMP, "xmp", len(XMP)),
        (APP1, MORE_XMP, "extended XMP", 0),
        (APP2, ICC, "icc", len(ICC)),
        (APP2, b"MPF\0", "images", 0),  # points at images after the end
        (APP13, PHOTOSHOP, "photoshop", len(PHOTOSHOP)),
        (COMMENT, b"", "texts", 0),
        (APP0, b"", "thumbnail", 0),
    )
    for wanted, start, name, skipped in parts:
        if code == wanted and body.startswith(start):
            file.beside[name].append(body[skipped:])
            return
    file.beside["others"].append(f"APP{code - APP0}".encode())


def _metadata(beside: dict[str, list[bytes]]) -> tuple[Metadata, tuple[str, ...]]:
    resolution = None
    if beside["jfif"] and len(beside["jfif"][0]) >= 12:
        unit, x, y = struct.unpack_from(">BHH", beside["jfif"][0], 7)
        if x and y and unit in UNITS and (unit or x != y):
            resolution = Resolution(x, y, UNITS[unit])
    profile = sorted(part for part in beside["icc"] if len(part) > 2)
    whole = [part[:2] for part in profile] == [
        bytes((number, len(profile))) for number in range(1, len(profile) + 1)
    ]
    metadata = Metadata(
        exif=(beside["exif"] or [b""])[0],
        icc=b"".join(part[2:] for part in profile) if whole else b"",
        xmp=(beside["xmp"] or [b""])[0],
        iptc=iptc_records(b"".join(beside["photoshop"])),
        texts=tuple((b"COM", text) for text in beside["texts"]),
        resolution=resolution,
    )
    lost = {name.decode() for name in beside["others"]} | ({"extended XMP"} & beside.keys())
    return bounded(metadata, *([f"left out: {', '.join(sorted(lost))}"] if lost else []))


def _decoded(file: _File) -> Decoded:
    """Decode the scans twice, with different bytes after them.

    A truncated scan consumes these bytes, so the outputs differ.
    """
    jfif = [_segment(APP0, JFIF)] if file.beside["jfif"] else []
    start = b"\xff\xd8" + b"".join(jfif + file.needed)
    image, other = (loaded(JpegImageFile, start + end + bytes((0xFF, END))) for end in _ends(file))
    if not _same(image, other):
        raise cut("the last scan of the JPEG is incomplete")
    metadata, notes = _metadata(file.beside)
    if not file.complete:
        notes += ("the JPEG ends before its last scan: fine detail is missing",)
    if file.behind:
        notes += (f"left out: {file.behind:,} bytes after the end of the JPEG",)
    if image.mode == "CMYK":
        return colors.from_cmyk(Decoded(np.asarray(image), False, metadata, notes))
    return Decoded(*channels(image), metadata, notes)


def _ends(file: _File) -> tuple[bytes, ...]:
    """Return the two endings for a test of truncation.

    After a restart interval a decoder continues only at the next restart marker.
    """
    if not file.restarts:
        return PADS
    places = [file.needed[-1].rfind(mark) for mark in RESTARTS]
    first = (places.index(max(places)) + 1) % 8 if max(places) >= 0 else 0
    marks = (b"", *RESTARTS[first:], *RESTARTS[:first])
    return tuple(b"".join(mark + pad for mark in marks) for pad in PADS)


def _same(one: Image.Image, other: Image.Image) -> bool:
    bands = ((0, top, one.width, min(top + 256, one.height)) for top in range(0, one.height, 256))
    return all(one.crop(band).tobytes() == other.crop(band).tobytes() for band in bands)


def _segment(code: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, code, len(body) + 2) + body


def _density(resolution: Resolution) -> bytes:
    """Return unit, horizontal and vertical density.

    Choose the unit with the smaller rounding error.
    """

    def rounding(unit: str) -> Fraction:
        return max(abs(value - round(value)) / value for value in resolution.per(unit))

    units = {"aspect": ("aspect",), "cm": ("cm", "inch")}.get(resolution.unit, ("inch", "cm"))
    unit = min(units, key=rounding)
    x, y = (min(max(round(value), 1), 65_535) for value in resolution.per(unit))
    return struct.pack(">BHH", next(key for key, name in UNITS.items() if name == unit), x, y)
