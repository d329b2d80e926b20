"""Check of ONNX export: equal outputs in PyTorch and ONNX Runtime."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import nn

from denoise.inference import onnx_export

SHAPE = (1, 28, 28)
# largest difference in [0, 1] that counts as equal: float32 with another order of summation
EQUAL = 1e-4


def compare(network: nn.Module) -> dict[str, Any]:
    """Compare PyTorch and ONNX Runtime; return columns of the cost card.

    `onnx` is "equal", "differs" or an error.
    """
    try:
        import onnxruntime
    except ImportError:
        return {"onnx": "not measured: onnxruntime is not installed"}
    version = {"onnxruntime": onnxruntime.__version__}
    noisy = torch.rand(5, *SHAPE, generator=torch.Generator().manual_seed(0))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        try:
            onnx_export.any_batch(network, path, SHAPE)
            session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
            output = torch.from_numpy(session.run(None, {"noisy": noisy.numpy()})[0])
        except Exception as error:
            return {"onnx": " ".join(str(error).split())[:200], **version}
    with torch.inference_mode():
        difference = (output - network(noisy)).abs().max().item()
    return {
        "onnx": "equal" if difference <= EQUAL else "differs",
        "onnx_difference": difference,
        **version,
    }
