"""A results folder of a few networks, made up, with every file that the page's chart reads."""

import json

import pandas as pd
import pytest

from demo.compute import scores

NETWORKS = [  # method, arm, widths, budgets, seed, parameters, macs
    ("mnist-clipped-nearest-16x8-s0", "nearest", "16x8", "channels macs", 0, 27_000, 4_600_000),
    ("mnist-clipped-nearest-16x8-s1", "nearest", "16x8", "channels macs", 1, 27_000, 4_600_000),
    ("mnist-clipped-transposed_k3-16x8-s0", "transposed_k3", "16x8", "channels", 0, 27_000, 3e6),
    ("mnist-clipped-unet-13x7-s0", "unet", "13x7", "parameters", 0, 27_200, 4_700_000),
]
SCORES = [  # arm, budget, PSNR, its methods
    ("noisy", None, 10.0, "mnist-clipped-noisy"),
    ("black", None, 8.0, "mnist-clipped-black"),
    ("nearest", "channels", 21.5, f"{NETWORKS[0][0]} {NETWORKS[1][0]}"),
    ("nearest", "macs", 21.5, f"{NETWORKS[0][0]} {NETWORKS[1][0]}"),
    ("transposed_k3", "channels", 21.25, NETWORKS[2][0]),
    ("unet", "parameters", 22.0, NETWORKS[3][0]),
]
TRAINED = {"trained_on": "mnist", "trained_clipped": True, "noise": "gaussian", "clipped": True}


@pytest.fixture
def results(tmp_path, monkeypatch):
    """Return a folder of results that `scores` reads, with one grid, named "made-up"."""
    write(tmp_path / "made-up")
    monkeypatch.setattr(scores, "RESULTS", tmp_path)
    monkeypatch.setattr(scores, "GRIDS", ("made-up",))
    forget()
    yield tmp_path
    forget()


def forget():
    scores.points.cache_clear()
    scores.methods.cache_clear()


def write(folder):
    folder.mkdir()
    (folder / "recipe.json").write_text(json.dumps({"body": "autoencoder"}))
    names = ["method", "arm", "widths", "budgets", "seed", "parameters", "macs"]
    networks = pd.DataFrame(NETWORKS, columns=names).assign(dataset="mnist", clipped=True)
    networks.assign(weights_sha256="f" * 64).to_csv(folder / "methods.csv", index=False)
    rows = [
        TRAINED
        | {"tested_on": tested_on, "levels": level, "arm": arm, "budget": budget, "status": "ok"}
        | {"seeds": len(methods.split()), "pictures": 100, "methods": methods}
        | {"psnr_db": psnr, "psnr_db_low": psnr - 0.25, "psnr_db_high": psnr + 0.5}
        | {"ssim": 0.5, "ssim_low": 0.4, "ssim_high": 0.6}
        for tested_on in ("mnist", "fashion_mnist")
        for level in ("0.4", "all")
        for arm, budget, psnr, methods in SCORES
    ]
    others = [
        rows[2] | {"noise": "poisson", "psnr_db": 1},
        rows[2] | {"clipped": False, "psnr_db": 2},
        rows[2] | {"status": "not finite", "levels": "0.5", "psnr_db": 3},
    ]
    pd.DataFrame(rows + others).to_csv(folder / "summary.csv", index=False)


def costs(folder):
    """Add times of two networks, 8 images per call, and no time of the third."""
    rows = pd.DataFrame(NETWORKS[::2], columns=["method", "arm", "widths", "b", "s", "p", "m"])
    rows = rows.assign(
        ms_p50=[8.0, 4.0], batch=8, cpu="A CPU", gpu=None, device="cpu", cpu_threads=2,
        dtype="float32",
    )  # fmt: skip
    rows.to_csv(folder / "costs-a-cpu.csv", index=False)


def integers(folder):
    """Add times of a network as floats and in 8-bit integers."""
    row = {"arm": "nearest", "dataset": "mnist", "clipped": True, "form": "fused", "cpu": "A CPU"}
    rows = [
        row | {"runtime": "onnxruntime", "ms_p50": 1, "batch": 1, "cpu_threads": 1},
        row
        | {"runtime": "onnxruntime-int8", "ms_p50": 3, "batch": 4, "cpu_threads": 1}
        | {"change_db": -0.125},
    ]
    pd.DataFrame(rows).to_csv(folder / "deploy.csv", index=False)
