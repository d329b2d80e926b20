"""Model repository of each set of weights: weights, package and model card.

References
----------
https://huggingface.co/docs/hub/model-cards
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from huggingface_hub import EvalResult, ModelCardData

import denoise
from demo.widgets import templates
from denoise.datasets import DATASETS
from denoise.decoders import DECODERS
from denoise.models import weights
from denoise.train.settings import Settings

ROOT = Path(__file__).parents[2]
TABLES = (
    ROOT / "bench" / "results" / "table.csv",
    ROOT / "bench" / "results" / "photographs" / "table.csv",
)
PREFIX = "denoise-"  # prefix of the repositories' names
NEEDS = ("huggingface_hub", "numpy", "pillow", "safetensors", "torch", "tqdm")
TASK = "image-to-image"
SCORES = {"psnr": ("psnr_db", "PSNR (dB)"), "ssim": ("ssim", "SSIM")}


def fill(folder: Path, name: str, repository: str) -> None:
    """Write the model repository of shipped weights into an empty folder.

    `repository` is its future ORG/NAME.
    """
    for source in (ROOT / "LICENSE", *sorted((ROOT / "denoise").rglob("*.py"))):
        target = folder / source.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    for source in (weights.locate(name), weights.locate(name).with_suffix(".json")):
        shutil.copyfile(source, folder / source.name)
    (folder / "README.md").write_text(card(name, repository))


def card(name: str, repository: str) -> str:
    """Return the model card: metadata with the scores as `model-index`, then the text."""
    facts = json.loads(weights.locate(name).with_suffix(".json").read_text())
    scores = _scores(name)
    data = ModelCardData(
        license="mit",
        library_name="denoise",
        pipeline_tag=TASK,
        tags=["denoising", "autoencoder"],
        model_name=name,
        eval_results=[result for row in scores.to_dict("records") for result in _results(row)],
    )
    return f"---\n{data.to_yaml()}\n---\n{_text(name, repository, facts, scores)}"


def _scores(name: str) -> pd.DataFrame:
    """Return the committed blind scores of these weights on test images of their domain."""
    rows = pd.concat([pd.read_csv(path) for path in TABLES])
    rows = rows[(rows.method == name) & (rows.dataset != "glyphs")]
    family = name.partition("-")[0]
    return rows[rows.dataset == family] if family in set(rows.dataset) else rows


def _results(row: dict[str, Any]) -> list[EvalResult]:
    return [
        EvalResult(
            task_type=TASK,
            dataset_type=row["dataset"],
            dataset_name=_tested(row),
            dataset_split="test",
            metric_type=metric,
            metric_name=label,
            metric_value=round(row[column], 4),
        )
        for metric, (column, label) in SCORES.items()
    ]


def _tested(row: dict[str, Any]) -> str:
    label = DATASETS[row["dataset"]].label
    if not row["sigma"]:
        return label
    return (
        f"{label}, {'clipped' if row['clipped'] else 'unclipped'} Gaussian noise, sigma "
        f"{row['sigma_255']:g}/255"
    )


def _trained(facts: dict[str, Any]) -> Iterator[str]:
    """Yield one line per training run: `--init-from` continues from the weights of another run."""
    for images, card in weights.history(facts):
        settings = Settings.of(card)
        low, high = (f"{level * 255:.0f}" for level in settings.sigma)
        levels = low if low == high else f"{low} to {high}"
        noise = (
            f"Gaussian noise of sigma {levels} on the 0-255 scale"
            if settings.sigma[1]
            else "no noise added"
        )
        side = f"{settings.patch}x{settings.patch} crops of " if settings.patch else ""
        yield (
            f"- On {images:,} {side}{DATASETS[settings.dataset].label}, with {noise}, "
            f"{settings.loss} loss, {settings.optimizer.capitalize()} "
            f"with a highest learning rate of {settings.lr:g}, "
            f"in {card['seconds'] / 60:.0f} minutes on a "
            f"{card['run_on']['device']} ({card['run_on']['precision']})."
        )


def _text(name: str, repository: str, facts: dict[str, Any], scores: pd.DataFrame) -> str:
    architecture, settings = facts["architecture"], facts["settings"]
    channels, conditional = architecture["channels"], architecture.get("noise_conditional", False)
    of = DATASETS[settings["dataset"]].label
    table = pd.DataFrame(
        {
            "Test images": [
                f"{_tested(row)} ({row['pictures']:.0f})" for row in scores.to_dict("records")
            ],
            "PSNR (dB)": [
                f"{row.psnr_db:.2f} ± {row.psnr_ci95_db:.2f}" for row in scores.itertuples()
            ],
            "SSIM": [f"{row.ssim:.4f}" for row in scores.itertuples()],
        }
    )
    kind = {"unet": "A U-Net", "autoencoder": "An autoencoder", "dncnn": "A DnCNN"}[
        architecture["name"]
    ]
    decoder = architecture.get("decoder")
    network = denoise.load(name, "cpu").network
    return templates.render(
        "space/model_card.md",
        name=name,
        repository=repository,
        needs=" ".join(NEEDS),
        knows=of,
        what=f"{kind} that denoises {'color' if channels == 3 else 'gray'} images such as {of}.",
        parameters=f"{sum(p.numel() for p in network.parameters()):,}",
        decoder="none, because the network keeps the size"
        if decoder is None
        else DECODERS[decoder].label.lower(),
        example="(64, 64, 3)" if channels == 3 else "(64, 64)",
        sigma=", sigma=25 / 255" if conditional else "",
        values="`sigma` is optional; without it, denoising is blind." if conditional else "",
        trained="\n".join(_trained(facts)),
        scores=table.to_markdown(index=False),
        license=DATASETS[settings["dataset"]].facts["license"],
    )
