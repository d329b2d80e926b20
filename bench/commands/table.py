"""`python -m bench`: measure networks, floors and classical methods, and print the table."""

from __future__ import annotations

import argparse
import dataclasses
import logging

from bench.report import benchmark_table
from bench.scoring import benchmark, methods, user_model
from denoise.datasets import MissingData
from denoise.noise import check_level

QUICK = benchmark.Plan(levels=(0.2, 0.4), pictures=200, rounds=2)
log = logging.getLogger("bench")


def main(given: argparse.Namespace) -> None:
    """Measure the requested methods on the requested datasets; write and print the table."""
    names = given.methods or methods.usual(given.datasets)
    # requested methods are named
    log.setLevel(logging.DEBUG if given.verbose or names else logging.NOTSET)
    plan = _plan(given)
    brought = [user_model.load(text) for text in given.model]
    arms = methods.find(names, brought)
    sets, left_out = benchmark.available(
        tuple(given.datasets or benchmark.DEFAULT_DATASETS), given.data_root
    )
    if left_out and given.datasets:
        raise MissingData("; ".join(left_out.values()))
    say_missing(left_out, given.verbose)
    user_model.check(brought, sets)
    frame = benchmark.make(plan, sets, arms, given.command)
    files = benchmark_table.write(frame, given.out)
    print(benchmark_table.markdown(frame))
    print("written:", *files)


def say_missing(left_out: dict[str, str], verbose: bool) -> None:
    """Log the skipped datasets: in one line, or with instructions for each."""
    if verbose:
        for why in left_out.values():
            log.info("skipped: %s", why)
    elif left_out:
        log.info(
            "skipped datasets, missing and without a download: %s (--verbose gives instructions)",
            ", ".join(left_out),
        )


def _plan(given: argparse.Namespace) -> benchmark.Plan:
    base = QUICK if given.quick else benchmark.Plan(pictures=1_000)
    sigmas = (
        tuple(check_level(sigma, given.noise) for sigma in given.sigma) if given.sigma else None
    )
    pictures = base.pictures if given.pictures is None else given.pictures
    if pictures < 0:
        raise ValueError(f"--pictures is {pictures}; it must be 0 (all) or more")
    if given.untimed:
        base = dataclasses.replace(base, rounds=0)
    return dataclasses.replace(
        base, sigmas=sigmas, noise=given.noise, clip=given.clip, pictures=pictures
    )
