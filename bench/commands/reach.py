"""`python -m bench reach`: time a training from the start of its process to the loss that a tutorial publishes."""

from __future__ import annotations

import argparse

import pandas as pd
import torch

from bench import machine, provenance, reach
from bench.columns import REACH
from denoise.datasets.base import data_root
from denoise.files import whole_file


def main(given: argparse.Namespace) -> None:
    if given.images is not None and given.images < 1:
        raise ValueError(f"--images is {given.images}; it must be at least 1")
    for way in given.optimisers or ():
        if way not in reach.WAYS:
            raise ValueError(f"unknown optimiser {way!r}; valid: {', '.join(reach.WAYS)}")
    rows = [reach.measure(way, given.images, data_root(given.data_root)) for way in given.optimisers or reach.WAYS]
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")  # as `denoise.train` has it
    facts = machine.run_on(device) | provenance.describe() | {"command": given.command}
    frame = pd.DataFrame(rows).assign(**facts).reindex(columns=list(REACH))
    target = given.out / f"{machine.slug(device)}.csv"
    with whole_file(target) as partial:
        frame.to_csv(partial, index=False, float_format="%.6g")
    print(reach.text(frame))
    print("written:", target)
