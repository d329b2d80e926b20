"""`python -m bench revisions`: what changes of the code, each a revision of it, did to the time of a call."""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
import torch

from bench import machine, provenance, revisions
from bench.columns import REVISIONS
from bench.frames import check
from bench.systems import NETWORKS, SYSTEMS
from denoise.files import whole_file
from denoise.registry import UnknownName, unknown

CELL = ["revision", "system", "network", "batch"]


def main(given: argparse.Namespace) -> None:
    own = [name for name, system in SYSTEMS.items() if system.cpu and not system.peer]
    for kind, name, valid in (("system", given.system, own), ("network", given.network, list(NETWORKS))):
        if name not in valid:
            raise UnknownName(unknown(kind, name, valid))
    if given.rounds < 1 or given.batch < 1:
        raise ValueError("--rounds and --batch must be at least 1")
    cpu, names = torch.device("cpu"), [revisions.named(revision) for revision in given.revisions]
    facts = machine.run_on(cpu) | provenance.describe() | {"command": given.command}
    facts = {name: value for name, value in facts.items() if name in REVISIONS}
    of = given.system, given.network, given.batch, torch.get_num_threads(), given.rounds
    target = given.out / f"{machine.slug(cpu)}.csv"
    for name in names:
        found = pd.DataFrame(revisions.rows(name, *of)).assign(**facts).reindex(columns=list(REVISIONS))
        _add(found, target)
    print(revisions.text(pd.read_csv(target)))
    print("written:", target)


def _add(found: pd.DataFrame, target: Path) -> None:
    """Write what is found now beside what was found before of others."""
    if target.exists():
        before = pd.read_csv(target)
        check(before, REVISIONS, target)
        measured = before.set_index(CELL).index.isin(found.set_index(CELL).index)
        found = pd.concat([before[~measured], found], ignore_index=True)
    with whole_file(target) as partial:
        found.to_csv(partial, index=False, float_format="%.5g")
