"""`python -m bench.report.help_texts`: write docs/help/*.txt from the `--help` of every command.

All commands run in one new process (`bench.report.help_child`), so that this module imports none.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from bench.report.pages import ROOT
from denoise.files.atomic import whole_file

FOLDER = ROOT / "docs" / "help"
MODULES = (
    "denoise",
    "denoise.train",
    "denoise.precision",
    "bench",
    "demo.space",
    "demo.screenshot",
    "demo.preview",
    "demo.recording",
    "demo.load",
    "demo.first_result",
)
COLUMNS = 100


def texts() -> dict[Path, str]:
    """Return the help of each command by its file, the same on every machine."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.report.help_child", f"{ROOT}/", *MODULES],
        cwd=ROOT,
        env=os.environ | {"COLUMNS": str(COLUMNS)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    return {
        FOLDER / f"{command.replace(' ', '-')}.txt": f"$ python -m {command} --help\n{text}"
        for command, text in found.items()
    }


def main() -> None:
    """Write every file, and delete the file of a command that no longer exists."""
    made = texts()
    for path in FOLDER.glob("*.txt"):
        if path not in made:
            path.unlink()
    for path, text in made.items():
        with whole_file(path) as partial:
            partial.write_text(text)


if __name__ == "__main__":
    main()
