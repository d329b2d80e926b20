import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from bench import __main__ as command
from bench import counters, provenance
from bench.costs import determinism, memory, onnx_check
from bench.report import cost_tables, pages, results
from bench.schema import METHODS
from bench.speed import roofline
from bench.sweep import collect
from denoise import cli
from denoise.inference.onnx_export import any_batch
from denoise.models import weights

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")
EXAMPLE = Path(__file__).parents[3] / "examples" / "my_net.py"


def autoencoder(decoder="nearest"):
    return {"name": "autoencoder", "decoder": decoder, "width": 4, "depth": 1}


def test_activations_count_the_outputs_of_convolutions():
    # conv 4 and conv 4 at 8x8, conv 8 and conv 8 at 4x4, then up 4, conv 4 and conv 1 at 8x8
    assert counters.activations(weights.build(autoencoder()), (1, 8, 8)) == 64 * (4 + 4) + 16 * (
        8 + 8
    ) + 64 * (4 + 4 + 1)


def test_convolutions_and_matrix_products_count_in_functions_as_in_layers():
    class Called(nn.Module):
        def forward(self, x):
            return torch.nn.functional.conv2d(x, torch.ones(3, 1, 1, 1)).flatten(1) @ torch.ones(
                192, 5
            )

    assert counters.activations(Called(), (1, 8, 8)) == 3 * 64 + 5


def test_a_file_holds_a_shared_tensor_once():
    one, two = nn.Linear(64, 64), nn.Linear(64, 64)
    apart = counters.file_bytes(nn.Sequential(one, two))
    two.weight = one.weight
    assert apart - counters.file_bytes(nn.Sequential(one, two)) == pytest.approx(
        64 * 64 * 4, abs=200
    )


def peaks(sources, batch):
    found = memory.peak_bytes(sources, (1, 28, 28), batch, CPU)
    if None in found.values():
        pytest.skip("peak memory of a process can be measured only on Linux")
    return found


def test_peak_memory_grows_with_the_batch():
    small, large = (peaks({"it": autoencoder()}, batch)["it"] for batch in (32, 1024))
    # at least one feature map of half the larger batch
    assert large > small + 4 * 4 * 28 * 28 * 512


def test_twins_have_the_same_peak_memory():
    first, second = peaks(
        {name: autoencoder(name) for name in ("pixel_shuffle", "pixel_shuffle_icnr")}, 256
    ).values()
    assert first == pytest.approx(second, abs=500_000)


def test_a_network_that_fails_in_the_measurement_of_memory_is_one_line(tmp_path):
    file = tmp_path / "net.py"
    file.write_text("def build():\n    return 3\n")
    with pytest.raises(
        ValueError,
        match=r"^peak memory cannot be measured: .*returned a int, not a torch.nn.Module$",
    ):
        peaks({"it": f"{file}:build"}, 2)


def test_training_is_timed_for_any_network_with_gradients():
    networks = {"arm": weights.build(autoencoder()), "own": nn.Conv2d(1, 1, 3, padding=1)}
    rates = counters.training_rates(networks, (1, 8, 8), 2, CPU)
    assert set(rates) == {"arm", "own"}
    assert min(rates.values()) > 0


def test_importing_the_benchmark_leaves_the_environment_alone():
    code = (
        "import os, bench.costs.determinism, bench.commands.costs; "
        "print('CUBLAS_WORKSPACE_CONFIG' in os.environ)"
    )
    clean = {name: value for name, value in os.environ.items() if name != "CUBLAS_WORKSPACE_CONFIG"}
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=clean
    )
    assert said.stdout.strip() == "False"


def test_tf32_is_no_matter_of_the_processor():
    assert provenance.tf32(CPU) is None


def test_a_backward_pass_is_deterministic_on_the_processor():
    assert determinism.backward(weights.build(autoencoder()), CPU) == {
        "deterministic": "yes",
        "deterministic_mode": "yes",
    }
    assert not torch.are_deterministic_algorithms_enabled()


def test_an_operation_that_the_deterministic_mode_refuses_is_named():
    found = determinism.backward(weights.build(autoencoder("max_unpool")), CPU)
    assert found["deterministic"] == "yes"
    assert found["deterministic_mode"].startswith("refused: max_unpool")


