"""notMNIST: the letters A to J in about two thousand fonts, read from the author's archives.

References
----------
Bulatov, "notMNIST dataset", 2011. http://yaroslavvb.blogspot.com/2011/09/notmnist-dataset.html
"""

from __future__ import annotations

import base64
import binascii
import gzip
import hashlib
import http.client
import io
import json
import logging
import shutil
import tarfile
import urllib.request
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import platformdirs
import safetensors
import safetensors.torch
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor
from tqdm import tqdm

from denoise.datasets.base import DATASETS, BrokenData, MissingData, Pictures, split_of
from denoise.files.atomic import whole_file

SOURCE = "http://yaroslavvb.com/upload/notMNIST/"
TIMEOUT = 20  # seconds without data from the source
SIDE = 28
TERMS = "none stated; each letter is of a font with a license of its own"
LOADER = 1  # version of the cache: change it if keys, duplicates or the decoding change

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Archive:
    """Published archive: its length in bytes and its number of PNG files.

    Udacity's course checks the same length.
    """

    file: str
    bytes: int
    images: int


SMALL = Archive("notMNIST_small.tar.gz", 8_458_043, 18_726)
LARGE = Archive("notMNIST_large.tar.gz", 247_336_696, 529_119)


def font(key: str) -> str:
    """Return the font of an image.

    Its key ends in the base64 of a file name, or in the plain file name.
    """
    stem = key.partition("/")[2]
    try:
        return base64.b64decode(stem, validate=True).decode("latin-1")
    except (binascii.Error, ValueError):
        return stem


@DATASETS.register(
    "notmnist",
    label="notMNIST letters",
    license=TERMS,
    files=[f"notMNIST/{SMALL.file}"],
    group=font,
)
def notmnist(split: str, root: Path) -> Pictures:
    """Load the hand-cleaned archive: 28x28 gray letters of 1,873 fonts, split by font."""
    return load("notmnist", SMALL, split, root)


@DATASETS.register(
    "notmnist_large",
    label="notMNIST letters (large)",
    license=TERMS,
    files=[f"notMNIST/{LARGE.file}"],
    group=font,
)
def notmnist_large(split: str, root: Path) -> Pictures:
    """Load the uncleaned archive: half a million letters, split by font.

    About 6.5 % of the labels are wrong.
    """
    return load("notmnist_large", LARGE, split, root)


def load(name: str, archive: Archive, split: str, root: Path) -> Pictures:
    """Load one split of an archive.

    Pixel duplicates are removed over all splits, then each font goes to one split.
    """
    path = root / "notMNIST" / archive.file
    if not path.exists():
        _download(name, archive, path)
    images, facts = _decoded(path, archive)
    kept = [i for i, of_font in enumerate(facts["fonts"]) if split_of(of_font) == split]
    keys = tuple(facts["keys"][i] for i in kept)
    return Pictures(
        name, split, images[kept].unsqueeze(1), keys, tuple(key[0] for key in keys), facts["notes"]
    )


def _download(name: str, archive: Archive, path: Path) -> None:
    where = (
        f"put {archive.file} into {path.parent}, or name another folder with --data-root or "
        "DENOISE_DATA"
    )
    try:
        with whole_file(path) as partial:
            with (
                urllib.request.urlopen(SOURCE + archive.file, timeout=TIMEOUT) as response,
                partial.open("wb") as raw,
                tqdm.wrapattr(raw, "write", total=archive.bytes, desc=archive.file) as file,
            ):
                shutil.copyfileobj(response, file)
            if partial.stat().st_size != archive.bytes:
                raise OSError(
                    f"{partial.stat().st_size:,} bytes received, {archive.bytes:,} expected"
                )
    except (OSError, http.client.HTTPException) as error:
        raise MissingData(
            f"{name} is not in {path.parent} and could not be downloaded ({error}): {where}"
        ) from error


def _decoded(path: Path, archive: Archive) -> tuple[Tensor, dict]:
    """Return the archive's distinct images, (N, 28, 28) uint8, and their facts.

    The data root may be read-only, and half a million PNG files take minutes to read. The decoded
    images are therefore cached in the user's cache folder, under the checksum of the archive.
    """
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    cache = (
        platformdirs.user_cache_path("denoise")
        / "decoded"
        / f"notmnist-{LOADER}-{digest[:32]}.safetensors"
    )
    try:
        with safetensors.safe_open(cache, "pt") as file:
            return file.get_tensor("images"), json.loads(file.metadata()["facts"])
    except FileNotFoundError:
        log.info("reading %s", path)
    except (safetensors.SafetensorError, OSError, TypeError, ValueError, KeyError) as error:
        log.warning("cache %s cannot be read (%s): it is built again", cache, error)
    images, facts = _read(path, archive)
    try:
        with whole_file(cache) as partial:
            safetensors.torch.save_file(
                {"images": images}, partial, metadata={"facts": json.dumps(facts)}
            )
    except OSError as error:
        log.warning("cache %s cannot be written (%s): the next run reads again", cache, error)
    return images, facts


def _read(path: Path, archive: Archive) -> tuple[Tensor, dict]:
    decoded: dict[str, np.ndarray] = {}
    files = unreadable = 0
    for key, data in _files(path, archive):
        files += 1
        image = _image(data)
        if image is None:
            unreadable += 1
        else:
            decoded[key] = image
    if not decoded:
        raise BrokenData(
            f"{path} holds no readable image; {archive.images:,} PNG files in A/ to J/ expected"
        )
    distinct: dict[bytes, str] = {}
    for key in sorted(decoded):
        distinct.setdefault(decoded[key].tobytes(), key)
    keys = sorted(distinct.values())
    fonts = [font(key) for key in keys]
    notes = {
        "files": files,
        "unreadable": unreadable,
        "duplicates": len(decoded) - len(keys),
        "fonts": len({font(key) for key in decoded}),
    }
    # Copies of the archive differ, so another count is no error in a complete archive: the count is
    # logged and noted.
    if files != archive.images:
        log.warning(
            "%s holds %s images; the published archive holds %s",
            path,
            f"{files:,}",
            f"{archive.images:,}",
        )
    images = torch.from_numpy(np.stack([decoded[key] for key in keys]))
    return images, {"keys": keys, "fonts": fonts, "notes": notes}


def _files(path: Path, archive: Archive) -> Iterator[tuple[str, bytes]]:
    """Yield each PNG file's key and bytes in stream order.

    Raise BrokenData unless gzip and tar both end correctly.
    """
    count = 0
    try:
        with gzip.open(path) as stream, tarfile.open(fileobj=stream, mode="r|") as members:
            for member in tqdm(
                members, desc=path.name, total=archive.images, unit=" files", leave=False
            ):
                name = Path(member.name)
                if member.isfile() and name.suffix == ".png":
                    file = members.extractfile(member)
                    assert file is not None  # None only for a member that is no file
                    data = file.read()
                    count += 1
                    yield f"{name.parent.name}/{name.stem}", data
            # tarfile takes a cut within a header for the end of the archive; gzip's checksum stands
            # at its very end.
            while stream.read(2**20):
                pass
            if stream.tell() < members.offset + tarfile.BLOCKSIZE:
                raise EOFError("no end mark")
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise BrokenData(
            f"{path} is truncated after {count:,} of {archive.images:,} images "
            f"({error}): remove it to download it again"
        ) from error


def _image(data: bytes) -> np.ndarray | None:
    """Decode a PNG to (28, 28) uint8.

    Return None if it is unreadable: some published files are empty.
    """
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as opened:
            if opened.size != (SIDE, SIDE):
                return None
            return np.asarray(opened.convert("L"))
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError):
        return None
