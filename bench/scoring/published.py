"""Published scores on the test sets of this project, as reference in the tables.

Scores are PSNR in dB under Gaussian noise, not clamped. This project does not measure them. Noise
draws differ between papers, so the second decimal is uncertain.

References
----------
README table of https://github.com/cszn/DnCNN: BM3D, DnCNN-S and DnCNN-B on BSD68.
Zhang, Zuo, Chen, Meng and Zhang, "Beyond a Gaussian denoiser", 2017 (DnCNN): BM3D, DnCNN-S and
DnCNN-B on Set12.
Zhang, Zuo and Zhang, "FFDNet", 2018: FFDNet on all sets; CBM3D and CDnCNN-B on CBSD68.
Zhang, Li, Zuo, Zhang, Van Gool and Timofte, "Plug-and-play image restoration with deep denoiser
prior", 2021: DRUNet on all sets. https://arxiv.org/abs/2008.13751
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
    "set12": {
        "BM3D": (32.37, 29.97, 26.72),
        "DnCNN-S (one network a level)": (32.86, 30.44, 27.18),
        "DnCNN-B (blind)": (32.68, 30.36, 27.21),
        "FFDNet": (32.75, 30.43, 27.32),
        "DRUNet": (33.25, 30.94, 27.90),
    },
    "cbsd68": {
        "CBM3D": (33.52, 30.71, 27.38),
        "CDnCNN-B (blind)": (33.89, 31.23, 27.92),
        "FFDNet": (33.87, 31.21, 27.96),
        "DRUNet": (34.30, 31.69, 28.51),
    },
}


PICTURES = {"bsd68": 68, "set12": 12, "cbsd68": 68}
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
