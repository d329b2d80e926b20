"""`python -m bench deploy`: time and score of each decoder by runtime, form and number format."""

from __future__ import annotations

import argparse

import pandas as pd

from bench import provenance
from bench.report import deploy_tables
from bench.report.results import Results
from bench.schema import DEPLOY
from bench.scoring import deployed
from denoise.decoders import DECODERS
from denoise.files.atomic import whole_file
from denoise.inference import packed


def main(given: argparse.Namespace) -> None:
    """Measure the arms of a results folder at equal channels; write deploy.csv."""
    if given.rounds < 1:
        raise ValueError(f"--rounds is {given.rounds}; it must be at least 1")
    results = Results.read(given.results)
    dataset, clipped = results.shown
    rows = results.methods
    rows = rows[(rows.dataset == dataset) & (rows.clipped == clipped) & (rows.seed == 0)]
    rows = rows[~rows.missing & rows.arm.isin(DECODERS.names())]
    rows = rows[rows.budgets.str.split().map(lambda names: "channels" in names)]
    networks = {
        row.arm: packed.denoiser(results.folder, row.method, row.weights_sha256).network
        for row in rows.itertuples()
    }
    if not networks:
        raise ValueError(f"{given.results} has no network of seed 0 at equal channels")
    found = list(deployed.rows(networks, dataset, clipped, given.data_root, given.rounds))
    facts = provenance.machine() | provenance.describe() | {"command": given.command}
    frame = pd.DataFrame(found).assign(**facts).reindex(columns=list(DEPLOY))
    target = given.results / "deploy.csv"
    with whole_file(target) as partial:
        frame.to_csv(partial, index=False, float_format="%.6g")
    print(deploy_tables.text(frame))
    print("written:", target)
