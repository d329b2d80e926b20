import pandas as pd
import pytest
import torch

from bench import __main__ as command
from bench import ceiling, costs, determinism, export, memory
from bench.columns import COSTS
from denoise import tutorials, weights  # noqa: F401

CPU = torch.device("cpu")


def autoencoder(decoder="nearest"):
    return {"name": "autoencoder", "decoder": decoder, "width": 4, "depth": 1}


def test_activations_count_what_convolutions_answer():
    # conv 4 and conv 4 at 8x8, conv 8 and conv 8 at 4x4, then up 4, conv 4 and conv 1 at 8x8
    assert costs.activations(weights.build(autoencoder()), (1, 8, 8)) == 64 * (4 + 4) + 16 * (8 + 8) + 64 * (4 + 4 + 1)


def test_peak_memory_grows_with_the_batch():
    small, large = (memory.peak_bytes(autoencoder(), (1, 28, 28), batch, CPU) for batch in (32, 1024))
    if small is None:
        pytest.skip("peak memory of a process can be read on Linux alone")
    assert large > small + 4 * 4 * 28 * 28 * 512  # one feature map of half the larger batch, at least


def test_a_backward_pass_is_deterministic_on_the_processor():
    assert determinism.backward(weights.build(autoencoder()), CPU) == {
        "deterministic": "yes",
        "deterministic_mode": "yes",
    }
    assert not torch.are_deterministic_algorithms_enabled()


def test_what_the_deterministic_mode_refuses_is_told():
    found = determinism.backward(weights.build(autoencoder("max_unpool")), CPU)
    assert found["deterministic"] == "yes"
    assert found["deterministic_mode"].startswith("refused: max_unpool")


@pytest.mark.parametrize("decoder", ["nearest", "max_unpool"])
def test_onnx_runtime_gives_an_equal_answer(decoder):
    pytest.importorskip("onnxruntime")
    found = export.compare(weights.build(autoencoder(decoder)).eval())
    assert found["onnx"] == "equal"
    assert found["onnx_difference"] < 1e-5
    assert found["onnxruntime"]


def test_a_network_that_cannot_be_exported_says_why():
    pytest.importorskip("onnxruntime")

    class Stubborn(torch.nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else -x  # depends on the picture: there is no one graph

    assert export.compare(Stubborn())["onnx"].startswith("not exported: ")


def test_the_machine_has_ceilings():
    rates = ceiling.rates(CPU, torch.float32)
    assert min(rates.values()) > 0


def test_a_card_is_written_for_every_arm_thread_count_and_batch(tmp_path):
    (tmp_path / "recipe.json").write_text('{"width": 4, "depth": 1, "images": 10, "batch": 8, "lr": 0.01}')
    command.main(["costs", "--results", str(tmp_path), "--rounds", "1", "--arms", "nearest", "transposed_k2"])
    frame = pd.read_csv(next(tmp_path.glob("costs-*-cpu.csv")))
    assert list(frame) == list(COSTS)
    assert set(frame.arm) == {"nearest", "transposed_k2"}
    assert set(frame.batch) == {1, 32, 128, 512}
    assert set(frame.cpu_threads) == {1, torch.get_num_threads()}
    numbers = frame[["macs", "activations", "file_bytes", "ms_p50", "images_per_s", "fraction_of_ceiling"]]
    assert (numbers > 0).all().all()
    assert (frame.ms_p90 >= frame.ms_p50).all()
