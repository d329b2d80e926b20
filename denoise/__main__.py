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
    """Denoise the images of a command line; return 2 if one failed, else 0."""
    given = _parser().parse_args(arguments)
    if given.sigma is not None and not 0 < given.sigma <= SCALE:
        raise ValueError(f"--sigma is {given.sigma:g}; valid: above 0, at most 255 (0-255 scale)")
    if not (math.isfinite(given.largest) and given.largest > 0):
        raise ValueError(f"--largest is {given.largest:g}; valid: a number of megapixels above 0")
    from tqdm import tqdm

    from denoise.inference import clean_files  # after the options are parsed, as it imports torch

    def show(line: str, file: TextIO | None = None) -> None:
        # above the progress bar, if there is one
        tqdm.write(cli.one_line(line), file=file or sys.stdout)

    jobs = clean_files.plan(given.images, given.out, lambda line: show(f"note: {line}", sys.stderr))
    sigma = None if given.sigma is None else given.sigma / SCALE
    clean = clean_files.cleaner(given.model, sigma, ensemble=given.ensemble)
    failed = 0
    for outcome in clean_files.run(jobs, clean, round(given.largest * MEGAPIXEL)):
        for warning in outcome.warnings:
            show(f"warning: {warning}", sys.stderr)
        if outcome.error:
            failed += 1
            show(f"error: {outcome.error}", sys.stderr)
        else:
            show(outcome.line)
    return 2 if failed else 0


def _parser() -> cli.Parser:
    parser = cli.Parser(prog="python -m denoise", description=__doc__)
    add = parser.add_argument
    add("images", nargs="+", help="noisy images: files, folders, or patterns like 'scans/*.png'")
    add(
        "-o",
        "--out",
        type=Path,
        help="output file, or folder for several images (default: photo-denoised.jpg beside input)",
    )
    add("--model", help="shipped network or .safetensors file (default: photo-gray or photo-color)")
    add(
        "--sigma",
        type=float,
        help="sigma of the noise, 0-255 scale (default: unknown, blind denoising)",
    )
    add(
        "--self-ensemble",
        "--ensemble",
        dest="ensemble",
        action="store_true",
        help="self-ensemble over 8 views: slightly better, 8 times slower (default: off)",
    )
    add(
        "--largest",
        type=float,
        default=100,
        help="largest accepted image, in megapixels (default: 100)",
    )
    return parser


def command() -> None:
    """Run the console script `denoise`."""
    cli.run(main)


if __name__ == "__main__":
    command()
