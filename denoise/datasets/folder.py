"""Dataset of a user's own images: `folder:PATH`."""

from __future__ import annotations

import logging
from pathlib import Path

from denoise.datasets.base import DATASETS, SPLITS, MissingData, Pictures, split_of
from denoise.images import image_files

log = logging.getLogger(__name__)


@DATASETS.register("folder", label="A folder of images", license="the user's own", kind=None)
def folder(split: str, path: Path) -> Pictures:
    """Load every image below a folder, gray or RGB, of any size; `notes` counts unreadable files.

    Of a file with several images, such as a TIFF with pages, only the first is used; `notes` counts
    the further images.

    If the folder has a subfolder train, val or test, these subfolders are the splits and no other
    file is read. Else a hash of each file's path decides (about 80, 10 and 10 %). `folder` without
    a path reads the data root itself.
    """
    if not path.is_dir():
        raise MissingData(
            f"{path} is not a folder; valid: folder:PATH with images "
            f"({' '.join(image_files.ENDINGS)})"
        )
    files = image_files.below(path)
    keys = {file: file.relative_to(path).as_posix() for file in files}
    # One subfolder is enough: with train and test only, a hash over both would train on test
    # images.
    named = any((path / name).is_dir() for name in SPLITS)
    images, kept, unreadable, further = [], [], 0, 0
    for file, key in keys.items():
        if (key.partition("/")[0] if named else split_of(key)) != split:
            continue
        try:
            pages = image_files.read_pages(file)
            images.append(image_files.eight_bits(pages.first()))
            kept.append(key)
            if len(pages) > 1:
                further += len(pages) - 1
                log.warning("%s: only the first of %d images in the file is used", file, len(pages))
        except ValueError as error:
            unreadable += 1
            log.warning("skipped: %s", error)
    if not kept:
        raise MissingData(
            (f"{path} has {len(files)} images ({unreadable} unreadable), but none for {split}: ")
            + (
                f"put images into {path / split}"
                if named
                else "add images, or make subfolders train, val and test"
            )
        )
    labels = tuple(Path(key).stem for key in kept)
    notes = {"unreadable": unreadable, **({"further images of files": further} if further else {})}
    return Pictures("folder", split, tuple(images), tuple(kept), labels, notes)
