"""`python -m bench`: measure the shipped networks, the floors and the classical methods, and print the table."""

from __future__ import annotations

import argparse
import dataclasses

from bench import methods, own, report, table
from denoise.datasets import MissingData
from denoise.noise import check_level

QUICK = table.Plan(levels=(0.2, 0.4), pictures=200, rounds=2)


def main(given: argparse.Namespace) -> None:
    plan = _plan(given)
    brought = [own.load(text) for text in given.model]
    arms = methods.find(given.methods, brought)
    sets, left_out = table.available(tuple(given.datasets or table.DEFAULT_DATASETS), given.data_root)
    if left_out and given.datasets:
        raise MissingData("; ".join(left_out))
    own.check(brought, sets)
    frame = table.make(plan, sets, arms, given.command)
    files = report.write(frame, given.out)
    print(report.markdown(frame))
    for line in left_out:
        print(line)
    print("written:", *files)


def _plan(given: argparse.Namespace) -> table.Plan:
    base = QUICK if given.quick else table.Plan(pictures=1_000)
    sigmas = tuple(check_level(sigma, given.noise) for sigma in given.sigma) if given.sigma else None
    pictures = base.pictures if given.pictures is None else given.pictures
    if pictures < 0:
        raise ValueError(f"--pictures is {pictures}; it must be 0 (all) or more")
    return dataclasses.replace(base, sigmas=sigmas, noise=given.noise, clip=given.clip, pictures=pictures)
