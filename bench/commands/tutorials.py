"""`python -m bench tutorials`: K1, K2, K2', T1 and U1 by their own recipes and by the project's, tabulated."""

from __future__ import annotations

import argparse
import shutil

from bench import tutorials
from denoise.files import whole_file
from denoise.models import ARCHITECTURES
from denoise.registry import UnknownName, unknown


def main(given: argparse.Namespace) -> None:
    rows = []
    for name, recipe in _chosen(given):
        path = tutorials.make(name, recipe, given.out, given.data_root, given.share)
        rows.append(tutorials.score(name, recipe, path, given.data_root, given.share) | {"command": given.command})
        for file in (path, path.with_suffix(".json")):
            with whole_file(given.results / file.name) as partial:
                shutil.copyfile(file, partial)
        frame = tutorials.table(rows)
        with whole_file(given.results / "tutorials.csv") as partial:
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
