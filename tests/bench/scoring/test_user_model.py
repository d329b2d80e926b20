"""Scores of a user's own network, by `--model`."""

import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from own_models import CPU, psnr_of
from torch import nn

from bench.report import benchmark_table, pages
from bench.scoring import methods, quality, user_model
from denoise import datasets
from denoise.models import weights

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "my_net.py"
HEAD = "import torch\nfrom torch import nn\n"
BROKEN = f"""{HEAD}
class Net(nn.Module):
    def __init__(self, every):
        super().__init__()
        self.gain, self.every = nn.Parameter(torch.ones(1)), every

    def forward(self, x):
        x = x.clone() * self.gain
        if len(x) > 1:  # a single image, as in a trial run, stays valid
            x[:: self.every, 0, 0, 0] = VALUE
        return x


def build():
    return Net(2)
"""


@pytest.mark.slow
def test_a_users_network_has_a_row_with_costs_and_intervals(own_table):
    rows = own_table("--methods", "mnist-nearest", "--model", f"{EXAMPLE}:build")
    row = rows.loc["my_net"]
    assert rows.index.tolist() == ["mnist-nearest", "my_net"]
    assert (row.status, row.parameters, row.macs) == ("ok", 0, 25 * 28 * 28)
    same = [
        "psnr_db",
        "psnr_ci95_db",
        "ssim",
        "ssim_ci95",
        "cpu_ms_p50",
        "cpu_ms_p90",
        "cpu_images_per_s",
        "batch",
    ]
    assert row[same].notna().all()
    assert row.weights_sha256 == user_model.checksum(
        user_model.load(f"{EXAMPLE}:build").network.network
    )
    assert row[["trained_on", "decoder"]].isna().all()


def test_a_shipped_network_as_a_users_network_has_the_same_scores(written, letters):
    path = written(
        "import denoise\n\n\ndef build():\n    return denoise.load('mnist-nearest', "
        "device='cpu').network\n"
    )
    (shipped,) = methods.find(["mnist-nearest"])
    brought = user_model.load(f"{path}:build")
    assert brought.costs((1, 28, 28)) == shipped.costs((1, 28, 28))
    assert (psnr_of(brought, letters) == psnr_of(shipped, letters)).all()


def test_a_network_runs_in_evaluation_mode_without_gradients_in_channels_last(written, letters):
    path = written(f"""{HEAD}
class Net(nn.Module):
    def forward(self, x):
        assert not self.training and torch.is_inference_mode_enabled()
        assert x.is_contiguous(memory_format=torch.channels_last)
        return x

def build():
    return Net().train()
""")
    assert len(psnr_of(user_model.load(f"{path}:build"), letters)) == 6


def test_several_networks_get_names_of_their_own(own_table, written):
    path = written(
        f"{HEAD}\ndef one():\n    return nn.Identity()\n\ndef two():\n    return nn.Sigmoid()\n"
    )
    rows = own_table(
        "--methods",
        "noisy",
        "--model",
        f"first={path}:one",
        f"{path}:two",
        "--model",
        f"{EXAMPLE}:build",
    )
    assert rows.index.tolist() == ["noisy", "first", "net", "my_net"]
    assert rows.psnr_db["first"] == rows.psnr_db["noisy"]


def test_two_networks_of_one_name_are_refused_with_the_way_out(refused_model):
    said = refused_model(f"{EXAMPLE}:build", f"{EXAMPLE}:build")
    assert "two methods have one name: my_net" in said
    assert "--model NAME=FILE" in said


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "is empty"),
        (".", "begins with a dot"),
        ("a\nb", "control character"),
        ("x" * 256, "long"),
    ],
)
def test_a_name_that_no_file_can_have_is_refused(written, name, why):
    with pytest.raises(ValueError, match=f"the name of a --model: '.*{why}.*; valid: "):
        user_model.load(f"{name}={written(NET.format('return x'))}:build")


def test_a_file_may_import_a_file_beside_it(written, letters):
    written("from torch import nn\nLayer = nn.Identity\n", "layer_beside_it.py")
    path = written("from layer_beside_it import Layer\n\n\ndef build():\n    return Layer()\n")
    before = list(sys.path)
    try:
        assert len(psnr_of(user_model.load(f"{path}:build"), letters)) == 6
    finally:
        sys.path[:] = before


def test_the_checksum_tells_weights_apart():
    layer = nn.Conv2d(1, 1, 3)
    before = user_model.checksum(layer)
    assert user_model.checksum(layer) == before
    with torch.no_grad():
        layer.bias += 1
    assert user_model.checksum(layer) != before


@pytest.mark.parametrize("value", ["float('nan')", "float('inf')"])
def test_a_network_with_one_estimate_that_is_not_finite_is_invalid_and_never_averaged(
    own_table, written, capsys, value
):
    rows = own_table(
        "--methods", "noisy", "--model", f"{written(BROKEN.replace('VALUE', value))}:build"
    )
    broken = rows.loc["net"]
    assert broken.status == "invalid: 3 of 6 estimates are not finite"
    assert broken[["psnr_db", "psnr_ci95_db", "ssim", "ssim_ci95"]].isna().all()
    assert broken[["parameters", "cpu_ms_p50"]].notna().all()
    assert rows.loc["noisy"].status == "ok"
    printed = capsys.readouterr().out.splitlines()
    cells = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in printed if line.startswith("|")
    ]
    methods_shown = [line[0] for line in cells[:4]]
    assert methods_shown[2:] == ["Noisy input", "net"]  # the invalid one last
    assert cells[3][1] == "invalid"
    assert "net at sigma 0.4: invalid: 3 of 6 estimates are not finite." in printed


