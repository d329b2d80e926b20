"""Restoring of process settings that a user's code may change."""

import os
import sys
import warnings

import numpy as np
import pytest
import torch

from bench.process_state import SETTINGS, _read, kept

CHANGES = {
    "default dtype": lambda: torch.set_default_dtype(torch.float64),
    "default device": lambda: torch.set_default_device("meta"),
    "threads": lambda: torch.set_num_threads(torch.get_num_threads() + 1),
    "gradients": lambda: torch.set_grad_enabled(False),
    "deterministic": lambda: torch.use_deterministic_algorithms(True),
    "anomalies": lambda: torch.autograd.set_detect_anomaly(True),
    "autocast": lambda: torch.set_autocast_enabled("cpu", True),
    "denormals": lambda: torch.set_flush_denormal(True),
    "matrix products": lambda: torch.set_float32_matmul_precision("medium"),
    "convolutions": lambda: setattr(
        torch.backends.cudnn, "allow_tf32", not torch.backends.cudnn.allow_tf32
    ),
    "cudnn": lambda: setattr(torch.backends.cudnn, "benchmark", True),
    "oneDNN": lambda: setattr(torch.backends.mkldnn, "enabled", False),
    "numpy": lambda: np.seterr(all="raise"),
    "warnings": lambda: warnings.simplefilter("error"),
    "folder": lambda: os.chdir("/"),
}


def settings():
    return [_read(read) for read, _ in SETTINGS]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("fails", [False, True])
def test_changed_settings_are_restored_with_and_without_an_error(change, fails):
    before = settings()
    try:
        with kept():
            CHANGES[change]()
            assert settings() != before
            if fails:
                raise ZeroDivisionError
    except ZeroDivisionError:
        assert fails
    assert settings() == before


def test_a_default_device_that_the_caller_set_stays():
    try:
        torch.set_default_device("meta")
        with kept():
            torch.set_default_device("cpu")
        assert torch.empty(1).device.type == "meta"
    finally:
        torch.set_default_device(None)


def test_printed_text_is_not_among_the_results(capsys):
    with kept():
        print("loading my network")
        sys.stdout.write("done\n")
    assert capsys.readouterr() == ("", "loading my network\ndone\n")
