"""Image files built byte by byte, in forms that no library writes."""

import binascii
import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

PASSES = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)
FORMATS = {1: "B", 2: "B", 3: "H", 4: "I", 5: "I", 6: "b", 7: "B", 8: "h", 9: "i", 10: "i", 16: "Q"}


def noise(*shape, dtype=np.uint8, seed=0):
    return np.random.default_rng(seed).integers(
        0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True
    )


def saved(pixels, kind, **options):
    """Return the bytes of a file that Pillow writes."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(name, body):
    return (
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", binascii.crc32(name + body))
    )


def behind_header(png, *chunks):
    return png[:33] + b"".join(chunk(*one) for one in chunks) + png[33:]


def packed(numbers, bits):
    """Pack rows of samples into bits; pad each row to whole bytes."""
    text = ["".join(f"{int(number):0{bits}b}" for number in row.ravel()) for row in numbers]
    return [
        b"".join(bytes([int(row[at : at + 8].ljust(8, "0"), 2)]) for at in range(0, len(row), 8))
        for row in text
    ]


def png(samples, bits, color, *before, interlaced=False):
    """Return a PNG of samples (H, W, C), without prediction filters; `before` are more chunks."""
    height, width = samples.shape[:2]
    parts = (
        [samples[y::down, x::across] for x, y, across, down in PASSES] if interlaced else [samples]
    )
    rows = b"".join(b"\0" + row for part in parts if part.size for row in packed(part, bits))
    header = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, interlaced)
    whole = [(b"IHDR", header), *before, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in whole)


def segment(code, body):
    return struct.pack(">BBH", 0xFF, code, len(body) + 2) + body


def in_jpeg(jpeg, *segments):
    return jpeg[:2] + b"".join(segment(*one) for one in segments) + jpeg[2:]


def iptc(keywords, length):
    """Return Photoshop segments with IPTC keywords of a length."""
    records = b"".join(
        b"\x1c\x02\x19" + struct.pack(">H", length) + b"%0*d" % (length, n) for n in range(keywords)
    )
    resource = (
        b"8BIM\x04\x04\0\0" + struct.pack(">I", len(records)) + records + bytes(len(records) % 2)
    )
    return [
        (0xED, b"Photoshop 3.0\0" + resource[at : at + 60_000])
        for at in range(0, len(resource), 60_000)
    ]


def field(type_, *values, order="<"):
    return (
        type_,
        len(values) // (2 if type_ in (5, 10) else 1),
        struct.pack(f"{order}{len(values)}{FORMATS[type_]}", *values),
    )


def directory(fields, at, order="<", following=0):
    """Return a directory of fields by tag at a byte offset of its file, followed by the values."""
    table, behind = struct.pack(order + "H", len(fields)), b""
    start = at + 2 + 12 * len(fields) + 4
    for tag, (type_, count, data) in sorted(fields.items()):
        value = data.ljust(4, b"\0")
        if len(data) > 4:
            value, behind = (
                struct.pack(order + "I", start + len(behind)),
                behind + data + bytes(len(data) % 2),
            )
        table += struct.pack(order + "HHI", tag, type_, count) + value
    return table + struct.pack(order + "I", following) + behind


def tiff(width, height, bits, photometric, data, samples=1, order="<", **more):
    """Return a TIFF of one strip of uncompressed samples.

    `more` are further fields, as `t320=field(...)`.
    """
    head = {"<": b"II", ">": b"MM"}[order] + struct.pack(order + "HI", 42, 8)
    fields = {
        256: field(4, width, order=order),
        257: field(4, height, order=order),
        258: field(3, *[bits] * samples, order=order),
        259: field(3, 1, order=order),
        262: field(3, photometric, order=order),
        273: field(4, 0, order=order),
        277: field(3, samples, order=order),
        278: field(4, height, order=order),
        279: field(4, len(data), order=order),
        **{int(name[1:]): value for name, value in more.items()},
    }
    fields = {tag: value for tag, value in fields.items() if value is not None}
    start = 8 + len(directory(fields, 8, order))
    if 273 in fields and "t273" not in more:
        fields[273] = field(4, start, order=order)
    return head + directory(fields, 8, order) + data


def exif(fields, order="<"):
    return (
        {"<": b"II", ">": b"MM"}[order]
        + struct.pack(order + "HI", 42, 8)
        + directory(fields, 8, order)
    )


def peak():
    """Return the peak memory of this process in bytes since `/proc/self/clear_refs` was written."""
    (line,) = (
        line
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("VmHWM")
    )
    return 1024 * int(line.split()[1])
