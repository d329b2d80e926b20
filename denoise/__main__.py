"""`python -m denoise noisy.png -o clean.png`: clean one picture with shipped or own weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from denoise import commandline, engine, pictures, weights


def main(arguments: Sequence[str] | None = None) -> None:
    shipped = ", ".join(weights.names())
    parser = commandline.Parser(prog="python -m denoise", description=__doc__)
    parser.add_argument("picture", type=Path, help="the noisy picture")
    parser.add_argument("-o", "--out", type=Path, required=True, help="where the clean picture goes")
    parser.add_argument(
        "--weights", default="mnist-nearest", help=f"default: %(default)s; a .safetensors file, or one of {shipped}"
    )
    given = parser.parse_args(arguments)
    if given.out.exists() and given.picture.exists() and given.out.samefile(given.picture):
        raise ValueError(f"{given.out} is the picture itself: name another file, the input is never overwritten")
    denoiser = engine.load(given.weights)
    pictures.write(denoiser(pictures.read_pil(given.picture)), given.out)


if __name__ == "__main__":
    commandline.run(main)
