"""TIFF directories: the structure of TIFF files and of EXIF blocks, read within bounds and written.

References
----------
TIFF 6.0 (Adobe, 1992), section 2; EXIF 3.0, section 4.6; BigTIFF, https://libtiff.gitlab.io/libtiff/specification/
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

BYTES = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}
"""Bytes of one value, by the type of an entry."""

ASCII, SHORT, LONG, RATIONAL, UNDEFINED = 2, 3, 4, 5, 7
NUMBERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
MOST_ENTRIES = 1_000  # entries of one directory; a camera writes about 60, GDAL about 30


class Entry(NamedTuple):
    """Field of a directory: its values as bytes, their number, and the offset of these bytes.

    The values have the byte order of the file.
    """

    type: int
    length: int
    data: bytes
    at: int = 0


class Directory(NamedTuple):
    """Fields of one directory by tag, and the offset of the next directory (0: none)."""

    entries: dict[int, Entry]
    next: int
    next_at: int


class Layout(NamedTuple):
    """Number storage of a file: byte order and offset size."""

    order: str  # "<" or ">"
    big: bool = False  # BigTIFF, with offsets of 8 bytes

    @property
    def offset(self) -> str:
        """Format of an offset for `struct`."""
        return self.order + ("Q" if self.big else "I")


class Broken(ValueError):
    """Error of a directory that contradicts itself or runs past the end of its file."""


def read_header(data: bytes) -> tuple[Layout, int]:
    """Return the layout of a TIFF structure and the offset of its first directory.

    Raise `Broken`.
    """
    order = {b"II": "<", b"MM": ">"}.get(bytes(data[:2]))
    if order is None or len(data) < 8:
        raise Broken("no TIFF header")
    magic = struct.unpack_from(order + "H", data, 2)[0]
    if magic == 43 and len(data) >= 16:
        return Layout(order, big=True), struct.unpack_from(order + "Q", data, 8)[0]
    if magic != 42:
        raise Broken("no TIFF header")
    return Layout(order), struct.unpack_from(order + "I", data, 4)[0]


def read_directory(
    data: bytes | bytearray, offset: int, layout: Layout, *, lenient: bool = False
) -> Directory:
    """Read one directory; raise `Broken` if it, or a field of it, runs past the end.

    `lenient` skips such fields instead: some cameras write them, and an image does not need them.
    """
    count_format, entry_bytes = (layout.order + "Q", 20) if layout.big else (layout.order + "H", 12)
    width = struct.calcsize(layout.offset)
    first = offset + struct.calcsize(count_format)
    if not 0 < offset <= len(data) or first > len(data):
        raise Broken(f"a directory at byte {offset:,} of {len(data):,}")
    count = struct.unpack_from(count_format, data, offset)[0]
    if count > MOST_ENTRIES:
        raise Broken(f"a directory of {count:,} fields; at most {MOST_ENTRIES:,} are read")
    next_at = first + count * entry_bytes
    if next_at + width > len(data):
        raise Broken("a directory that runs past the end of the file")
    entries: dict[int, Entry] = {}
    for start in range(first, next_at, entry_bytes):
        tag, type_ = struct.unpack_from(layout.order + "HH", data, start)
        if type_ not in BYTES:
            continue  # TIFF 6.0, section 2: readers skip fields of an unexpected type
        values = struct.unpack_from(layout.offset, data, start + 4)[0]
        size, at = values * BYTES[type_], start + 4 + width
        if size > width:
            at = struct.unpack_from(layout.offset, data, at)[0]
        if at + size > len(data):
            if lenient:
                continue
            raise Broken(f"the field {tag} runs past the end of the file")
        entries.setdefault(tag, Entry(type_, values, bytes(data[at : at + size]), at))
    return Directory(entries, struct.unpack_from(layout.offset, data, next_at)[0], next_at)


def directories(data: bytes, most: int) -> Iterator[tuple[Layout, Directory]]:
    """Yield the directories of a file in order.

    Raise `Broken` for a loop or for more than `most`.
    """
    layout, offset = read_header(data)
    seen: set[int] = set()
    while offset:
        if offset in seen:
            raise Broken("directories that point at each other in a loop")
        if len(seen) == most:
            raise Broken(f"more than {most:,} directories")
        seen.add(offset)
        directory = read_directory(data, offset, layout)
        yield layout, directory
        offset = directory.next


def numbers(entry: Entry | None, order: str) -> tuple[float, ...]:
    """Return the values of a field as numbers, a rational as its quotient.

    Empty for other types and for None.
    """
    if entry is None:
        return ()
    if entry.type in NUMBERS:
        return struct.unpack(f"{order}{entry.length}{NUMBERS[entry.type]}", entry.data)
    if entry.type in (5, 10):
        pairs = (
            np.frombuffer(entry.data, order + ("u4" if entry.type == 5 else "i4"))
            .reshape(-1, 2)
            .tolist()
        )
        return tuple(over / under if under else 0.0 for over, under in pairs)
    return ()


def entry(type_: int, *values: int, order: str) -> Entry:
    """Make a field of integers; a rational takes numerator and denominator in turn."""
    packed = struct.pack(f"{order}{len(values)}{NUMBERS.get(type_, 'I')}", *values)
    return Entry(type_, len(packed) // BYTES[type_], packed)


def swapped(field: Entry, source: str, target: str) -> Entry:
    """Convert a field to another byte order."""
    width = 4 if field.type in (5, 10) else BYTES[field.type]
    if source == target or width == 1:
        return field
    return field._replace(
        data=np.frombuffer(field.data, f"{source}u{width}").astype(f"{target}u{width}").tobytes()
    )


Tree = Mapping[int, "Entry | Tree"]
"""Fields by tag; a field that points at a directory holds the fields of that directory."""


def write_directory(tree: Tree, at: int, layout: Layout, next_: int = 0) -> bytes:
    """Return the bytes of a directory at offset `at`, with its values and sub-directories."""
    pointer, width = (16, 8) if layout.big else (LONG, 4)
    table = struct.pack(layout.order + ("Q" if layout.big else "H"), len(tree))
    behind = b""
    start = at + len(table) + len(tree) * (4 + 2 * width) + width
    for tag in sorted(tree):
        field = tree[tag]
        if not isinstance(field, Entry):
            place = start + len(behind)
            behind += write_directory(field, place, layout)
            field = Entry(pointer, 1, struct.pack(layout.offset, place))
        data = field.data
        if len(data) > width:
            place, data = start + len(behind), struct.pack(layout.offset, start + len(behind))
            behind += field.data + bytes(len(field.data) % 2)
        table += struct.pack(layout.order + "HH", tag, field.type) + struct.pack(
            layout.offset, field.length
        )
        table += data.ljust(width, b"\0")
    return table + struct.pack(layout.offset, next_) + behind


def set_directories(file: bytearray, trees: Sequence[Tree], layout: Layout) -> bytearray:
    """Append directories to a file, and make them its only directories."""
    place_at = 8 if layout.big else 4
    for tree in trees:
        file += bytes(len(file) % 2)
        struct.pack_into(layout.offset, file, place_at, len(file))
        start = len(file)
        file += write_directory(tree, start, layout)
        place_at = start + (8 + 20 * len(tree) if layout.big else 2 + 12 * len(tree))
    return file
