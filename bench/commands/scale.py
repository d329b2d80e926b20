"""`python -m bench scale`: how time and memory of the engine grow with the size and number of pictures; its start."""

from __future__ import annotations

import argparse

import pandas as pd
import torch
from tqdm import tqdm

from bench import machine, provenance, scale
from bench.columns import SCALE
from denoise.files import whole_file


def main(given: argparse.Namespace) -> None:
    every = torch.get_num_threads()
    counts = dict.fromkeys((1, every))
    found = []
    with tqdm(total=len(counts) * (len(scale.SIDES) + len(scale.COUNTS)), unit=" cells", disable=None) as bar:
        for threads in counts:
            found += scale.rows(threads, advance=bar.update)
    found += scale.starts()
    facts = machine.describe() | provenance.describe() | {"command": given.command}
    kept = {name: value for name, value in facts.items() if name in SCALE}
    frame = pd.DataFrame(found).assign(**kept).reindex(columns=list(SCALE)).astype({"peak_bytes": "Int64"})
    target = given.out / f"{machine.slug(torch.device('cpu'))}.csv"
    with whole_file(target) as partial:
        frame.to_csv(partial, index=False, float_format="%.5g")
    print(scale.text(frame))
    print("written:", target)
