"""`python -m denoise photo.jpg`: denoise one or many images with shipped or own weights."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from denoise import cli

SCALE = 255  # scale of --sigma
MEGAPIXEL = 1_000_000


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    if given.sigma is not None and not 0 < given.sigma <= SCALE:
        raise ValueError(
            f"--sigma is {given.sigma:g}; it is on the 0-255 scale, above 0 and at most 255"
        )
    if not (math.isfinite(given.largest) and given.largest > 0):
        raise ValueError(f"--largest is {given.largest:g}; it is a number of megapixels above 0")
    from tqdm import tqdm

    from denoise.inference import clean_files  # after the options are parsed, as it imports torch

    def tell(line: str, file: TextIO | None = None) -> None:
        # above the progress bar, if there is one
        tqdm.write(cli.one_line(line), file=file or sys.stdout)

    jobs = clean_files.plan(
        given.pictures, given.out, lambda line: tell(f"note: {line}", sys.stderr)
    )
    sigma = None if given.sigma is None else given.sigma / SCALE
    clean = clean_files.cleaner(given.model, sigma, ensemble=given.ensemble)
    failed = 0
    for outcome in clean_files.run(jobs, clean, round(given.largest * MEGAPIXEL)):
        for warning in outcome.warnings:
            tell(f"warning: {warning}", sys.stderr)
        if outcome.error:
            failed += 1
            tell(f"error: {outcome.error}", sys.stderr)
        else:
            tell(outcome.line)
    return 2 if failed else 0


def _parser() -> cli.Parser:
    parser = cli.Parser(prog="python -m denoise", description=__doc__)
    add = parser.add_argument
    add("pictures", nargs="+", help="noisy images: files, folders, or patterns as 'scans/*.png'")
    add(
        "-o",
        "--out",
        type=Path,
        help="clean image, or folder of several (default: photo-denoised.jpg beside input)",
    )
    add("--model", help="shipped name or .safetensors file (default: photo-gray or photo-color)")
    add("--sigma", type=float, help="noise to remove, on the 0-255 scale (default: as seen)")
    add(
        "--ensemble",
        action="store_true",
        help="average over eight views: slightly better, 8 times slower",
    )
    add(
        "--largest",
        type=float,
        default=100,
        help="refuse images above this many megapixels (default: 100)",
    )
    return parser


def command() -> None:
    """Run the console script `denoise`."""
    cli.run(main)


if __name__ == "__main__":
    command()
