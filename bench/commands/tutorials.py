"""`python -m bench tutorials`: K1, K2, K2', T1 and U1 by their own recipes and by the project's, tabulated."""

from __future__ import annotations

import argparse
import shutil

import pandas as pd

from bench import collect, tutorials
from bench.columns import TUTORIALS
from denoise.files import whole_file
from denoise.models import ARCHITECTURES
from denoise.registry import UnknownName, unknown


def main(given: argparse.Namespace) -> None:
    file = given.results / "tutorials.csv"
    frame = collect.read_csv(file, TUTORIALS) if file.exists() else pd.DataFrame(columns=list(TUTORIALS))
    chosen = _chosen(given)
    tutorials.refuse_to_lessen(frame, chosen, given.share, file)
    for name, recipe in chosen:
        path = tutorials.make(name, recipe, given.out, given.data_root, given.share)
        row = tutorials.score(name, recipe, path, given.data_root, given.share) | {"command": given.command}
        for made in (path, path.with_suffix(".json")):
            with whole_file(given.results / made.name) as partial:
                shutil.copyfile(made, partial)
        frame = tutorials.with_row(frame, row)
        with whole_file(file) as partial:
            frame.to_csv(partial, index=False, float_format="%.6g")
    print(frame[["network", "recipe", "sigma", "psnr_db", "ssim", "bce", "mse", "images_seen"]].round(4).to_string())


def _chosen(given: argparse.Namespace) -> list[tuple[str, str]]:
    names = [ARCHITECTURES[name].name for name in given.networks or tutorials.TUTORIALS_BY_NAME]
    for kind, found, valid in (
        ("network", names, list(tutorials.TUTORIALS_BY_NAME)),
        ("recipe", given.recipes, list(tutorials.RECIPES)),
    ):
        for name in found:
            if name not in valid:
                raise UnknownName(unknown(kind, name, valid))
    return [(name, recipe) for name in names for recipe in given.recipes]
