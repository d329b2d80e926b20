"""Files that are whole or not there."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """A temporary path beside `target` that becomes `target` on success and is removed on any failure.

    The folder is made where it is missing. The temporary name keeps the ending of `target`, by which some writers
    choose a format, and the file gets the permissions that any new file gets, whatever its writer gives it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.stem}.{uuid.uuid4().hex}{target.suffix}")
    try:
        partial.touch()
        usual = partial.stat().st_mode
        partial.unlink()  # some writers want to make it themselves
        yield partial
        partial.chmod(usual)
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
