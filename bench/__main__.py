"""`python -m bench`: measure and print the table.

Its other commands make and report the definitive comparison.

This module holds only options and imports no torch, so that help appears at once. Each command is
imported from `bench/commands/NAME.py` if it is requested.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import paths
from bench.sweep.recipe import Recipe
from denoise import cli

GRID = Path("runs/grid")
RESULTS = paths.RESULTS / "small"
TUTORIALS = RESULTS.parent / "tutorials"


def main(arguments: Sequence[str] | None = None) -> int | None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    words = sys.argv[1:] if arguments is None else list(arguments)
    given = _parser().parse_args(words)
    given.command = "python -m bench " + shlex.join(words)
    cli.need("bench", "filelock", "matplotlib", "pandas", "pyarrow", "tabulate", "torchvision")
    return importlib.import_module(f"bench.commands.{given.module}").main(given)


def _parser() -> cli.Parser:
    parser = cli.Parser(prog="python -m bench", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(title="other commands", metavar="")
    _table(parser)
    _grid(
        _command(
            commands,
            "grid",
            "train and score the definitive comparison; goes on where a run was stopped",
        )
    )
    made = _command(
        commands, "collect", "put a grid's weights, scores and summary into the committed results"
    )
    made.add_argument(
        "--out", type=Path, default=GRID, help="folder of the grid (default: %(default)s)"
    )
    _add_results(made)
    taught = _command(
        commands,
        "tutorials",
        "train the tutorials' networks by their own recipes and by the project's",
    )
    taught.add_argument("--networks", nargs="+", help="default: K1 K2 K2_resize T1 U1")
    taught.add_argument(
        "--recipes", nargs="+", default=["own", "project"], help="default: own project"
    )
    taught.add_argument(
        "--share", type=float, default=1.0, help="share of each recipe's pictures, to try it out"
    )
    taught.add_argument(
        "--out", type=Path, default=Path("runs/tutorials"), help="folder of weights and checkpoints"
    )
    _add_root(taught)
    _add_results(taught, TUTORIALS)
    cards = _command(
        commands,
        "costs",
        "measure the cost card of every arm on this machine; nothing else should run",
    )
    cards.add_argument("--arms", nargs="+", help="default: every decoder, and the ceilings")
    cards.add_argument(
        "--rounds", type=int, default=3, help="turns that each network gets (default: 3)"
    )
    _add_models(cards)
    _add_results(cards)
    meters = _command(
        commands, "checkerboard", "measure the checkerboards of every network of the results"
    )
    _add_root(meters)
    _add_results(meters)
    _speed(
        _command(
            commands,
            "speed",
            "pictures a second of the engine and of other systems, in turns; see make peers",
        )
    )
    grows = _command(
        commands, "scale", "how time and memory of the engine grow with pictures, and how it starts"
    )
    grows.add_argument("--out", type=Path, default=Path("runs/scale"), help="folder of the results")
    reached = _command(
        commands,
        "reach",
        (
            "time a training from its start, and hold its loss against what the Keras example "
            "publishes"
        ),
    )
    reached.add_argument("--optimisers", nargs="+", help="default: all, muon and adam")
    reached.add_argument(
        "--images", type=int, help="pictures to see (default: as many as each needs)"
    )
    _add_root(reached)
    reached.add_argument(
        "--out", type=Path, default=Path("runs/reach"), help="folder of the results"
    )
    checks = _command(
        commands,
        "verify",
        "score random cells of the results anew; exit code 1 where a score drifted",
    )
    checks.add_argument(
        "--sample", default="1%", help="how many cells: a share or a number (default: %(default)s)"
    )
    checks.add_argument("--seed", type=int, default=0, help="of the choice of cells (default: 0)")
    _add_root(checks)
    _add_results(checks)
    made = _command(commands, "report", "make every table and figure for readers from the results")
    _add_root(made)
    _add_results(made)
    _rescore(
        _command(
            commands,
            "rescore",
            "score the same outputs under other conventions and show the spread",
        )
    )
    guessed = _command(
        commands, "levels", "measure how well the level of the noise is told from the picture alone"
    )
    _add_root(guessed)
    guessed.add_argument("--datasets", nargs="+", help="default: bsd68 set12 cbsd68")
    guessed.add_argument(
        "--pictures", type=int, default=0, help="how many of each, evenly spread (default: all)"
    )
    guessed.add_argument(
        "--out",
        type=Path,
        default=RESULTS.parent,
        help="folder of levels.csv (default: %(default)s)",
    )
    tried = _command(
        commands, "trials", "add short trainings to the table of those that choices rest on"
    )
    tried.add_argument("cards", type=Path, nargs="+", help="the .json beside the weights of each")
    tried.add_argument(
        "--out",
        type=Path,
        default=RESULTS.parent,
        help="folder of the table (default: %(default)s)",
    )
    rounded = _command(
        commands, "int8", "by how much 8-bit integers move the scores of shipped networks"
    )
    _add_root(rounded)
    rounded.add_argument(
        "--out", type=Path, default=RESULTS.parent, help="folder of int8.csv (default: %(default)s)"
    )
    _add_root(
        _command(
            commands,
            "strips",
            "draw what the shipped networks make of stained pages and photographs",
        )
    )
    tuned = _command(commands, "tune", "search the strengths of the classical methods")
    _add_root(tuned)
    tuned.add_argument(
        "--jpeg",
        action="store_true",
        help="of the blind ones, on noisy JPEG files (default: of those told, on digits)",
    )
    return parser


def _command(commands: argparse._SubParsersAction, name: str, help: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=help, description=help)
    parser.set_defaults(module=name)
    return parser


def _add_root(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data-root", type=Path, help="folder of the data (default: $DENOISE_DATA, else the cache)"
    )


def _add_results(parser: argparse.ArgumentParser, folder: Path = RESULTS) -> None:
    parser.add_argument(
        "--results", type=Path, default=folder, help="folder of the results (default: %(default)s)"
    )


def _add_verbose(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--verbose", action="store_true", help="name what is left out, and why")


def _add_models(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model",
        nargs="+",
        action="extend",
        default=[],
        metavar="[NAME=]FILE",
        help=(
            "your own networks beside the others: FILE.py:FUNCTION that returns an nn.Module, "
            "or FILE.onnx"
        ),
    )


def _table(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(module="table")
    _add_root(parser)
    _add_verbose(parser)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="200 pictures, two levels: under two minutes on two cores",
    )
    parser.add_argument(
        "--datasets", nargs="+", help="default: mnist notmnist glyphs, where present"
    )
    parser.add_argument(
        "--methods",
        nargs="+",
        help="floors, classical methods, shipped weights or files of your own; :told behind the name of a network "
        "tells it the level of the noise, :ensemble averages its answers to eight views, :clean finds correlated noise "
        "(default: all; of pairs with correlated noise, the blind ones)",
    )
    _add_models(parser)
    parser.add_argument("--noise", default="gaussian", help="kind of noise (default: gaussian)")
    parser.add_argument(
        "--sigma",
        nargs="+",
        type=float,
        help="levels in units of the [0, 1] range (default: those of each dataset)",
    )
    clamp = parser.add_mutually_exclusive_group()
    clamp.add_argument(
        "--clipped", dest="clip", action="store_true", default=None, help="clamp noisy pictures"
    )
    clamp.add_argument(
        "--unclipped",
        dest="clip",
        action="store_false",
        help="do not (default: clamped, but in sets of papers)",
    )
    parser.add_argument("--untimed", action="store_true", help="measure no times")
    parser.add_argument(
        "--pictures", type=int, help="how many test pictures, evenly spread; 0: all (default 1000)"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("runs/bench"), help="folder of the results"
    )


def _rescore(parser: argparse.ArgumentParser) -> None:
    _add_root(parser)
    _add_verbose(parser)
    parser.add_argument(
        "--convention",
        nargs="+",
        metavar="NAME",
        help="default: all; see bench/scoring/conventions.py",
    )
    parser.add_argument(
        "--datasets", nargs="+", help="default: mnist notmnist, where present, else glyphs"
    )
    parser.add_argument("--methods", nargs="+", help="default: all shipped weights")
    _add_models(parser)
    parser.add_argument(
        "--sigma", nargs="+", type=float, default=[0.4], help="levels of the noise (default: 0.4)"
    )
    parser.add_argument(
        "--unclipped", action="store_true", help="do not clamp the noisy pictures to [0, 1]"
    )
    parser.add_argument(
        "--pictures", type=int, default=500, help="how many test pictures; 0: all (default: 500)"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("runs/rescore"), help="folder of rescore.csv"
    )


def _speed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--device", choices=("cpu", "cuda"), default="cpu", help="what is timed (default: cpu)"
    )
    parser.add_argument(
        "--systems", nargs="+", help="default: all that run there; see bench/speed/systems.py"
    )
    parser.add_argument(
        "--rounds", type=int, default=5, help="turns of each system (default: %(default)s)"
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=0.3,
        help="of a turn, at least a call (default: %(default)s)",
    )
    parser.add_argument(
        "--quiet", type=float, default=0.0, metavar="TMACS",
        help=("take a turn again where before or after it a convolution has fewer TMAC/s "
    "(default: %(default)s)"),
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, default=Path("runs/speed"), help="folder of the results"
    )


def _grid(parser: argparse.ArgumentParser) -> None:
    _add_root(parser)
    parser.add_argument(
        "--datasets", nargs="+", help="default: mnist notmnist fashion_mnist; of a unet: bsd68"
    )
    parser.add_argument(
        "--noise",
        choices=("both", "clipped", "unclipped"),
        default="both",
        help="whether the noise is clamped (default: both; of a unet: unclipped)",
    )
    parser.add_argument(
        "--arms",
        nargs="+",
        help="default: every registered decoder, and the ceilings unet and dncnn",
    )
    parser.add_argument(
        "--budgets", nargs="+", help="default: channels parameters macs; of a unet: parameters"
    )
    parser.add_argument(
        "--seeds", type=int, default=3, help="training seeds, counted from 0 (default: 3)"
    )
    parser.add_argument(
        "--only", metavar="CELL", help="one cell by its name, as --dry-run lists them"
    )
    parser.add_argument(
        "--engine", choices=("local", "ray"), default="local", help="where cells are worked off"
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=1,
        help="local: processes that share this machine (default: 1)",
    )
    parser.add_argument(
        "--address",
        help=(
            "ray: HOST:PORT of the head node (default: $RAY_ADDRESS, else a cluster on this "
            "machine)"
        ),
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="list the cells and estimate the time"
    )
    parser.add_argument("--out", type=Path, default=GRID, help="folder of weights and scores")
    cli.add_options(parser, Recipe)


def command() -> None:
    """Run the console script `denoise-bench`."""
    cli.run(main)


if __name__ == "__main__":
    command()
