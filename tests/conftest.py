"""Shared fixtures: folder of real data, rules for skips, a small grid, and users' models."""

import os
import subprocess
from pathlib import Path

import pytest
import small_grid
import torch

from bench import __main__ as command
from bench.report import benchmark_table
from denoise import cli, datasets

NO_DATA = "is not in the data root"
FEW_LETTERS = ["--datasets", "glyphs", "--pictures", "6", "--sigma", "0.4"]  # of a quick table
NO_BFLOAT16 = "this CPU does not compute convolutions in bfloat16"


def pytest_addoption(parser):
    parser.addoption(
        "--no-skips",
        action="store_true",
        help="fail skipped tests, except for bfloat16, and for data if DENOISE_DATA is unset",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    return _unforgiving((yield), item.config)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    # a whole file is skipped if an optional package is missing
    return _unforgiving((yield), collector.config)


def _unforgiving(report, config):
    """Turn a skip or an xfail into a failure with --no-skips.

    Keep the skip if data is missing without DENOISE_DATA, or if the CPU lacks bfloat16.
    """
    reason = str(report.longrepr)
    allowed = (NO_DATA in reason and "DENOISE_DATA" not in os.environ) or (
        NO_BFLOAT16 in reason and not _has_bfloat16()
    )
    if report.skipped and config.getoption("--no-skips") and not allowed:
        report.outcome = "failed"
        vars(report).pop("wasxfail", None)  # pytest does not count the failure of an xfail
        report.longrepr = f"skipped, but --no-skips was given: {report.longrepr}"
    return report


def _has_bfloat16():
    return torch.ops.mkldnn._is_mkldnn_bf16_supported()


@pytest.fixture(scope="session")
def bfloat16():
    """Skip the test if oneDNN cannot compute convolutions in bfloat16 on this CPU.

    AVX2 does not suffice.
    """
    if not _has_bfloat16():
        pytest.skip(NO_BFLOAT16)


@pytest.fixture
def data_root():
    """Return the folder that may hold the real data."""
    return Path(os.environ.get("DENOISE_DATA", "no-data-root-was-given"))


@pytest.fixture
def real(data_root):
    """Return a function that returns the data root, and skips the test if a dataset is missing."""

    def find(dataset):
        if not datasets.present(dataset, data_root):
            pytest.skip(f"{dataset} {NO_DATA} ({data_root}); set DENOISE_DATA")
        return data_root

    return find


@pytest.fixture
def few(monkeypatch):
    """Leave 100 images of every split that is evaluated, and all images of training."""
    load = datasets.load
    monkeypatch.setattr(
        datasets,
        "load",
        lambda name, split, root=None: load(name, split, root).spread(
            None if split == "train" else 100
        ),
    )


@pytest.fixture
def locked(monkeypatch):
    """Return a function that makes folders of a name unreadable, even for root."""

    def lock(name):
        scandir = os.scandir

        def denied(path):
            if Path(path).name == name:
                raise PermissionError(13, "Permission denied", str(path))
            return scandir(path)

        monkeypatch.setattr(os, "scandir", denied)

    return lock


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


@pytest.fixture(scope="session")
def done(tmp_path_factory):
    """Return a finished grid on letters, trained with as many threads as the compared runs."""
    out = tmp_path_factory.mktemp("grid")
    assert small_grid.bench(*small_grid.grid(out)).wait(timeout=900) == 0
    return out


@pytest.fixture(scope="session")
def results(done, tmp_path_factory):
    """Return the collected results of the finished grid."""
    folder = tmp_path_factory.mktemp("results")
    command.main(["collect", "--out", str(done), "--results", str(folder)])
    return folder


@pytest.fixture
def copy(results, tmp_path):
    """Return a copy of the collected results that a test may damage."""
    folder = tmp_path / "results"
    subprocess.run(["cp", "-r", results, folder], check=True)
    return folder


@pytest.fixture
def letters():
    return datasets.load("glyphs", "test").spread(6)


@pytest.fixture
def written(tmp_path):
    """Return a function that writes a user's file and returns its path."""

    def write(text, name="net.py"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


@pytest.fixture
def own_table(tmp_path):
    """Return a function that runs `python -m bench` on a few letters and returns its rows."""

    def run(*arguments):
        words = [
            *FEW_LETTERS,
            "--quick",
            "--out",
            str(tmp_path / "out"),
        ]
        command.main([*words, *map(str, arguments)])
        return benchmark_table.read(tmp_path / "out" / "table.csv").set_index("method")

    return run


@pytest.fixture
def refused_model(tmp_path, capsys):
    """Return a function that runs `python -m bench --model ...` and returns its one-line error."""

    def run(*models):
        out = tmp_path / "out"
        words = [
            *FEW_LETTERS,
            "--methods",
            "noisy",
            "--out",
            str(out),
        ]
        with pytest.raises(SystemExit) as stop:
            cli.run(command.main, [*words, "--model", *map(str, models)])
        lines = capsys.readouterr().err.splitlines()
        assert stop.value.code == 2
        assert len(lines) == 1
        assert not out.exists()
        return lines[0]

    return run
