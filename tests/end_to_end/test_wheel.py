"""The wheel, built and installed in a folder of its own: its commands need no checkout."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Return a folder with the installed wheel, its scripts in `bin`."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    # from a copy: a build leaves its folders beside the sources
    unused = shutil.ignore_patterns("results", "__pycache__")
    for name in ("denoise", "bench"):
        shutil.copytree(ROOT / name, folder / "source" / name, ignore=unused)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "source")
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", folder, folder / "source"]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    site = folder / "site"
    subprocess.run([*pip, "install", "--no-deps", "--target", site, wheel], check=True)
    return site


@pytest.fixture
def run(installed, tmp_path):
    """Return a function that runs a script of the wheel in an empty folder."""

    def started(script, *words):
        there = {**os.environ, "PYTHONPATH": str(installed), "COLUMNS": "100"}
        return subprocess.run(
            [sys.executable, installed / "bin" / script, *words],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=there,
            check=False,
        )

    return started


def test_denoise_cleans_a_photograph_beside_itself(run, tmp_path):
    side = np.arange(64.0)
    noisy = 128 + side + np.random.default_rng(0).normal(0, 25, (64, 64))
    Image.fromarray(noisy.clip(0, 255).astype("uint8")).save(tmp_path / "photo.png")
    done = run("denoise", "photo.png")
    assert done.returncode == 0, done.stderr
    clean = np.asarray(Image.open(tmp_path / "photo-denoised.png"), float)
    assert np.abs(clean - 128 - side).mean() < 8
    assert np.abs(noisy - 128 - side).mean() > 15


def test_denoise_train_writes_weights_into_the_current_folder(run, tmp_path):
    done = run("denoise-train", "--dataset", "glyphs", "--images", "64", "--name", "tiny")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs" / "tiny.safetensors").is_file()


def test_denoise_bench_measures_a_table_into_the_current_folder(run, tmp_path):
    done = run("denoise-bench", "--datasets", "glyphs", "--pictures", "4", "--untimed")
    assert done.returncode == 0, done.stderr
    assert "nearest" in done.stdout
    assert not any("site" in str(path) for path in tmp_path.rglob("*.csv"))


@pytest.mark.parametrize("words", [("verify",), ("report",)])
def test_a_command_for_what_a_wheel_lacks_says_so_in_one_line(run, installed, words):
    before = sorted(installed.rglob("*.*"))
    done = run("denoise-bench", *words)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert sorted(path for path in installed.rglob("*.*") if path.suffix != ".pyc") == [
        path for path in before if path.suffix != ".pyc"
    ]
