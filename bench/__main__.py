"""`python -m bench`: measure and print the table. Its other commands make and report the definitive comparison.

Nothing but options stands here, and nothing that imports torch, so that help comes at once: each command is
`bench/commands/NAME.py`, imported when it is asked for.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.recipe import Recipe
from denoise import commandline


def main(arguments: Sequence[str] | None = None) -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    words = sys.argv[1:] if arguments is None else list(arguments)
    given = _parser().parse_args(words)
    given.command = "python -m bench " + shlex.join(words)
    importlib.import_module(f"bench.commands.{given.module}").main(given)


def _parser() -> commandline.Parser:
    parser = commandline.Parser(prog="python -m bench", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(title="other commands", metavar="")
    _table(parser)
    _grid(_command(commands, "grid", "train and score the definitive comparison; goes on where a run was stopped"))
    _command(commands, "report", "make every table and figure for readers from bench/results")
    _add_root(_command(commands, "tune", "search the strengths of the classical methods"))
    return parser


def _command(commands: argparse._SubParsersAction, name: str, help: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=help, description=help)
    parser.set_defaults(module=name)
    return parser


def _add_root(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data-root", type=Path, help="folder of the data (default: $DENOISE_DATA, else the cache)")


def _table(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(module="table")
    _add_root(parser)
    parser.add_argument("--quick", action="store_true", help="200 pictures, two levels: under two minutes on two cores")
    parser.add_argument("--datasets", nargs="+", help="default: mnist notmnist glyphs, where present")
    parser.add_argument("--methods", nargs="+", help="default: all shipped weights, floors and classical methods")
    parser.add_argument("--noise", default="gaussian", help="kind of noise (default: gaussian)")
    parser.add_argument("--sigma", nargs="+", type=float, help="levels in units of the [0, 1] range")
    parser.add_argument("--unclipped", action="store_true", help="do not clamp the noisy pictures to [0, 1]")
    parser.add_argument("--pictures", type=int, help="how many test pictures, evenly spread; 0: all (default 1000)")
    parser.add_argument("--out", type=Path, default=Path("runs/bench"), help="folder of the results")


def _grid(parser: argparse.ArgumentParser) -> None:
    _add_root(parser)
    parser.add_argument("--datasets", nargs="+", help="default: mnist notmnist fashion_mnist")
    parser.add_argument(
        "--noise", choices=("both", "clipped", "unclipped"), default="both", help="whether the noise is clamped"
    )
    parser.add_argument("--decoders", nargs="+", help="default: every registered decoder")
    parser.add_argument("--budgets", nargs="+", help="default: channels parameters macs")
    parser.add_argument("--seeds", type=int, default=3, help="training seeds, counted from 0 (default: 3)")
    parser.add_argument("--only", metavar="CELL", help="one cell by its name, as --dry-run lists them")
    parser.add_argument("--engine", choices=("local", "ray"), default="local", help="where cells are worked off")
    parser.add_argument("--workers", type=int, default=1, help="local: processes that share this machine (default: 1)")
    parser.add_argument(
        "--address", help="ray: HOST:PORT of the head node (default: $RAY_ADDRESS, else a cluster on this machine)"
    )
    parser.add_argument("--dry-run", action="store_true", help="list the cells and estimate the time")
    parser.add_argument("--out", type=Path, default=Path("runs/grid"), help="folder of weights and scores")
    commandline.add_options(parser, Recipe)


if __name__ == "__main__":
    commandline.run(main)
