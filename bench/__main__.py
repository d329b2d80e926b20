"""`python -m bench`: measure denoisers and print one table.

Further commands train, score and report the comparison of decoders. This module holds only options
and imports no torch, so that help appears at once. A requested command is imported from
`bench/commands/NAME.py`.
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
TRAINS = (
    "early",
    "grid",
    "rates",
    "tutorials",
    "trials",
)  # others measure times, with threads as they come
TUTORIALS = RESULTS.parent / "tutorials"
SUFFIXES = (
    "The name of a network in --methods may end in :told (sigma is an input of the network), "
    ":ensemble (self-ensemble over eight dihedral views) or :clean (correlated noise is detected "
    "and removed)."
)


def main(arguments: Sequence[str] | None = None) -> int | None:
    """Parse the options and run the requested command; return its exit code."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    words = sys.argv[1:] if arguments is None else list(arguments)
    given = _parser().parse_args(words)
    given.command = "python -m bench " + shlex.join(words)
    if given.module in TRAINS:
        cli.let_threads_sleep()
    cli.need("bench", "filelock", "matplotlib", "pandas", "pyarrow", "tabulate", "torchvision")
    return importlib.import_module(f"bench.commands.{given.module}").main(given)


def _parser() -> cli.Parser:
    parser = cli.Parser(
        prog="python -m bench", description=__doc__.splitlines()[0], epilog=SUFFIXES
    )
    commands = parser.add_subparsers(title="other commands", metavar="COMMAND")
    _table(parser)
    _grid(
        _command(
            commands,
            "grid",
            "train and score the comparison of decoders; resume a stopped run",
        )
    )
    _rates(
        _command(
            commands, "rates", "train each arm at several learning rates; the grid takes the best"
        )
    )
    made = _command(
        commands, "collect", "copy a grid's weights, scores and summary into the committed results"
    )
    made.add_argument(
        "--out", type=Path, default=GRID, help="folder of the grid (default: %(default)s)"
    )
    _add_results(made)
    trained = _command(
        commands,
        "tutorials",
        "train the tutorials' networks by their own recipes and by this project's",
    )
    trained.add_argument(
        "--networks", nargs="+", help="networks to train (default: K1 K2 K2_resize T1 U1)"
    )
    trained.add_argument(
        "--recipes",
        nargs="+",
        default=["own", "project"],
        help="recipes to train by (default: own project)",
    )
    trained.add_argument(
        "--share",
        type=float,
        default=1.0,
        help="fraction of each recipe's training images, for a trial (default: 1)",
    )
    trained.add_argument(
        "--out",
        type=Path,
        default=Path("runs/tutorials"),
        help="folder of weights and checkpoints (default: %(default)s)",
    )
    _add_root(trained)
    _add_results(trained, TUTORIALS)
    cards = _command(
        commands,
        "costs",
        "measure the cost card of every arm on this machine, which should be idle",
    )
    cards.add_argument(
        "--arms", nargs="+", help="arms to measure (default: every decoder and the ceilings)"
    )
    cards.add_argument(
        "--device", choices=("cpu", "cuda"), help="device to time (default: the CPU, and a GPU too)"
    )
    cards.add_argument(
        "--rounds", type=int, default=3, help="timed rounds of each network (default: 3)"
    )
    _add_models(cards)
    _add_results(cards)
    meters = _command(
        commands, "checkerboard", "measure the checkerboard metrics of every network of the results"
    )
    _add_root(meters)
    _add_results(meters)
    _early(
        _command(
            commands,
            "early",
            "save and measure each decoder's network at early training steps",
        )
    )
    _speed(
        _command(
            commands,
            "speed",
            "measure images per second of this engine and of peers (see make peers)",
        )
    )
    whole = _command(
        commands, "gpu", "measure all that needs a GPU in one call; each part survives the others"
    )
    whole.add_argument(
        "--device", choices=("cpu", "cuda"), default="cuda", help="device (default: cuda)"
    )
    whole.add_argument(
        "--minutes", type=float, default=9.0, help="time for all parts (default: %(default)g)"
    )
    _add_root(whole)
    _add_results(whole)
    scaled = _command(
        commands,
        "scale",
        "measure the engine's time and memory by image size and number, and its start-up time",
    )
    scaled.add_argument(
        "--out",
        type=Path,
        default=Path("runs/scale"),
        help="folder of the results (default: %(default)s)",
    )
    reached = _command(
        commands,
        "reach",
        "time a training and compare its loss with the one published by the Keras example",
    )
    reached.add_argument(
        "--optimizers",
        "--optimisers",
        nargs="+",
        help="optimizers to train with (default: muon adam)",
    )
    reached.add_argument(
        "--images", type=int, help="training images (default: the number each optimizer needs)"
    )
    _add_root(reached)
    reached.add_argument(
        "--out",
        type=Path,
        default=Path("runs/reach"),
        help="folder of the results (default: %(default)s)",
    )
    checks = _command(
        commands,
        "verify",
        "score random cells of the results again; exit with 1 if a score drifted",
    )
    checks.add_argument(
        "--sample",
        default="1%",
        help="cells to score: a percentage or a number (default: 1%%)",
    )
    checks.add_argument(
        "--seed", type=int, default=0, help="seed of the random choice of cells (default: 0)"
    )
    _add_root(checks)
    _add_results(checks)
    made = _command(commands, "report", "write every table and figure from the committed results")
    _add_root(made)
    _add_results(made)
    _rescore(
        _command(
            commands,
            "rescore",
            "score the same outputs under several PSNR and SSIM conventions",
        )
    )
    estimated = _command(
        commands, "levels", "measure the error of sigma estimates from the noisy image"
    )
    _add_root(estimated)
    estimated.add_argument(
        "--datasets", nargs="+", help="datasets to measure on (default: bsd68 set12 cbsd68)"
    )
    estimated.add_argument(
        "--pictures",
        type=int,
        default=0,
        help="test images of each dataset, evenly spaced; 0 means all (default: 0)",
    )
    estimated.add_argument(
        "--out",
        type=Path,
        default=RESULTS.parent,
        help="folder of levels.csv (default: %(default)s)",
    )
    tried = _command(
        commands, "trials", "add trainings to photo-trials.csv, the table behind chosen settings"
    )
    tried.add_argument("cards", type=Path, nargs="+", help="cards (.json) of trained weights")
    tried.add_argument(
        "--out",
        type=Path,
        default=RESULTS.parent,
        help="folder of photo-trials.csv (default: %(default)s)",
    )
    forms = _command(
        commands, "deploy", "time each decoder by runtime and form, in floats and 8-bit integers"
    )
    _add_root(forms)
    _add_results(forms)
    forms.add_argument(
        "--rounds", type=int, default=5, help="timed rounds of each network (default: %(default)s)"
    )
    _add_root(
        _command(
            commands,
            "strips",
            "draw photographs and stained pages before and after denoising",
        )
    )
    tuned = _command(commands, "tune", "search the best strength of each classical method")
    _add_root(tuned)
    tuned.add_argument(
        "--jpeg",
        action="store_true",
        help="tune the blind methods on noisy JPEG files (default: non-blind, digits)",
    )
    return parser


