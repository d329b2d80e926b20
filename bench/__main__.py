"""`python -m bench`: measure and print the table. `report` and `tune` are its other commands."""

from __future__ import annotations

import argparse
import logging
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import methods, report, table, tune
from denoise import commandline
from denoise.datasets import MissingData
from denoise.noise import NOISES, check_level

QUICK = table.Plan(sigmas=(0.2, 0.4), pictures=200, rounds=2)


def main(arguments: Sequence[str] | None = None) -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    words = sys.argv[1:] if arguments is None else list(arguments)
    given = _parser().parse_args(words)
    given.command = "python -m bench " + shlex.join(words)
    given.run(given)


def _parser() -> commandline.Parser:
    parser = commandline.Parser(prog="python -m bench", description=__doc__)
    parser.set_defaults(run=_bench)
    _add_root(parser)
    parser.add_argument("--quick", action="store_true", help="200 pictures, two levels: under two minutes on two cores")
    parser.add_argument("--datasets", nargs="+", help=f"default: {' '.join(table.DEFAULT_DATASETS)}, where present")
    parser.add_argument("--methods", nargs="+", help="default: all shipped weights, floors and classical methods")
    parser.add_argument("--noise", default="gaussian", help=f"kind of noise: {', '.join(NOISES.names())}")
    parser.add_argument("--sigma", nargs="+", type=float, help="levels in units of the [0, 1] range")
    parser.add_argument("--unclipped", action="store_true", help="do not clamp the noisy pictures to [0, 1]")
    parser.add_argument("--pictures", type=int, help="how many test pictures, evenly spread; 0: all (default 1000)")
    parser.add_argument("--out", type=Path, default=Path("runs/bench"), help="folder of table.csv and table.md")
    commands = parser.add_subparsers(title="other commands", metavar="")
    made = commands.add_parser("report", help="make the README's tables from bench/results/table.csv")
    made.set_defaults(run=lambda given: report.update_readmes(report.read(report.RESULTS / "table.csv")))
    tuned = commands.add_parser("tune", help="search the strengths of the classical methods")
    _add_root(tuned)
    tuned.set_defaults(run=lambda given: print(tune.tune(given.data_root, report.RESULTS / "tuning.csv").round(2)))
    return parser


def _add_root(parser: commandline.Parser) -> None:
    parser.add_argument("--data-root", type=Path, help="folder of the data (default: $DENOISE_DATA, else the cache)")


def _bench(given: argparse.Namespace) -> None:
    plan = _plan(given)
    arms = methods.find(given.methods)
    sets, left_out = table.available(tuple(given.datasets or table.DEFAULT_DATASETS), given.data_root)
    if left_out and given.datasets:
        raise MissingData("; ".join(left_out))
    frame = table.make(plan, sets, arms, given.command)
    files = report.write(frame, given.out)
    print(report.markdown(frame))
    for line in left_out:
        print(line)
    print("written:", *files)


def _plan(given: argparse.Namespace) -> table.Plan:
    base = QUICK if given.quick else table.Plan(pictures=1_000)
    sigmas = tuple(check_level(sigma, given.noise) for sigma in given.sigma) if given.sigma else base.sigmas
    pictures = base.pictures if given.pictures is None else given.pictures
    if pictures < 0:
        raise ValueError(f"--pictures is {pictures}; it must be 0 (all) or more")
    return table.Plan(sigmas, given.noise, not given.unclipped, 0, pictures, base.rounds)


if __name__ == "__main__":
    commandline.run(main)
