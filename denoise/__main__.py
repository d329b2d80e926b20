"""`python -m denoise photo.jpg -o clean.png`: clean pictures, one or many, with shipped or own weights."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from denoise import commandline

SCALE = 255  # of --sigma


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    if given.sigma is not None and not 0 < given.sigma <= SCALE:
        raise ValueError(f"--sigma is {given.sigma:g}; it is on the 0-255 scale, above 0 and at most 255")
    from denoise import cleaning  # after the options are read, as it imports torch
    from denoise.machine import keep_freed_memory

    jobs = cleaning.plan(given.pictures, given.out)
    keep_freed_memory()  # the next picture, or tile, is as large
    sigma = None if given.sigma is None else given.sigma / SCALE
    clean = cleaning.cleaner(given.model, sigma, ensemble=given.ensemble)
    failed = 0
    for job, error in cleaning.run(jobs, clean):
        if error:
            failed += 1
            print(f"error: {commandline.one_line(error)}", file=sys.stderr)
        elif len(jobs) > 1:
            print(f"{job.source} -> {job.target}")
    return 2 if failed else 0


def _parser() -> commandline.Parser:
    parser = commandline.Parser(prog="python -m denoise", description=__doc__)
    parser.add_argument("pictures", nargs="+", help="noisy pictures: files, folders, or patterns as 'scans/*.png'")
    parser.add_argument(
        "-o", "--out", type=Path, required=True, help="where the clean picture goes; of several, their folder (out/)"
    )
    parser.add_argument(
        "--model", help="shipped weights by name, or a .safetensors file (default: photo-gray or photo-color, as it is)"
    )
    parser.add_argument(
        "--sigma", type=float, help="clean noise of this standard deviation, on the 0-255 scale (default: as seen)"
    )
    parser.add_argument(
        "--ensemble",
        action="store_true",
        help="the mean of eight answers, to the picture turned and mirrored: a little better, eight times as long",
    )
    return parser


if __name__ == "__main__":
    commandline.run(main)
