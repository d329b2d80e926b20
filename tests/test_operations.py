"""What each operation of a training step takes, counted on the step itself."""

import pandas as pd
import pytest
import torch
from torch import nn

from bench import operations
from bench.__main__ import main
from bench.columns import OPERATIONS
from bench.operations import Meter
from bench.systems import NETWORKS


@pytest.fixture(scope="module")
def k1(tmp_path_factory, bfloat16):
    folder = tmp_path_factory.mktemp("operations")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(operations, "STEPS", 2)
        patch.setattr("bench.commands.operations.NETWORKS", {"K1": NETWORKS["K1"]})
        main(["operations", "--out", str(folder)])
    (file,) = folder.glob("*.csv")
    return pd.read_csv(file)


def test_bytes_and_products_of_a_convolution_are_counted_forward_and_backward():
    conv, x = nn.Conv2d(3, 8, 3, padding=1), torch.rand(2, 3, 10, 12, requires_grad=True)
    with Meter() as meter:
        conv(x).sum().backward()
    by_name = {operation["operation"]: operation for operation in meter.found}
    forward, backward = by_name["convolution"], by_name["convolution_backward"]
    given, made, weight = 2 * 3 * 10 * 12, 2 * 8 * 10 * 12, 8 * 3 * 9
    assert forward["macs"] == made * 3 * 9
    assert forward["bytes"] == 4 * (given + made + weight + 8)
    assert backward["macs"] == 2 * made * 3 * 9  # of the picture and of the weight
    assert backward["bytes"] == 4 * (made + given + weight + given + weight + 8)
    assert forward["shapes"] == "2x3x10x12 8x3x3x3 8"


def test_views_are_no_operations_and_what_is_written_in_place_is():
    x = torch.rand(4, 6)
    with Meter() as meter:
        x.view(6, 4).t()[1:].relu_()
    assert [operation["operation"] for operation in meter.found] == ["relu_"]


def test_a_run_has_every_operation_of_a_step_and_the_optimiser(k1):
    assert list(k1) == list(OPERATIONS)
    expected = {
        "mkldnn_convolution",
        "mkldnn_max_pool2d",
        "_convolution_pointwise",
        "convolution_backward",
        "_fused_adam_",
    }
    assert expected <= set(k1.operation)
    assert (k1.us > 0).all()
    assert (k1.number == range(len(k1))).all()
    least = 128 * 4.5e6 * 2.5  # K1's products, and about twice as many for the gradients: none for the picture's
    assert k1.macs.sum() > least


def test_what_the_machine_could_do_at_best_is_the_longer_of_products_and_bytes():
    frame = pd.DataFrame({"macs": [3e9, 0], "bytes": [1e6, 1e6], "ceiling_conv_tmacs": 1.5, "ceiling_copy_gb_s": 10.0})
    assert operations.bound(frame).tolist() == [2000, 100]


def test_the_text_says_which_limit_it_is(k1):
    said = operations.text(k1.assign(ceiling_copy_gb_s=1e-3))
    assert "whichever takes longer" in said
    assert "memory is the limit" in said
    assert "products are the limit" in operations.text(k1.assign(ceiling_copy_gb_s=1e6))
