"""Metadata of TIFF pages, read within bounds and written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from denoise.images import exif
from denoise.images import tiff_tags as tags
from denoise.images.container import cut
from denoise.images.ifd import Broken, Directory, Entry, Layout, Tree, directories, set_directories
from denoise.images.metadata import Metadata, Resolution, iptc_records

BYTE, UNDEFINED = 1, 7
WIDE = (13, 16, 17, 18)  # field types that are offsets, or that only BigTIFF has


def read(data: bytes, entries: Mapping[int, Entry], layout: Layout) -> Metadata:
    """Read the metadata of a page.

    Its descriptive fields form an EXIF block in the byte order of the file.
    """
    described = _described(exif.tree(data, Directory(dict(entries), 0, 0), layout, layout.order))
    found = exif.resolution_of(entries, layout.order)
    plain = {
        tag: entries[tag].data
        for tag in (tags.ICC, tags.XMP, tags.IPTC, tags.PHOTOSHOP)
        if tag in entries
    }
    return Metadata(
        exif=exif.put_together(described, layout.order) if described else b"",
        icc=plain.get(tags.ICC, b""),
        xmp=plain.get(tags.XMP, b""),
        iptc=plain.get(tags.IPTC, b"").rstrip(b"\0")
        or iptc_records(plain.get(tags.PHOTOSHOP, b"")),
        resolution=Resolution(*found) if found else None,
    )


def dress(image: bytes, pages: Sequence[Metadata]) -> bytes:
    """Add metadata to each page of a TIFF file.

    Raise ValueError if the file has fewer whole pages.
    """
    trees: list[Tree] = []
    try:
        for layout, directory in directories(image, len(pages)):
            fields = {
                tag: field for tag, field in directory.entries.items() if tag in tags.DECODING
            }
            trees.append({**fields, **_fields(pages[len(trees)], layout.order)})
    except Broken as error:
        raise cut(str(error)) from None
    if len(trees) < len(pages):
        raise cut(f"{len(trees)} of {len(pages)} pages")
    return bytes(set_directories(bytearray(image), trees, layout))


def _fields(metadata: Metadata, order: str) -> dict[int, Entry | Tree]:
    fields: dict[int, Entry | Tree] = {}
    if metadata.exif:
        fields |= _described(exif.take_apart(metadata.exif, order))
    if metadata.resolution is not None:
        unit = "inch" if metadata.resolution.unit == "meter" else metadata.resolution.unit
        fields |= exif.resolution_fields(*metadata.resolution.per(unit), unit, order)
    for tag, type_, content in (
        (tags.ICC, UNDEFINED, metadata.icc),
        (tags.XMP, BYTE, metadata.xmp),
        (tags.IPTC, UNDEFINED, metadata.iptc),
    ):
        if content:
            fields[tag] = Entry(type_, len(content), content)
    return fields


def _described(tree: Mapping[int, Entry | Tree]) -> dict[int, Entry | Tree]:
    """Drop the fields on the storage of pixels, and the fields that no EXIF block may hold."""
    return {
        tag: field
        for tag, field in tree.items()
        if tag not in tags.NO_DESCRIPTION and not (isinstance(field, Entry) and field.type in WIDE)
    }
