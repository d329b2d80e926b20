"""`python -m bench tutorials`: K1, K2, K2', T1 and U1, by their own and this project's recipe."""

from __future__ import annotations

import argparse
import shutil

from bench.sweep import tutorial_rows, tutorials
from denoise.files.atomic import whole_file
from denoise.models.architectures import ARCHITECTURES
from denoise.registry import UnknownName, unknown


def main(given: argparse.Namespace) -> None:
    """Train and score each network by each recipe; write one row after each training."""
    frame, scores = tutorial_rows.read(given.results)
    chosen = _chosen(given)
    tutorial_rows.refuse_shorter_training(frame, chosen, given.share, given.results)
    for name, recipe in chosen:
        path = tutorials.make(name, recipe, given.out, given.data_root, given.share)
        row, of_pictures = tutorials.score(name, recipe, path, given.data_root, given.share)
        for made in (path, path.with_suffix(".json")):
            with whole_file(given.results / made.name) as partial:
                shutil.copyfile(made, partial)
        frame = tutorial_rows.with_row(
            frame, row | {"command": tutorials.command(name, recipe, given.share)}
        )
        scores = tutorial_rows.with_scores(scores, of_pictures)
        tutorial_rows.write(given.results, frame, scores)
    print(
        frame[["network", "recipe", "sigma", "psnr_db", "ssim", "bce", "mse", "images_seen"]]
        .round(4)
        .to_string()
    )
    print("\n".join(tutorial_rows.worth(frame, scores)))


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
