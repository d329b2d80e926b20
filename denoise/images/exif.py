"""EXIF blocks: kept byte for byte, edited for upright images, and split into fields for TIFF.

A block is the TIFF structure that JPEG, PNG, WebP and AVIF files hold. Edits are made in place,
which keeps the maker's notes valid, because they hold offsets into the block.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from fractions import Fraction

from denoise.images.ifd import (
    BYTES,
    LONG,
    NUMBERS,
    RATIONAL,
    SHORT,
    Broken,
    Directory,
    Entry,
    Layout,
    Tree,
    entry,
    numbers,
    read_directory,
    read_header,
    swapped,
    write_directory,
)

ORIENTATION, X_RESOLUTION, Y_RESOLUTION, UNIT = 274, 282, 283, 296
EXIF, GPS, INTEROPERABILITY = 34665, 34853, 40965
POINTERS = (EXIF, GPS, INTEROPERABILITY)
WITHIN: dict[int, tuple[int, ...]] = {
    0: (EXIF, GPS),
    EXIF: (INTEROPERABILITY,),
    GPS: (),
    INTEROPERABILITY: (),
}
"""Sub-directories that each directory may hold (0: the first): no pointer leads in a circle."""

WIDTHS, HEIGHTS = (256, 40962), (257, 40963)  # in the first directory, in the EXIF directory
THUMBNAIL, THUMBNAIL_BYTES = 513, 514
UNITS = {2: "inch", 3: "cm"}


def check(block: bytes) -> bytes:
    """Return a block whose first directory is readable; raise `Broken` for any other block."""
    _first(block)
    return block


def orientation(block: bytes) -> int:
    """Return the orientation in a block, 1 (upright) if there is none."""
    layout, first = _first(block)
    found = numbers(first.entries.get(ORIENTATION), layout.order)
    return int(found[0]) if found and found[0] in range(1, 9) else 1


def resolution(block: bytes) -> tuple[float, float, str] | None:
    """Return the resolution in a block (x, y and unit), None if there is none."""
    layout, first = _first(block)
    return resolution_of(first.entries, layout.order)


def resolution_of(entries: Mapping[int, Entry], order: str) -> tuple[float, float, str] | None:
    """Return the resolution in the fields of a directory (x, y and unit), None if there is none."""
    x, y, unit = (numbers(entries.get(tag), order) for tag in (X_RESOLUTION, Y_RESOLUTION, UNIT))
    name = UNITS.get(int(unit[0]), "aspect") if unit else "inch"
    if not x or not y or x[0] <= 0 or y[0] <= 0 or (name == "aspect" and x[0] == y[0]):
        return None
    return x[0], y[0], name


def upright(block: bytes, width: int, height: int, *, aside: bool) -> bytes:
    """Return a block for the upright image, `width` x `height` pixels, without a thumbnail.

    `aside` means that the pixels were turned by 90 degrees: the horizontal and vertical resolutions
    are swapped.
    """
    layout, first = _first(block)
    edited = bytearray(block)
    entries = first.entries
    _set(edited, entries.get(ORIENTATION), 1, layout)
    if aside and X_RESOLUTION in entries and Y_RESOLUTION in entries:
        x, y = entries[X_RESOLUTION], entries[Y_RESOLUTION]
        if len(x.data) == len(y.data):
            edited[x.at : x.at + len(x.data)], edited[y.at : y.at + len(y.data)] = y.data, x.data
    for directory in (first, _below(block, first, EXIF, layout)):
        for tags, side in ((WIDTHS, width), (HEIGHTS, height)):
            for tag in tags:
                _set(edited, directory.entries.get(tag), side, layout)
    return bytes(_without_thumbnail(edited, first, layout))


def with_resolution(block: bytes, x: Fraction, y: Fraction, unit: str) -> bytes:
    """Add a resolution in "inch" or "cm" to a block; a block with a resolution stays unchanged."""
    layout, first = _first(block) if block else (Layout("<"), Directory({}, 0, 0))
    if X_RESOLUTION in first.entries:
        return block
    fields = {**first.entries, **resolution_fields(x, y, unit, layout.order)}
    return (
        _replaced(block, layout, fields, first.next)
        if block
        else put_together(fields, layout.order)
    )


def without_orientation(block: bytes) -> bytes:
    """Return a block without an orientation."""
    layout, first = _first(block)
    return _replaced(
        block, layout, {k: v for k, v in first.entries.items() if k != ORIENTATION}, first.next
    )


def _replaced(block: bytes, layout: Layout, fields: Tree, next_: int) -> bytes:
    """Append a new first directory to the block, so that no offset within the block changes."""
    block += bytes(len(block) % 2)
    return (
        _header(layout.order, len(block))
        + block[8:]
        + write_directory(fields, len(block), layout, next_)
    )


def resolution_fields(x: Fraction, y: Fraction, unit: str, order: str) -> dict[int, Entry]:
    """Return the three fields of a resolution; the unit "aspect" is written as no unit."""
    return {
        X_RESOLUTION: entry(RATIONAL, *x.as_integer_ratio(), order=order),
        Y_RESOLUTION: entry(RATIONAL, *y.as_integer_ratio(), order=order),
        UNIT: entry(
            SHORT, next((key for key, name in UNITS.items() if name == unit), 1), order=order
        ),
    }


def take_apart(block: bytes, order: str) -> dict[int, Entry | Tree]:
    """Return the fields of a block in a byte order, including its EXIF and GPS directories."""
    layout, first = _first(block)
    return tree(block, first, layout, order)


def tree(
    data: bytes, directory: Directory, layout: Layout, order: str, tag: int = 0
) -> dict[int, Entry | Tree]:
    """Return the fields of the directory that `tag` points at (0: the first), in a byte order."""
    fields: dict[int, Entry | Tree] = {
        key: swapped(field, layout.order, order)
        for key, field in directory.entries.items()
        if key not in POINTERS
    }
    for pointer in WITHIN[tag]:
        inner = tree(data, _below(data, directory, pointer, layout), layout, order, pointer)
        if inner:
            fields[pointer] = inner
    return fields


def put_together(fields: Tree, order: str) -> bytes:
    """Build the block with the given fields."""
    return _header(order, 8) + write_directory(fields, 8, Layout(order))


def _first(block: bytes) -> tuple[Layout, Directory]:
    layout, offset = read_header(block)
    if layout.big:
        raise Broken("an EXIF block with the header of a BigTIFF")
    return layout, read_directory(block, offset, layout, lenient=True)


def _below(data: bytes, directory: Directory, tag: int, layout: Layout) -> Directory:
    """Return the directory that a field points at; an empty one if it is missing or unreadable."""
    offset = numbers(directory.entries.get(tag), layout.order)
    try:
        return (
            read_directory(data, int(offset[0]), layout, lenient=True)
            if offset
            else Directory({}, 0, 0)
        )
    # many programs move a block but not this directory; the remaining fields are still valid
    except Broken:
        return Directory({}, 0, 0)


def _header(order: str, first: int) -> bytes:
    return {"<": b"II", ">": b"MM"}[order] + struct.pack(order + "HI", 42, first)


def _set(block: bytearray, field: Entry | None, value: int, layout: Layout) -> None:
    """Overwrite a field with an integer, if the field's type can hold it."""
    if (
        field is not None
        and field.length == 1
        and field.type in (SHORT, LONG)
        and value < 1 << 8 * BYTES[field.type]
    ):
        struct.pack_into(layout.order + NUMBERS[field.type], block, field.at, value)


def _without_thumbnail(block: bytearray, first: Directory, layout: Layout) -> bytearray:
    """Unlink the second directory, which describes the thumbnail, and blank the thumbnail."""
    if not first.next:
        return block
    struct.pack_into(layout.order + "I", block, first.next_at, 0)
    try:
        second = read_directory(block, first.next, layout, lenient=True)
    except Broken:
        return block
    start, size = (
        numbers(second.entries.get(tag), layout.order) for tag in (THUMBNAIL, THUMBNAIL_BYTES)
    )
    if start and size and start[0] + size[0] <= len(block):
        # last in the block, as in nearly every camera's files
        if start[0] + size[0] >= len(block) - 1:
            return block[: int(start[0])]
        block[int(start[0]) : int(start[0] + size[0])] = bytes(int(size[0]))
    return block