def _command(commands: argparse._SubParsersAction, name: str, help: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=help, description=help)
    parser.set_defaults(module=name)
    return parser


def _add_root(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data-root",
        type=Path,
        help="folder of the datasets (default: $DENOISE_DATA, else the cache)",
    )


def _add_results(parser: argparse.ArgumentParser, folder: Path = RESULTS) -> None:
    parser.add_argument(
        "--results", type=Path, default=folder, help="folder of the results (default: %(default)s)"
    )


def _add_verbose(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--verbose", action="store_true", help="log each skipped dataset and method, with reasons"
    )


def _add_models(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model",
        nargs="+",
        action="extend",
        default=[],
        metavar="[NAME=]FILE",
        help="your networks: FILE.py:FUNCTION that returns an nn.Module, or FILE.onnx",
    )


def _table(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(module="table")
    _add_root(parser)
    _add_verbose(parser)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="200 images, two sigmas: under two minutes on two cores",
    )
    parser.add_argument(
        "--datasets",
        nargs="+",
        help="test datasets (default: mnist notmnist glyphs, if available)",
    )
    parser.add_argument(
        "--methods",
        nargs="+",
        metavar="NAME",
        help="methods or weight files (default: all; for correlated noise: blind ones)",
    )
    _add_models(parser)
    parser.add_argument("--noise", default="gaussian", help="kind of noise (default: gaussian)")
    parser.add_argument(
        "--sigma",
        nargs="+",
        type=float,
        help="noise levels in units of the [0, 1] range (default: by dataset)",
    )
    clamp = parser.add_mutually_exclusive_group()
    clamp.add_argument(
        "--clipped",
        dest="clip",
        action="store_true",
        default=None,
        help="clamp noisy images to [0, 1] (default: by dataset)",
    )
    clamp.add_argument(
        "--unclipped",
        dest="clip",
        action="store_false",
        help="do not clamp noisy images (default: by dataset)",
    )
    parser.add_argument("--untimed", action="store_true", help="measure scores only, no times")
    parser.add_argument(
        "--pictures",
        type=int,
        help="test images of each dataset, evenly spaced; 0 means all (default: 1000)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("runs/bench"),
        help="folder of the results (default: %(default)s)",
    )


