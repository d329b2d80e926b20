"""`python -m bench operations`: what each operation of a training step takes, and could take at best."""

from __future__ import annotations

import argparse

import pandas as pd
import torch

from bench import ceiling, machine, operations, provenance
from bench.columns import OPERATIONS
from bench.systems import NETWORKS
from denoise.files import whole_file
from denoise.machine import keep_freed_memory


def main(given: argparse.Namespace) -> None:
    keep_freed_memory()  # as `denoise.train` does
    cpu = torch.device("cpu")
    found = [row for network in NETWORKS for row in operations.rows(network, torch.get_num_threads())]
    rates = ceiling.rates(cpu, machine.quickest(cpu))
    facts = machine.describe() | rates | provenance.describe() | {"command": given.command}
    kept = {name: value for name, value in facts.items() if name in OPERATIONS and name not in found[0]}
    frame = pd.DataFrame(found).assign(**kept).reindex(columns=list(OPERATIONS))
    target = given.out / f"{machine.slug(cpu)}.csv"
    with whole_file(target) as partial:
        frame.to_csv(partial, index=False, float_format="%.5g")
    print(operations.text(frame))
    print("written:", target)
