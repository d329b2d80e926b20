"""Scores of a user's ONNX models."""

import hashlib
import re
import sys

import pytest
import torch
from own_models import CPU, psnr_of
from torch import nn

from bench import counters
from bench.scoring import methods, user_model, user_onnx
from denoise.inference import engine

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def onnx():
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    return pytest.importorskip("onnx")


@pytest.fixture(scope="module", params=["mnist-nearest", "mnist-transposed"])
def exported(request, onnx, tmp_path_factory):
    """Return the name of a shipped network and its exported file, for any batch of 28x28 images."""
    path = tmp_path_factory.mktemp("onnx") / f"{request.param}-exported.onnx"
    _export(engine.load(request.param, device="cpu").network, path, dynamic=True)
    return request.param, path


def _export(network, path, *, dynamic=False, pictures=2, size=(28, 28)):
    batch = {0: torch.export.Dim("batch")} if dynamic else None
    x = torch.rand(pictures, 1, *size)
    options = {"dynamo": True, "dynamic_shapes": (batch,), "verbose": False}
    torch.onnx.export(network.eval(), (x,), str(path), **options)


def test_an_exported_network_has_the_scores_of_the_network(exported, letters):
    name, path = exported
    (shipped,) = methods.find([name])
    assert psnr_of(user_model.load(str(path)), letters) == pytest.approx(
        psnr_of(shipped, letters), abs=0.001
    )


def test_the_multiplications_of_an_exported_network_are_counted_as_pytorch_counts_them(exported):
    name, path = exported
    network = engine.load(name, device="cpu").network
    counted = user_model.load(str(path)).costs((1, 28, 28))
    assert counted["macs"] == counters.macs(network, (1, 28, 28))
    # normalization is folded in
    assert counted["parameters"] == pytest.approx(counters.parameters(network), rel=0.01)


def test_an_onnx_model_has_a_row_like_any_other(own_table, exported):
    _, path = exported
    row = own_table("--methods", "noisy", "--model", f"theirs={path}").loc["theirs"]
    assert row.status == "ok"
    assert (
        row[["psnr_ci95_db", "cpu_ms_p50", "cpu_images_per_s", "macs", "parameters"]].notna().all()
    )
    assert row.compile_mode.startswith("ONNX Runtime ")


def test_the_checksum_of_an_onnx_model_is_of_its_file_and_of_the_weights_beside_it(exported):
    _, path = exported
    files = [path, *sorted(path.parent.glob(f"{path.name}.*"))]
    expected = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    assert user_model.load(str(path)).weights_sha256 == expected


def test_a_model_with_a_fixed_batch_is_fed_in_pieces_and_the_last_is_filled_up(onnx, tmp_path):
    layer = nn.Conv2d(1, 1, 3, padding=1)
    _export(layer, tmp_path / "four.onnx", pictures=4)
    method = user_model.load(str(tmp_path / "four.onnx"))
    noisy = torch.rand(6, 1, 28, 28)
    estimate = method.build(None, CPU)(noisy, 0.4)
    torch.testing.assert_close(estimate, layer(noisy).detach(), rtol=1e-4, atol=1e-5)
    assert method.costs((1, 28, 28)) == {"parameters": 10, "macs": 9 * 28 * 28}


@pytest.mark.parametrize(
    "sizes",
    [(-1, 1, -1, -1), (0, 1, 0, 0), (None, 1, None, None), ("N", 1, "H", "W"), (-1, 1, 0, "")],
)
def test_a_size_that_is_not_known_may_be_written_in_any_way(onnx, tmp_path, sizes):
    proto = onnx.parser.parse_model(
        """<ir_version: 8, opset_import: ["" : 17]>
        net (float[1, 1, 1, 1] x) => (float[1, 1, 1, 1] y)
        <float[1, 1, 3, 3] w = {0, 0, 0, 0, 2, 0, 0, 0, 0}>
        { y = Conv <pads = [1, 1, 1, 1]> (x, w) }"""
    )
    for value in (proto.graph.input[0], proto.graph.output[0]):
        for dim, size in zip(value.type.tensor_type.shape.dim, sizes, strict=True):
            dim.Clear()
            if size is not None:
                setattr(dim, "dim_value" if isinstance(size, int) else "dim_param", size)
    onnx.save(proto, tmp_path / "net.onnx")
    method = user_model.load(str(tmp_path / "net.onnx"))
    for shape in ((3, 1, 28, 28), (1, 1, 20, 24)):
        noisy = torch.rand(shape)
        torch.testing.assert_close(method.build(None, CPU)(noisy, 0.4), 2 * noisy)
    assert method.costs((1, 28, 28)) == {"parameters": 9, "macs": 9 * 28 * 28}


