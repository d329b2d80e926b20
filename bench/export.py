"""Whether a network exports to ONNX and answers the same in ONNX Runtime: measured."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import nn

from denoise import export

SHAPE = (1, 28, 28)
EQUAL = 1e-4  # largest difference in [0, 1] that counts as equal: float32 in another order of summation


def compare(network: nn.Module) -> dict[str, Any]:
    """Columns of the cost card: `onnx` ("equal", "differs" or why not), the largest difference, and the version."""
    try:
        import onnxruntime
    except ImportError:
        return {"onnx": "not measured: onnxruntime is not installed"}
    version = {"onnxruntime": onnxruntime.__version__}
    noisy = torch.rand(5, *SHAPE, generator=torch.Generator().manual_seed(0))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        try:
            export.any_batch(network, path, SHAPE)
            session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
            answer = torch.from_numpy(session.run(None, {"noisy": noisy.numpy()})[0])
        except Exception as error:
            return {"onnx": " ".join(str(error).split())[:200], **version}
    with torch.inference_mode():
        difference = (answer - network(noisy)).abs().max().item()
    return {"onnx": "equal" if difference <= EQUAL else "differs", "onnx_difference": difference, **version}
