"""Published scores on the test sets of this project, as reference in the tables.

Scores are PSNR in dB under Gaussian noise, not clamped. This project does not measure them. Noise
draws differ between papers, so the second decimal is uncertain.

References
----------
README tables of https://github.com/cszn/DnCNN and https://github.com/cszn/FFDNet; Zhang et al.,
DnCNN, 2017 (CBSD68).
"""

from __future__ import annotations

from typing import Any

from denoise.datasets import DATASETS

PUBLISHED = "published"
"""`status` of a published row."""

ANCHORS = {  # dataset -> method -> PSNR at each level of the dataset: 15, 25 and 50 times 1/255
    "bsd68": {
        "BM3D": (31.07, 28.57, 25.62),
        "DnCNN-S (one network a level)": (31.73, 29.23, 26.23),
        "DnCNN-B (blind)": (31.61, 29.16, 26.23),
        "FFDNet": (31.63, 29.19, 26.29),
        "DRUNet": (31.91, 29.48, 26.59),
    },
    "cbsd68": {"CBM3D": (33.52, 30.71, 27.38), "CDnCNN-B (blind)": (33.89, 31.23, 27.92)},
}


PICTURES = {"bsd68": 68, "cbsd68": 68}
"""Number of images behind the published means."""


def rows(dataset: str, noise: str, clip: bool, sigma: float) -> list[dict[str, Any]]:
    """Return the published rows of this condition, with the known columns of the table."""
    levels = DATASETS[dataset].facts.get("levels", ())
    if noise != "gaussian" or clip or sigma not in levels:
        return []
    condition = {
        "dataset": dataset,
        "split": "test",
        "noise": noise,
        "clipped": clip,
        "sigma": sigma,
    }
    return [
        condition
        | {
            "sigma_255": round(sigma * 255, 1),
            "method": f"published {name}",
            "label": f"{name}, published",
        }
        | {
            "told_sigma": "blind" not in name,
            "psnr_db": found[levels.index(sigma)],
            "status": PUBLISHED,
        }
        for name, found in ANCHORS.get(dataset, {}).items()
    ]
