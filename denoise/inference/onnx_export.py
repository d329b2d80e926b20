"""Export of a network as an ONNX file, for runtimes without PyTorch.

References
----------
https://docs.pytorch.org/docs/stable/onnx_export.html
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim

from denoise.models.base import AnySize


class _Fitted(nn.Module):
    """Network without its padding, for the sizes that it maps to themselves."""

    def __init__(self, network: AnySize) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return self.network.bounded(self.network.net(x))


def any_batch(network: nn.Module, target: Path, shape: tuple[int, int, int] = (1, 28, 28)) -> None:
    """Write `network` for any N and one (C, H, W), padding included.

    The input and the output are (N, C, H, W).

    Raises
    ------
    ValueError
        The packages of the extra `onnx` are missing, or the network cannot be exported.
    """
    _write(network, target, torch.zeros(2, *shape), {0: Dim("batch")})


def any_size(network: AnySize, target: Path, channels: int = 1) -> None:
    """Write `network` for all H and W that are multiples of `network.multiple`.

    The input and the output are (1, C, H, W).

    The input is a noisy float32 image in about [0, 1], the output is the estimate in [0, 1]. The
    runtime must pad an image as `AnySize` does. Raise the errors of `any_batch`, and ValueError for
    a network that takes other sizes.
    """
    unit = network.multiple
    if network.remainder or network.minimum > unit:
        raise ValueError(f"not exported: the network takes sizes other than multiples of {unit}")
    free = (
        {2: unit * Dim("rows", min=1), 3: unit * Dim("columns", min=1)}
        if unit > 1
        else {2: Dim("H"), 3: Dim("W")}
    )
    _write(_Fitted(network), target, torch.zeros(1, channels, 8 * unit, 9 * unit), free)


def _write(network: nn.Module, target: Path, example: Tensor, free: dict[int, Any]) -> None:
    for package in ("onnx", "onnxscript"):
        if importlib.util.find_spec(package) is None:
            raise ValueError(f"{package} is not installed: pip install '.[onnx]'")
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)  # several packages log each of their steps
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            torch.onnx.export(
                network.eval(),
                (example,),
                target,
                dynamo=True,
                dynamic_shapes=(free,),
                input_names=["noisy"],
                output_names=["estimate"],
                external_data=False,
                verbose=False,
            )
    # the exporter raises many kinds; each means that this network cannot be exported
    except Exception as error:
        raise ValueError(
            f"not exported: {type(error).__name__}: {str(error).strip().splitlines()[0]}"
        ) from error
    finally:
        logging.disable(before)
