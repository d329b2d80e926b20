"""Packed weights: many networks in one safetensors file, as in the results of the benchmark.

FOLDER/weights-STEM-PART.safetensors holds the tensors "METHOD/NAME". Its metadata holds
the `architecture` entry of each method's card as JSON. Values that float16 represents exactly are
stored as float16.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from denoise.files import json_files
from denoise.files.atomic import whole_file
from denoise.inference import engine
from denoise.models import weights

LARGEST = 9_000_000  # bytes of a part, about: no file of the repository exceeds 10 MB


def write(files: Iterable[Path], folder: Path, stem: str) -> None:
    """Pack weights files into parts `folder`/`stem`-0.safetensors, -1 and so on.

    The methods have the names of the files. Earlier parts of the stem are replaced.
    """
    parts: list[tuple[dict[str, Tensor], dict[str, str]]] = []
    size = LARGEST
    for path in files:
        network, card = weights.read(path)
        held = {
            f"{path.stem}/{name}": _small(value) for name, value in network.state_dict().items()
        }
        added = sum(value.nbytes for value in held.values())
        if size + added > LARGEST:
            parts.append(({}, {}))
            size = 0
        size += added
        parts[-1][0].update(held)
        parts[-1][1][path.stem] = json_files.text(card["architecture"])
    old = set(folder.glob(f"{stem}-*.safetensors"))
    for number, (tensors, architectures) in enumerate(parts):
        target = folder / f"{stem}-{number}.safetensors"
        with whole_file(target) as partial:
            partial.write_bytes(safetensors.torch.save(tensors, architectures))
        old.discard(target)
    for path in old:
        path.unlink()


def _small(value: Tensor) -> Tensor:
    """Return a tensor as float16 if no value changes."""
    half = value.half() if value.dtype == torch.float32 else value
    return (half if torch.equal(half.to(value.dtype), value) else value).contiguous()


def names(folder: Path) -> set[str]:
    """List the methods whose weights are in a results folder."""
    return {name for _, metadata in _parts(folder) for name in metadata}


def denoiser(
    folder: Path,
    method: str,
    sha256: str | None = None,
    *,
    device: str | None = "cpu",
    precision: str = "float32",
) -> engine.Denoiser:
    """Return a network of a folder as a denoiser.

    Parameters
    ----------
    folder : Path
    method : str
    sha256 : str, optional
        Checksum of the scored weights: SHA-256 of the file that `denoise.train` wrote. By default,
        any weights are accepted.
    device, precision : str, optional
        As for `engine.Denoiser`.

    Raises
    ------
    ValueError
        The weights are missing, damaged, or not the scored ones.
    """
    for path, metadata in _parts(folder):
        if method in metadata:
            architecture = json_files.parse(metadata[method], f"{path}: {method}")
            state = _state(path, method)
            found = hashlib.sha256(safetensors.torch.save(state)).hexdigest()
            if sha256 is not None and found != sha256:
                raise ValueError(
                    f"{path} holds weights {found[:12]} of {method}; "
                    f"the scored weights are {sha256[:12]}"
                )
            network = weights.build(architecture)
            network.load_state_dict(state, assign=True)
            card = {"architecture": architecture, "sha256": found}
            return engine.Denoiser(network, method, card, device, precision)
    raise ValueError(
        f"{folder}: the weights of {method} are missing: its scores cannot be reproduced"
    )


def _state(path: Path, method: str) -> dict[str, Tensor]:
    """Return the float32 weights of a method, with the names of its network."""
    with safetensors.safe_open(path, "pt") as file:
        held = {
            name.removeprefix(f"{method}/"): file.get_tensor(name)
            for name in file.keys()  # noqa: SIM118  not a dict
            if name.startswith(f"{method}/")
        }
    return {
        name: value.float() if value.is_floating_point() else value for name, value in held.items()
    }


def _parts(folder: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """Yield each file of weights with its metadata; raise ValueError if a file is damaged."""
    for path in sorted(folder.glob("weights-*.safetensors")):
        try:
            with safetensors.safe_open(path, "pt") as file:
                metadata = file.metadata() or {}
        except safetensors.SafetensorError as error:
            raise ValueError(f"{path}: truncated or damaged ({error})") from error
        yield path, metadata