def test_chance_in_a_network_is_not_taken_for_nondeterminism():
    network = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.Dropout(0.5))
    assert determinism.backward(network, CPU) == {
        "deterministic": "yes",
        "deterministic_mode": "yes",
    }


def test_a_network_without_parameters_has_no_gradients_to_compare():
    assert determinism.backward(nn.Identity(), CPU) == {}


@pytest.mark.parametrize("decoder", ["nearest", "max_unpool"])
def test_onnx_runtime_gives_an_equal_output(decoder):
    pytest.importorskip("onnxruntime")
    found = onnx_check.compare(weights.build(autoencoder(decoder)).eval())
    assert found["onnx"] == "equal"
    assert found["onnx_difference"] < 1e-5
    assert found["onnxruntime"]


def test_a_network_that_cannot_be_exported_says_why():
    pytest.importorskip("onnxruntime")

    class Stubborn(torch.nn.Module):
        def forward(self, x):
            # the branch depends on the input: there is no single graph
            return x if x.sum() > 0 else -x

    assert onnx_check.compare(Stubborn())["onnx"].startswith("not exported: ")


def test_the_machine_has_ceilings():
    rates = roofline.rates(CPU, torch.float32)
    assert min(rates.values()) > 0


@pytest.fixture(scope="module")
def card(tmp_path_factory):
    """Return a card's rows: two arms, two user's networks and, if ONNX is installed, a model."""
    folder = tmp_path_factory.mktemp("results")
    (folder / "recipe.json").write_text(RECIPE)
    brought = [f"{EXAMPLE}:build", f"dense={_written(folder)}:build"]
    if "onnx" in _extras():
        any_batch(weights.build(autoencoder()), folder / "theirs.onnx")
        brought.append(str(folder / "theirs.onnx"))
    words = [
        "costs",
        "--results",
        str(folder),
        "--rounds",
        "1",
        "--arms",
        "nearest",
        "transposed_k2",
    ]
    command.main([*words, "--model", *brought])
    return collect.read_costs(next(folder.glob("costs-*-cpu.csv")))


RECIPE = '{"width": 4, "depth": 1, "images": 10, "batch": 8, "lr": 0.01}'


def _extras():
    return {
        name for name in ("onnx", "onnxscript", "onnxruntime") if importlib.util.find_spec(name)
    }


def _written(folder):
    file = folder / "dense.py"
    layers = "nn.Flatten(), nn.Linear(784, 4), nn.Linear(4, 784), nn.Unflatten(1, (1, 28, 28))"
    file.write_text(f"from torch import nn\n\n\ndef build():\n    return nn.Sequential({layers})\n")
    return file


def test_a_card_is_written_for_every_arm_thread_count_and_batch(card):
    arms = card[card.budgets.notna()]
    assert set(arms.arm) == {"nearest", "transposed_k2"}
    assert set(arms.batch) == {1, 32, 128, 512}
    assert set(arms.cpu_threads) == {1, torch.get_num_threads()}
    numbers = arms[
        ["macs", "activations", "file_bytes", "train_images_per_s", "ms_p50", "fraction_of_ceiling"]
    ]
    assert (numbers > 0).all().all()
    assert (card.ms_p90 >= card.ms_p50).all()
    assert card.calls.min() >= 5


def test_a_users_network_has_the_card_of_an_arm(card):
    row = card[(card.arm == "dense") & (card.batch == 128)].iloc[0]
    arm = card[(card.arm == "nearest") & (card.batch == 128)].iloc[0]
    assert set(row[row.notna()].index) == set(arm[arm.notna()].index) - {"widths", "budgets"}
    assert (row.parameters, row.macs, row.activations) == (2 * 784 * 4 + 788, 2 * 784 * 4, 788)


def test_a_network_without_parameters_has_all_of_it_but_gradients(card):
    row = card[(card.arm == "my_net") & (card.batch == 1)].iloc[0]
    assert (row.parameters, row.macs, row.activations) == (0, 25 * 784, 784)
    assert row[["ms_p50", "peak_bytes", "file_bytes"]].notna().all()
    assert (
        row[["deterministic", "deterministic_mode", "train_images_per_s", "train_batch"]]
        .isna()
        .all()
    )


