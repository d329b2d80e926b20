"""Safetensors files: headers compared before tensors are read, and a checksum of the content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import safetensors
import torch
from torch import Tensor

# names in a header of the types in use
DTYPES = {torch.float32: "F32", torch.float64: "F64", torch.int64: "I64"}


class Entry(NamedTuple):
    """Tensor as described by a header: "F32", (64, 1, 3, 3)."""

    dtype: str
    shape: tuple[int, ...]


class Header(NamedTuple):
    """Header: its tensors by name, and its text metadata."""

    tensors: dict[str, Entry]
    metadata: dict[str, str]


def header(path: Path, largest: int = 2**20) -> Header:
    """Read the header of a safetensors file.

    Parameters
    ----------
    path : Path
    largest : int
        Bytes of a header at most; the default suffices for 10,000 tensors.

    Raises
    ------
    FileNotFoundError
        The file does not exist.
    ValueError
        The header is too large, is invalid, or describes more or fewer bytes than the file has. The
        error does not name the file.
    """
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
    if size > largest:
        raise ValueError(f"a header of {size:,} bytes; at most {largest:,}")
    try:
        with safetensors.safe_open(path, "pt") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118  not a dict
            tensors = {
                name: Entry(part.get_dtype(), tuple(part.get_shape()))
                for name, part in slices.items()
            }
            return Header(tensors, file.metadata() or {})
    except safetensors.SafetensorError as error:
        raise ValueError(str(error)) from error


def entries(tensors: Mapping[str, Tensor]) -> dict[str, Entry]:
    """Describe tensors as in the header of their file."""
    return {
        name: Entry(DTYPES.get(one.dtype, str(one.dtype)), tuple(one.shape))
        for name, one in tensors.items()
    }


def difference(held: Mapping[str, Entry], expected: Mapping[str, Entry]) -> str:
    """Describe the first difference between a header and the expected entries.

    Empty if there is none.
    """
    missing, strange = (
        sorted(one.keys() - other.keys()) for one, other in ((expected, held), (held, expected))
    )
    if missing or strange:
        found = [f"{len(missing)} tensors are missing, e.g. {missing[0]}"] if missing else []
        found += [f"{len(strange)} are unknown, e.g. {strange[0][:80]}"] if strange else []
        return "; ".join(found)
    for name, entry in expected.items():
        if held[name] != entry:
            (dtype, shape), (right, size) = held[name], entry
            return f"{name} is {dtype} {list(shape)}, not {right} {list(size)}"
    return ""


def checksum(tensors: Mapping[str, Tensor], text: str = "") -> str:
    """Return the SHA-256 of tensors and `text`, as hexadecimal.

    It covers the name, type, shape and bytes of each tensor, in order.
    """
    digest = hashlib.sha256()
    for name, value in tensors.items():
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    digest.update(text.encode())
    return digest.hexdigest()
