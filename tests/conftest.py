"""Where the tests find real data, and what a skip means where that data is."""

import os
from pathlib import Path

import pytest
import torch

from denoise import datasets


def pytest_addoption(parser):
    parser.addoption("--no-skips", action="store_true", help="fail a test that would be skipped")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.skipped and item.config.getoption("--no-skips"):
        report.outcome = "failed"
        report.longrepr = f"skipped although nothing may be skipped here: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    report = yield
    if report.skipped and collector.config.getoption("--no-skips"):  # a whole file, for want of an optional package
        report.outcome = "failed"
        report.longrepr = f"skipped although nothing may be skipped here: {report.longrepr}"
    return report


@pytest.fixture
def data_root():
    """The folder that may hold the real data."""
    return Path(os.environ.get("DENOISE_DATA", "no-data-root-was-given"))


@pytest.fixture
def real(data_root):
    """A function that returns the data root where the named dataset is in it and skips the test where it is not."""

    def find(dataset):
        if not datasets.present(dataset, data_root):
            pytest.skip(f"{dataset} is not in the data root ({data_root}); set DENOISE_DATA")
        return data_root

    return find


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)