def test_of_an_onnx_model_its_times_and_counts_are_measured(card):
    if "onnx" not in _extras():
        pytest.skip("onnx is not installed")
    row = card[(card.arm == "theirs") & (card.batch == 32)].iloc[0]
    assert (
        row[["parameters", "macs", "file_bytes", "ms_p50", "calls", "fraction_of_ceiling"]]
        .notna()
        .all()
    )
    assert (
        row[["activations", "peak_bytes", "onnx", "deterministic", "train_images_per_s"]]
        .isna()
        .all()
    )
    assert row.compile_mode.startswith("ONNX Runtime ")


def test_the_table_of_costs_shows_users_networks_and_no_nan(card):
    unmeasured = card.assign(onnx=None, onnxruntime=None)
    for rows in (card, unmeasured):
        found = list(cost_tables.costs(rows))
        assert {table.title.split(", ")[-1] for table in found} == {
            "equal channels", "equal MACs", "equal deployed MACs"
        }  # fmt: skip
        for table in found:
            assert {"Upsampling nearest + conv 3x3", "my_net", "dense"} <= set(table.cells.Method)
            assert "nan" not in f"{table.note} {table.cells.to_string()}".lower()


def test_the_page_shows_what_the_card_says_of_its_example(card):
    page = (pages.ROOT / "docs" / "benchmark.md").read_text()
    shown = [line for line in page.splitlines() if line.startswith("| my_net")][-1]
    table = next(cost_tables.costs(card)).cells.set_index("Method").loc["my_net"]
    columns = [
        "Parameters",
        "M MACs",
        "Activations",
        "Peak MB",
        "File kB",
        "Deterministic (mode)",
        "ONNX",
    ]
    told = dict(zip(columns, [cell.strip() for cell in shown.split("|")[2:-1]], strict=True))
    peak = told.pop("Peak MB")
    assert float(peak) > 0  # the kernels of a processor decide the memory use
    if _extras() < {"onnx", "onnxscript", "onnxruntime"}:
        told.pop("ONNX")
    assert {name: table[name] for name in told} == told


def test_the_costs_of_two_machines_stand_side_by_side(card):
    arms = card[card.budgets.notna()].drop_duplicates(["arm", "widths"])
    methods = arms[["arm", "widths", "budgets", "parameters", "macs"]].reindex(
        columns=list(METHODS)
    )
    cards = [card, card.assign(cpu="Another"), card.assign(gpu="A GPU", device="cuda")]
    times = [name for name in results.named_costs(methods, cards) if name.startswith("µs")]
    assert len(times) == 3
    assert times[1].startswith("µs per image, batch 128 (Another, ")
    assert times[2] == "µs per image, batch 128 (A GPU)"


def written(frame, folder):
    (folder / "recipe.json").write_text(RECIPE)
    path = folder / f"costs-{provenance.slug(CPU)}.csv"
    frame.to_csv(path, index=False)
    return path


def refused(capsys, folder, *words):
    with pytest.raises(SystemExit) as stop:
        cli.run(command.main, ["costs", "--results", str(folder), *words])
    assert stop.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    return lines[0]


def test_a_card_with_more_arms_is_not_overwritten(card, tmp_path, capsys):
    path = written(card, tmp_path)
    before = path.read_bytes()
    said = refused(capsys, tmp_path, "--arms", "transposed_k2")
    assert "holds 1 arms that this run does not measure, for example nearest 4" in said
    assert path.read_bytes() == before


def test_a_card_that_was_cut_at_the_end_of_a_row_is_named(card, tmp_path, capsys):
    written(card[:-1], tmp_path)
    said = refused(capsys, tmp_path, "--arms", "nearest", "transposed_k2")
    assert "has missing or repeated rows: the file is truncated" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["--model", f"nearest={EXAMPLE}:build"],
            "two networks are named nearest; rename yours with --model",
        ),
        (["--model", f"{EXAMPLE}:build", f"{EXAMPLE}:build"], "two networks are named my_net"),
        (["--model", "nowhere.py:build"], "nowhere.py: no such file"),
        (["--rounds", "0"], "--rounds is 0; it must be at least 1"),
    ],
)
def test_an_invalid_network_gets_one_line_and_no_card(tmp_path, capsys, words, said):
    (tmp_path / "recipe.json").write_text(RECIPE)
    assert said in refused(capsys, tmp_path, "--arms", "nearest", *words)
    assert not list(tmp_path.glob("costs-*"))
