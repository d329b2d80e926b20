"""Where the tests find real data, and what a skip means where that data is."""

import os
import subprocess
from pathlib import Path

import pytest
import small_grid
import torch

from bench import __main__ as command
from bench import report
from denoise import commandline, datasets

NO_DATA = "is not in the data root"
NO_BFLOAT16 = "this processor does not compute convolutions in bfloat16"


def pytest_addoption(parser):
    parser.addoption(
        "--no-skips",
        action="store_true",
        help="fail a test that would be skipped, but for want of data where DENOISE_DATA is not set",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    return _unforgiving((yield), item.config)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    return _unforgiving((yield), collector.config)  # a whole file, for want of an optional package


def _unforgiving(report, config):
    """With --no-skips a skip is a failure, but for want of data that nobody said were there, or of the processor."""
    said = str(report.longrepr)
    wanting = (NO_DATA in said and "DENOISE_DATA" not in os.environ) or (NO_BFLOAT16 in said and not _has_bfloat16())
    if report.skipped and config.getoption("--no-skips") and not wanting:
        report.outcome = "failed"
        report.longrepr = f"skipped although nothing may be skipped here: {report.longrepr}"
    return report


def _has_bfloat16():
    return torch.ops.mkldnn._is_mkldnn_bf16_supported()


@pytest.fixture(scope="session")
def bfloat16():
    """Skips the test if oneDNN cannot compute convolutions in bfloat16 here: AVX2 does not suffice."""
    if not _has_bfloat16():
        pytest.skip(NO_BFLOAT16)


@pytest.fixture
def data_root():
    """The folder that may hold the real data."""
    return Path(os.environ.get("DENOISE_DATA", "no-data-root-was-given"))


@pytest.fixture
def real(data_root):
    """A function that returns the data root where the named dataset is in it and skips the test where it is not."""

    def find(dataset):
        if not datasets.present(dataset, data_root):
            pytest.skip(f"{dataset} {NO_DATA} ({data_root}); set DENOISE_DATA")
        return data_root

    return find


@pytest.fixture
def locked(monkeypatch):
    """A function that lets no folder of a name be read, which root could read otherwise."""

    def lock(name):
        scandir = os.scandir

        def denied(path):
            if os.path.basename(path) == name:
                raise PermissionError(13, "Permission denied", str(path))
            return scandir(path)

        monkeypatch.setattr(os, "scandir", denied)

    return lock


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


@pytest.fixture(scope="session")
def done(tmp_path_factory):
    """A finished grid on letters; made with as many threads as those that it is held against."""
    out = tmp_path_factory.mktemp("grid")
    assert small_grid.bench(*small_grid.grid(out)).wait(timeout=240) == 0
    return out


@pytest.fixture(scope="session")
def results(done, tmp_path_factory):
    """The same, collected."""
    folder = tmp_path_factory.mktemp("results")
    command.main(["collect", "--out", str(done), "--results", str(folder)])
    return folder


@pytest.fixture
def copy(results, tmp_path):
    """Collected results that a test may spoil."""
    folder = tmp_path / "results"
    subprocess.run(["cp", "-r", results, folder], check=True)
    return folder


@pytest.fixture
def letters():
    return datasets.load("glyphs", "test").spread(6)


@pytest.fixture
def written(tmp_path):
    """A function that writes a user's file and returns its path."""

    def write(text, name="net.py"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


@pytest.fixture
def own_table(tmp_path):
    """A function that runs `python -m bench` on a few letters and returns its rows."""

    def run(*arguments):
        words = ["--datasets", "glyphs", "--pictures", "6", "--sigma", "0.4", "--quick", "--out", str(tmp_path / "out")]
        command.main([*words, *map(str, arguments)])
        return report.read(tmp_path / "out" / "table.csv").set_index("method")

    return run


@pytest.fixture
def refused_model(tmp_path, capsys):
    """A function that runs `python -m bench --model ...` and returns the one line with which it is refused."""

    def run(*models):
        out = tmp_path / "out"
        words = ["--datasets", "glyphs", "--pictures", "6", "--sigma", "0.4", "--methods", "noisy", "--out", str(out)]
        with pytest.raises(SystemExit) as stop:
            commandline.run(command.main, [*words, "--model", *map(str, models)])
        lines = capsys.readouterr().err.splitlines()
        assert stop.value.code == 2
        assert len(lines) == 1
        assert not out.exists()
        return lines[0]

    return run