def test_sizes_that_are_not_known_keep_weights_that_lie_beside_the_model(onnx, tmp_path):
    _export(nn.Conv2d(1, 1, 3, padding=1), tmp_path / "net.onnx", dynamic=True)
    model = onnx.load(str(tmp_path / "net.onnx"))
    for value in (model.graph.input[0], model.graph.output[0]):
        value.type.tensor_type.shape.dim[0].dim_value = 0
    onnx.save_model(
        model,
        str(tmp_path / "zero.onnx"),
        save_as_external_data=True,
        location="zero.data",
        size_threshold=0,
    )
    noisy = torch.rand(3, 1, 28, 28)
    one, other = (
        user_model.load(str(tmp_path / name)).build(None, CPU)(noisy, 0.4)
        for name in ("net.onnx", "zero.onnx")
    )
    torch.testing.assert_close(one, other)


def test_matrix_products_are_counted_too(onnx, tmp_path):
    network = nn.Sequential(
        nn.Flatten(),
        nn.Linear(784, 16),
        nn.ReLU(),
        nn.Linear(16, 784),
        nn.Unflatten(1, (1, 28, 28)),
    )
    _export(network, tmp_path / "dense.onnx", dynamic=True)
    counted = user_model.load(str(tmp_path / "dense.onnx")).costs((1, 28, 28))
    assert counted == {
        "parameters": counters.parameters(network),
        "macs": counters.macs(network, (1, 28, 28)),
    }


def test_a_model_with_operators_that_cannot_be_counted_gets_no_count_rather_than_a_wrong_one(onnx):
    proto = onnx.parser.parse_model(
        """<ir_version: 8, opset_import: ["" : 17]>
        net (float[N, 1, 28, 28] x) => (float[N, 1, 28, 28] y)
        { y = Einsum <equation = "nchw,nchw->nchw"> (x, x) }"""
    )
    assert user_onnx.macs(onnx, proto, (1, 28, 28)) is None


def test_a_model_for_other_sizes_is_refused_with_both(onnx, refused_model, tmp_path):
    _export(nn.Conv2d(1, 1, 3, padding=1), tmp_path / "wide.onnx", dynamic=True, size=(32, 48))
    assert (
        "takes images of 1x32x48 (channels x height x width); these are 1x28x28"
        in refused_model(tmp_path / "wide.onnx")
    )


def test_a_model_that_changes_the_size_is_refused(onnx, refused_model, tmp_path):
    _export(nn.Conv2d(1, 1, 3), tmp_path / "narrow.onnx", dynamic=True)
    assert (
        "given (1, 1, 28, 28), returned (1, 1, 26, 26): it must return the same shape"
        in refused_model(tmp_path / "narrow.onnx")
    )


def test_a_file_that_is_no_onnx_model_is_refused(onnx, refused_model, tmp_path):
    (tmp_path / "not.onnx").write_text("nothing")
    assert "not.onnx: ONNX Runtime cannot read it" in refused_model(tmp_path / "not.onnx")


@pytest.mark.parametrize(
    ("signature", "said"),
    [
        (
            "(float[N,1,8,8] x, float[N,1,8,8] z) => (float[N,1,8,8] y) { y = Add(x, z) }",
            "2 inputs and 1 outputs",
        ),
        ("(float[N,64] x) => (float[N,64] y) { y = Relu(x) }", "tensor(float) of 2 dimensions"),
        (
            "(double[N,1,8,8] x) => (double[N,1,8,8] y) { y = Relu(x) }",
            "tensor(double) of 4 dimensions",
        ),
    ],
)
def test_a_model_that_takes_no_images_is_refused(onnx, refused_model, tmp_path, signature, said):
    proto = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> net {signature}')
    onnx.save(proto, tmp_path / "net.onnx")
    assert said in refused_model(tmp_path / "net.onnx")


def test_without_onnx_runtime_the_error_says_how_to_install_it(
    refused_model, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    (tmp_path / "net.onnx").write_bytes(b"")
    assert re.search(
        r"net\.onnx: ONNX models need onnxruntime, .*: pip install '\.\[onnx\]'",
        refused_model(tmp_path / "net.onnx"),
    )
