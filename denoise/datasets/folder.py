"""A user's own pictures: `folder:PATH`."""

from __future__ import annotations

import logging
from pathlib import Path

from denoise import picture_files
from denoise.datasets.base import DATASETS, SPLITS, MissingData, Pictures, split_of

log = logging.getLogger(__name__)


@DATASETS.register("folder", label="A folder of pictures", license="the user's own", kind=None)
def folder(split: str, path: Path) -> Pictures:
    """Every picture below a folder, gray or RGB, of any size; `notes` counts files that cannot be read.

    Of a file with several images, as a TIFF with pages, the first is taken; `notes` counts the others.

    Where the folder has a subfolder train, val or test, such subfolders are the splits and nothing beside them is read;
    else a hash of each file's path decides (about 80, 10 and 10 %). `folder` without a path reads the data root itself.
    """
    if not path.is_dir():
        raise MissingData(f"{path} is not a folder: give folder:PATH with pictures ({' '.join(picture_files.ENDINGS)})")
    files = picture_files.below(path)
    keys = {file: file.relative_to(path).as_posix() for file in files}
    # One is enough: with train and test alone, a hash over both would train on test pictures.
    named = any((path / name).is_dir() for name in SPLITS)
    images, kept, unreadable, further = [], [], 0, 0
    for file, key in keys.items():
        if (key.partition("/")[0] if named else split_of(key)) != split:
            continue
        try:
            pages = picture_files.read_pages(file)
            images.append(picture_files.eight_bits(pages.first()))
            kept.append(key)
            if len(pages) > 1:
                further += len(pages) - 1
                log.warning("%s: only the first of %d images in the file is used", file, len(pages))
        except ValueError as error:
            unreadable += 1
            log.warning("skipped: %s", error)
    if not kept:
        raise MissingData(
            f"{path} has {len(files)} pictures ({unreadable} unreadable), none of them for {split}: "
            + (f"put some into {path / split}" if named else "add pictures, or make subfolders train, val and test")
        )
    labels = tuple(Path(key).stem for key in kept)
    notes = {"unreadable": unreadable, **({"further images of files": further} if further else {})}
    return Pictures("folder", split, tuple(images), tuple(kept), labels, notes)