def _rescore(parser: argparse.ArgumentParser) -> None:
    _add_root(parser)
    _add_verbose(parser)
    parser.add_argument(
        "--convention",
        nargs="+",
        metavar="NAME",
        help="conventions of bench/scoring/conventions.py (default: all)",
    )
    parser.add_argument(
        "--datasets",
        nargs="+",
        help="test datasets (default: mnist notmnist if available, else glyphs)",
    )
    parser.add_argument(
        "--methods", nargs="+", help="networks to score (default: all shipped weights)"
    )
    _add_models(parser)
    parser.add_argument(
        "--sigma",
        nargs="+",
        type=float,
        default=[0.4],
        help="noise levels in units of the [0, 1] range (default: 0.4)",
    )
    parser.add_argument(
        "--unclipped",
        action="store_true",
        help="do not clamp noisy images to [0, 1] (default: clamp)",
    )
    parser.add_argument(
        "--pictures",
        type=int,
        default=500,
        help="test images of each dataset, evenly spaced; 0 means all (default: 500)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("runs/rescore"),
        help="folder of rescore.csv (default: %(default)s)",
    )


def _speed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--device", choices=("cpu", "cuda"), default="cpu", help="device to time (default: cpu)"
    )
    parser.add_argument(
        "--systems",
        nargs="+",
        help="systems of bench/speed/systems.py (default: all for the device)",
    )
    parser.add_argument(
        "--rounds", type=int, default=5, help="timed rounds of each system (default: %(default)s)"
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=0.3,
        help="seconds of a measurement, at least one call (default: %(default)s)",
    )
    parser.add_argument(
        "--quiet",
        type=float,
        default=0.0,
        metavar="TMACS",
        help="repeat measurements if a reference convolution is below this TMAC/s (default: 0)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("runs/speed"),
        help="folder of the results (default: %(default)s)",
    )


def _grid(parser: argparse.ArgumentParser) -> None:
    _add_networks(parser)
    parser.add_argument(
        "--noise",
        choices=("both", "clipped", "unclipped"),
        default="both",
        help="clamping of noisy images (default: both; for unet: unclipped)",
    )
    parser.add_argument(
        "--budgets",
        nargs="+",
        help="budgets: channels, parameters, macs, deployed (default: the first three; for unet: "
        "parameters)",
    )
    parser.add_argument(
        "--only",
        metavar="CELL",
        help="name of the only cell to run, from --dry-run (default: all)",
    )
    parser.add_argument(
        "--engine",
        choices=("local", "ray"),
        default="local",
        help="executor of the cells (default: local)",
    )
    parser.add_argument(
        "--address",
        metavar="HOST:PORT",
        help="Ray head node (default: $RAY_ADDRESS, else a cluster on this machine)",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="list the cells and estimate the training time"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=GRID,
        help="folder of weights and scores (default: %(default)s)",
    )
    cli.add_options(parser, Recipe)


def _rates(parser: argparse.ArgumentParser) -> None:
    _add_networks(parser)
    parser.add_argument(
        "--rates",
        nargs="+",
        type=float,
        default=[0.003, 0.006, 0.012, 0.024, 0.048, 0.096],
        help="learning rates to try (default: 0.003 0.006 0.012 0.024 0.048 0.096)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("runs/rates"),
        help="folder of weights (default: %(default)s)",
    )
    cli.add_options(parser, Recipe)
    parser.set_defaults(images=50_000, noise="both", budgets=None)


def _early(parser: argparse.ArgumentParser) -> None:
    _add_root(parser)
    parser.add_argument(
        "--datasets",
        nargs="+",
        choices=("mnist", "notmnist", "fashion_mnist"),
        default=["mnist"],
        help="training sets (default: mnist)",
    )
    parser.add_argument("--arms", nargs="+", help="decoders (default: all)")
    steps = [0, 10, 20, 30, 50, 100, 300, 1_000, 3_000]
    parser.add_argument(
        "--steps",
        nargs="+",
        type=int,
        default=steps,
        help=f"training steps to save (default: {' '.join(map(str, steps))})",
    )
    parser.add_argument(
        "--runs",
        type=Path,
        default=Path("runs/early"),
        help="folder of finished networks (default: %(default)s)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=paths.RESULTS / "early",
        help="folder of the results (default: %(default)s)",
    )


def _add_networks(parser: argparse.ArgumentParser) -> None:
    _add_root(parser)
    parser.add_argument(
        "--datasets",
        nargs="+",
        help="training sets (default: mnist notmnist fashion_mnist; for unet: bsd68)",
    )
    parser.add_argument(
        "--arms",
        nargs="+",
        help="arms to train (default: every decoder, and the ceilings unet and dncnn)",
    )
    parser.add_argument(
        "--seeds", type=int, default=3, help="number of training seeds, from 0 up (default: 3)"
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=1,
        help="number of processes on this machine (default: 1)",
    )


def command() -> None:
    """Run the console script `denoise-bench`."""
    cli.run(main)


if __name__ == "__main__":
    command()
