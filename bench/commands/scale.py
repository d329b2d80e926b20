"""`python -m bench scale`: time, memory and start-up time of the engine.

Time and memory are measured by image size and by number of images.
"""

from __future__ import annotations

import argparse

import pandas as pd
import torch
from tqdm import tqdm

from bench import provenance
from bench.report import speed_texts
from bench.schema import SCALE
from bench.speed import scaling
from denoise.files.atomic import whole_file


def main(given: argparse.Namespace) -> None:
    """Measure with one thread and with all threads; write one CSV for this machine."""
    every = torch.get_num_threads()
    counts = dict.fromkeys((1, every))
    found = []
    with tqdm(
        total=len(counts) * (len(scaling.SIDES) + len(scaling.COUNTS)), unit=" cells", disable=None
    ) as bar:
        for threads in counts:
            found += scaling.rows(threads, advance=bar.update)
    found += scaling.starts()
    facts = provenance.machine() | provenance.describe() | {"command": given.command}
    kept = {name: value for name, value in facts.items() if name in SCALE}
    frame = (
        pd.DataFrame(found)
        .assign(**kept)
        .reindex(columns=list(SCALE))
        .astype({"peak_bytes": "Int64"})
    )
    target = given.out / f"{provenance.slug(torch.device('cpu'))}.csv"
    with whole_file(target) as partial:
        frame.to_csv(partial, index=False, float_format="%.5g")
    print(speed_texts.scale(frame))
    print("written:", target)
