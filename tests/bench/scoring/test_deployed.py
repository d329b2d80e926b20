"""Decoders by runtime and form: quantization, the command, and the committed run."""

import numpy as np
import pandas as pd
import pytest
import torch

from bench import __main__ as bench
from bench.paths import RESULTS
from bench.report import deploy_tables
from bench.report.results import Results
from bench.schema import DEPLOY
from bench.scoring import deployed
from bench.tables_io.frames import read_csv
from denoise.graph import deploy
from denoise.inference import engine, onnx_export

pytest.importorskip("onnxruntime")

SHAPE = (1, 28, 28)


@pytest.mark.slow
def test_a_quantized_network_has_nearly_the_same_output_from_weights_of_8_bits(tmp_path):
    import onnx
    import onnxruntime

    network = deploy.in_form(
        engine.load("mnist-nearest", "cpu", "float32").network, deploy.CONVOLUTIONS
    )
    exact, rounded = tmp_path / "exact.onnx", tmp_path / "rounded.onnx"
    onnx_export.any_batch(network, exact, SHAPE)
    pictures = np.random.default_rng(0).random((64, *SHAPE), np.float32)
    deployed.quantize(exact, rounded, [pictures])
    kinds = {
        tensor.data_type
        for tensor in onnx.load(rounded).graph.initializer
        if np.prod(tensor.dims) > 1_000
    }
    assert kinds == {onnx.TensorProto.INT8}
    session = onnxruntime.InferenceSession(rounded, providers=["CPUExecutionProvider"])
    output = torch.from_numpy(session.run(None, {"noisy": pictures})[0])
    with torch.inference_mode():
        difference = (output - network(torch.from_numpy(pictures))).abs()
    assert 0 < difference.mean() < 0.02


@pytest.mark.slow
def test_every_runtime_and_form_is_timed_and_int8_has_nearly_the_score_of_the_network(
    real, monkeypatch
):
    pytest.importorskip("openvino")
    monkeypatch.setattr(deployed, "HELD_OUT", 50)
    monkeypatch.setattr(deployed, "SEEN", 50)
    networks = {
        arm: engine.load(f"mnist-{arm}", "cpu", "float32").network
        for arm in ("nearest", "transposed_k3")
    }
    rows = list(deployed.rows(networks, "mnist", True, real("mnist"), rounds=1))
    assert len(rows) == 2 * 4 * 2 * len(deployed.BATCHES)
    for row in rows:
        exact = row["runtime"] != deployed.INT8
        assert exact or abs(row["change_db"]) < 0.5
        assert row["images_per_s"] > 0
        whole = row["form"] == deploy.CONVOLUTIONS
        expected = row["layers"] if whole and not exact else 0
        assert row["layers_int8"] == expected or not exact  # in the fused form, a part
    fused = [row for row in rows if row["runtime"] == deployed.INT8 and row["form"] == deploy.FUSED]
    assert all(row["layers_int8"] == row["layers"] - 2 for row in fused)  # two upsampling stages


def test_the_command_writes_a_row_for_each_runtime_form_and_batch(monkeypatch, tmp_path, capsys):
    known = {"dataset": "mnist", "clipped": True, "layers": 8, "pictures": 9, "rounds": 1}
    known |= {"calls": 1, "ms_p50": 1.0, "ms_p90": 1.0, "images_per_s": 9.0, "batch": 128}
    rows = [
        known | {"arm": "nearest", "runtime": runtime, "form": form, "layers_int8": 0}
        for runtime in deploy.FORMS
        for form in (deploy.FUSED, deploy.CONVOLUTIONS)
    ]
    monkeypatch.setattr(deployed, "rows", lambda *given: rows)
    committed = Results.read(RESULTS / "small")
    monkeypatch.setattr(Results, "read", lambda folder: committed)
    bench.main(["deploy", "--rounds", "1", "--results", str(tmp_path)])
    assert len(read_csv(tmp_path / "deploy.csv", DEPLOY)) == len(rows)
    assert "Upsampling nearest" in capsys.readouterr().out


def test_the_table_has_a_row_for_each_decoder_and_marks_where_the_other_form_is_faster():
    rows = [
        {"arm": arm, "runtime": runtime, "form": form, "images_per_s": 1e6 / time, "batch": 128}
        | {"layers": 8, "layers_int8": 8 if "int8" in runtime else 0, "change_db": -0.01}
        | {"pictures": 1_000, "rounds": 5, "cpu": "a CPU", "cpu_threads": 2}
        for arm in ("nearest", "transposed_k3")
        for runtime, chosen in deploy.FORMS.items()
        for form, time in ((deploy.FUSED, 50), (deploy.CONVOLUTIONS, 40))
    ]
    said = deploy_tables.text(pd.DataFrame(rows))
    assert said.count("8 of 8") == 2
    assert said.count("40* ") == 2 * 3  # every runtime but the one whose choice is convolutions
    assert "-0.010" in said