def test_a_method_with_an_invalid_level_is_last():
    columns = dict.fromkeys(
        ("parameters", "macs", "cpu_ms_p50", "cpu_images_per_s", "gpu_ms_p50", "gpu_images_per_s")
    )
    rows = [
        ("good", 0.1, 20.0, "ok"),
        ("good", 0.4, 10.0, "ok"),
        ("broken", 0.1, 30.0, "ok"),
        ("broken", 0.4, float("nan"), "invalid: 1 of 6 estimates are not finite"),
    ]
    frame = pd.DataFrame(rows, columns=["method", "sigma", "psnr_db", "status"])
    frame = frame.assign(dataset="glyphs", label=frame.method, **columns).astype(
        dict.fromkeys(columns, float)
    )
    table = benchmark_table.wide(frame, "glyphs")
    assert table.Method.tolist() == ["good", "broken"]
    assert table["0.4"].tolist() == [10.0, "invalid"]


def test_a_table_from_before_there_was_a_status_says_ok(tmp_path):
    old = benchmark_table.read(benchmark_table.RESULTS / "table.csv").drop(columns="status")
    old.to_csv(tmp_path / "table.csv", index=False)
    assert set(benchmark_table.read(tmp_path / "table.csv").status) == {"ok"}


NET = (
    "class Net(nn.Module):\n    def forward(self, x):\n        {}\n\ndef build():\n    return "
    "Net()\n"
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def build(:\n", "net.py (line 3): the file raised SyntaxError"),
        (
            "import no_such_package\n",
            "net.py (line 3): the file raised ModuleNotFoundError: No module named",
        ),
        ("raise SystemExit(1)\n", "net.py (line 3): the file raised SystemExit: 1"),
        (
            "def biuld():\n    pass\n",
            "net.py: unknown function 'build' (did you mean 'biuld'?); valid: biuld",
        ),
        ("build = 3\n", "net.py: unknown function 'build'; valid: none"),
        (
            "def build():\n    return 1 / 0\n",
            "net.py (line 4): build() raised ZeroDivisionError: division by zero",
        ),
        (
            "def build(width):\n    pass\n",
            "net.py: build() raised TypeError: build() missing 1 required",
        ),
        (
            "def build():\n    return torch.ones(3)\n",
            "net.py: build() returned a Tensor, not a torch.nn.Module",
        ),
        (
            "def build():\n    return nn.Conv2d\n",
            "net.py: build() returned a type, not a torch.nn.Module",
        ),
        (
            NET.format("return x[..., 1:]"),
            "given (1, 1, 28, 28), returned (1, 1, 28, 27): it must return the same",
        ),
        (
            NET.format("return x[:, 0]"),
            "given (1, 1, 28, 28), returned (1, 28, 28): it must return the same shape",
        ),
        (NET.format("return x, x"), "given (1, 1, 28, 28), returned a tuple, not a tensor"),
        (
            NET.format("raise KeyError('k')"),
            "net.py (line 5): the network, given (1, 1, 28, 28), raised KeyError: 'k'",
        ),
        (
            "def build():\n    return nn.Conv2d(3, 3, 3)\n",
            "net.py: the network, given (1, 1, 28, 28), raised RuntimeE",
        ),
    ],
)
def test_an_error_in_the_file_is_one_line(refused_model, written, text, said):
    assert said in refused_model(f"{written(HEAD + text)}:build")


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("nowhere.py:build", "error: nowhere.py: no such file"),
        ("nowhere.onnx", "error: nowhere.onnx: no such file"),
        ("my_net.py", "--model is my_net.py; valid: FILE.py:FUNCTION or FILE.onnx"),
        ("my_net.pt", "--model is my_net.pt; valid: FILE.py:FUNCTION or FILE.onnx"),
        ("net.onnx:build", "--model is net.onnx:build; valid: FILE.py:FUNCTION or FILE.onnx"),
    ],
)
def test_an_option_that_names_no_network_is_refused_with_the_valid_forms(
    refused_model, model, said
):
    assert said in refused_model(model)


def test_the_page_shows_the_row_that_its_example_prints(real):
    text = (pages.ROOT / "docs" / "benchmark.md").read_text()
    row = next(line for line in text.splitlines() if line.startswith("| my_net"))
    label, easy, hard, parameters, macs = [cell.strip() for cell in row.split("|")[1:6]]
    pictures = datasets.load("mnist", "test", real("mnist")).spread(200)
    method = user_model.load(f"{EXAMPLE}:build")
    denoisers = {"my_net": method.build(pictures, CPU)}
    levels = [quality.Corruption("gaussian", sigma, clip=True) for sigma in (0.2, 0.4)]
    scores = [quality.score(denoisers, pictures, level).psnr_db.mean() for level in levels]
    assert label == "my_net"
    assert [float(easy), float(hard)] == pytest.approx(scores, abs=0.01)
    counted = method.costs((1, 28, 28))
    assert (parameters, macs) == (str(counted["parameters"]), f"{counted['macs'] / 1e6:.2f}")


# ONNX


def test_a_users_network_does_not_join_the_shipped_weights():
    assert [method.name for method in methods.find(own=[user_model.load(f"{EXAMPLE}:build")])][
        -1
    ] == "my_net"
    assert "my_net" not in weights.names()
