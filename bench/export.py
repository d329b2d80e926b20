"""Whether a network exports to ONNX and answers the same in ONNX Runtime: measured."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import tempfile
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import nn

SHAPE = (2, 1, 28, 28)
EQUAL = 1e-4  # largest difference in [0, 1] that counts as equal: float32 in another order of summation


def onnx(network: nn.Module, target: Path) -> None:
    """Write an ONNX file whose batch size is free, by torch's exporter.

    Raises
    ------
    ValueError
        The packages of the extra `onnx` are missing, or the network cannot be exported.
    """
    for package in ("onnx", "onnxscript"):
        if importlib.util.find_spec(package) is None:
            raise ValueError(f"{package} is not installed: pip install '.[onnx]'")
    x = torch.zeros(SHAPE)
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)  # several packages tell each step of theirs
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            torch.onnx.export(
                network.eval(), (x,), target, dynamo=True, dynamic_shapes=({0: torch.export.Dim("batch")},),
                input_names=["noisy"], output_names=["estimate"], external_data=False, verbose=False,
            )  # fmt: skip
    except Exception as error:  # the exporter raises many kinds; each means that this network cannot be exported
        raise ValueError(f"not exported: {type(error).__name__}: {str(error).strip().splitlines()[0]}") from error
    finally:
        logging.disable(before)


def compare(network: nn.Module) -> dict[str, Any]:
    """Columns of the cost card: `onnx` ("equal", "differs" or why not), the largest difference, and the version."""
    try:
        import onnxruntime
    except ImportError:
        return {"onnx": "not measured: onnxruntime is not installed"}
    version = {"onnxruntime": onnxruntime.__version__}
    noisy = torch.rand(5, *SHAPE[1:], generator=torch.Generator().manual_seed(0))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        try:
            onnx(network, path)
            session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
            answer = torch.from_numpy(session.run(None, {"noisy": noisy.numpy()})[0])
        except Exception as error:
            return {"onnx": " ".join(str(error).split())[:200], **version}
    with torch.inference_mode():
        difference = (answer - network(noisy)).abs().max().item()
    return {"onnx": "equal" if difference <= EQUAL else "differs", "onnx_difference": difference, **version}
