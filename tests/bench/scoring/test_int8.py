"""8-bit integer inference: the quantized network, and the README's sentences about its scores."""

import numpy as np
import pytest
import torch

from bench import __main__ as bench
from bench.paths import RESULTS
from bench.schema import INT8
from bench.scoring import int8
from bench.tables_io.frames import read_csv
from denoise.graph.fusion import fuse
from denoise.inference import engine, onnx_export

pytest.importorskip("onnxruntime")


@pytest.mark.slow
def test_a_quantized_network_has_nearly_the_same_output_from_weights_of_8_bits(tmp_path):
    import onnx
    import onnxruntime

    network = fuse(engine.load("mnist-nearest", "cpu", "float32").network)
    exact, rounded = tmp_path / "exact.onnx", tmp_path / "rounded.onnx"
    onnx_export.any_batch(network, exact, int8.SHAPE)
    pictures = np.random.default_rng(0).random((64, *int8.SHAPE), np.float32)
    int8.quantize(exact, rounded, [pictures])
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
def test_the_command_writes_a_row_a_network_and_level(real, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(int8, "NETWORKS", ("mnist-nearest",))
    monkeypatch.setattr(int8, "SIGMAS", (0.4,))
    monkeypatch.setattr(int8, "HELD_OUT", 50)
    bench.main(["int8", "--data-root", str(real("mnist")), "--out", str(tmp_path)])
    row = read_csv(tmp_path / "int8.csv", INT8).iloc[0]
    assert row.pictures == 50
    assert row.change_db == pytest.approx(row.psnr_int8_db - row.psnr_float32_db, abs=1e-3)
    assert abs(row.change_db) < 0.5
    assert "`mnist-nearest`" in capsys.readouterr().out


def test_the_committed_run_is_why_the_engine_does_not_take_it():
    frame = read_csv(RESULTS / "int8.csv", INT8)
    assert set(frame.network) == set(int8.NETWORKS)
    assert (frame.groupby("network").change_db.min() < -0.01).all()
