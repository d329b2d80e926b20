"""`python -m bench reach`: seconds that a training takes to reach a tutorial's published loss."""

from __future__ import annotations

import argparse

import pandas as pd
import torch

from bench import provenance
from bench.report import speed_texts
from bench.schema import REACH
from bench.speed import time_to_quality
from denoise.datasets.base import data_root
from denoise.files.atomic import whole_file


def main(given: argparse.Namespace) -> None:
    """Time one training per optimizer, and write its time and loss."""
    if given.images is not None and given.images < 1:
        raise ValueError(f"--images is {given.images}; it must be at least 1")
    for way in given.optimizers or ():
        if way not in time_to_quality.WAYS:
            raise ValueError(f"unknown optimizer {way!r}; valid: {', '.join(time_to_quality.WAYS)}")
    rows = [
        time_to_quality.measure(way, given.images, data_root(given.data_root))
        for way in given.optimizers or time_to_quality.WAYS
    ]
    # same choice as in `denoise.train`
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    facts = provenance.run_on(device) | provenance.describe() | {"command": given.command}
    frame = pd.DataFrame(rows).assign(**facts).reindex(columns=list(REACH))
    target = given.out / f"{provenance.slug(device)}.csv"
    with whole_file(target) as partial:
        frame.to_csv(partial, index=False, float_format="%.6g")
    print(speed_texts.reach(frame))
    print("written:", target)
