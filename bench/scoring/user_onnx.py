"""A user's ONNX model as a method of the table, run by ONNX Runtime on the CPU.

onnxruntime and onnx are optional. If one is missing, the error says how to install it.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench.scoring.methods import Method
from denoise.datasets import Pictures
from denoise.inference.plan import PLAIN

COUNTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")
# Operators that multiply and accumulate too. A model with one of them gets no count: a wrong count
# would be worse.
UNCOUNTED = {
    "Attention",
    "ConvInteger",
    "DeformConv",
    "Einsum",
    "GRU",
    "LSTM",
    "MatMulInteger",
    "MultiHeadAttention",
    "QLinearConv",
    "QLinearMatMul",
    "RNN",
}


def load(name: str, path: Path) -> Method:
    """Load a model with one input and one output, (N, C, H, W) float32, as a method.

    N, H and W may be fixed.

    Raises
    ------
    ValueError
        ONNX Runtime is not installed or cannot read the file, or the model's input is no batch of
        images.
    """
    runtime, onnx = (_needed(package, path) for package in ("onnxruntime", "onnx"))
    try:
        model = onnx.load(str(path), load_external_data=False)
        session = _session(runtime, _relaxed(onnx, path) if _has_zeros(model) else str(path))
    except Exception as error:  # the errors of both packages have no common base class
        raise ValueError(f"{path}: ONNX Runtime cannot read it: {error}") from error
    graph = _Graph(path, session, _input_shape(session, path))
    files = _files(onnx, model, path)

    def build(training: Pictures, device: torch.device) -> Callable[[Tensor, float], Tensor]:
        return lambda noisy, sigma: graph.estimate(noisy)

    return Method(
        name=name,
        label=name,
        told_sigma=False,
        timed=True,
        build=build,
        weights_sha256=hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest(),
        count=lambda shape: {
            "parameters": parameters(onnx, model),
            "macs": macs(onnx, model, shape),
        },
        file_bytes=sum(file.stat().st_size for file in files),
        ran={"memory_layout": "contiguous", "compile_mode": f"ONNX Runtime {runtime.__version__}"},
    )


@dataclass(frozen=True)
class _Graph:
    """ONNX Runtime session with the shape of its input; None is any size."""

    path: Path
    session: Any
    takes: tuple[int | None, ...]

    def estimate(self, noisy: Tensor) -> Tensor:
        """Return the estimate for (N, C, H, W) float32, same shape, chunk by chunk."""
        batch, *fixed = self.takes
        if any(want not in (None, have) for want, have in zip(fixed, noisy.shape[1:], strict=True)):
            raise ValueError(
                f"{self.path}: the model takes images of {_sizes(fixed)} "
                f"(channels x height x width); these are {_sizes(noisy.shape[1:])}"
            )
        size = batch or max(1, PLAIN.chunk_pixels // (noisy.shape[-2] * noisy.shape[-1]))
        return torch.cat([self._run(chunk, batch) for chunk in noisy.split(size)])

    def _run(self, chunk: Tensor, batch: int | None) -> Tensor:
        given = chunk.contiguous().numpy()
        # last chunk of a model with a fixed batch: repeat its last image
        if batch and len(given) < batch:
            given = np.concatenate([given, np.repeat(given[-1:], batch - len(given), axis=0)])
        try:
            (output,) = self.session.run(None, {self.session.get_inputs()[0].name: given})
        except Exception as error:  # errors of ONNX Runtime have no common base class
            raise ValueError(
                f"{self.path}: the model, given {given.shape}, failed: {error}"
            ) from error
        if np.shape(output) != given.shape:
            raise ValueError(
                f"{self.path}: the model, given {given.shape}, returned {np.shape(output)}: "
                "it must return the same shape"
            )
        return torch.from_numpy(output[: len(chunk)]).float()


def parameters(onnx: ModuleType, model: Any) -> int:
    """Count the numbers in the initializers.

    Tensors of int64 and bool hold shapes and indices, and do not count.
    """
    shapes = (onnx.TensorProto.INT64, onnx.TensorProto.BOOL)
    return sum(
        prod(tensor.dims) for tensor in model.graph.initializer if tensor.data_type not in shapes
    )


def macs(onnx: ModuleType, model: Any, shape: tuple[int, int, int]) -> int | None:
    """Count multiply-accumulates for one image (C, H, W) as `bench.counters.macs` does.

    Convolutions and matrix products are counted from the shapes that ONNX infers. The result is
    None for nonstandard operators, branches, functions, and sizes that ONNX cannot infer.
    """
    standard = all(
        node.domain in ("", "ai.onnx") and node.op_type not in UNCOUNTED
        for node in model.graph.node
    )
    branches = any(
        field.HasField("g") or field.graphs for node in model.graph.node for field in node.attribute
    )
    if not standard or branches or model.functions:
        return None
    sizes = _sizes_of_all(onnx, model, shape)
    total = 0
    for node in model.graph.node:
        if node.op_type in COUNTED:
            first, weight, out = (sizes.get(name) for name in (*node.input[:2], node.output[0]))
            if first is None or weight is None or out is None:
                return None
            total += _macs(node, first, weight, out)
    batch = sizes[_image_input(model).name][0]
    return total // batch


def _macs(node: Any, first: list[int], weight: list[int], out: list[int]) -> int:
    if node.op_type == "Conv":  # weight: (out, in / groups, height, width)
        return prod(out) * prod(weight[1:])
    if node.op_type == "ConvTranspose":  # weight: (in, out / groups, height, width)
        return prod(first) * prod(weight[1:])
    flipped = node.op_type == "Gemm" and any(
        field.name == "transA" and field.i for field in node.attribute
    )
    return prod(out) * first[0 if flipped else -1]


def _sizes_of_all(
    onnx: ModuleType, model: Any, shape: tuple[int, int, int]
) -> dict[str, list[int]]:
    """Infer the size of each tensor for an input of one image, if ONNX can infer it."""
    fixed = onnx.ModelProto()
    fixed.CopyFrom(model)
    taken = _image_input(fixed)
    for dim, size in zip(taken.type.tensor_type.shape.dim, (1, *shape), strict=True):
        if dim.dim_value <= 0:
            dim.dim_value = size
    for value in [*fixed.graph.value_info, *fixed.graph.output]:
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_value <= 0:
                dim.Clear()  # a named batch size would block the inference of its value
    try:
        graph = onnx.shape_inference.infer_shapes(fixed, data_prop=True).graph
    except onnx.shape_inference.InferenceError:
        return {taken.name: [dim.dim_value for dim in taken.type.tensor_type.shape.dim]}
    sizes = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    for value in [*graph.input, *graph.value_info, *graph.output]:
        dims = value.type.tensor_type.shape.dim
        if all(dim.HasField("dim_value") for dim in dims):
            sizes[value.name] = [dim.dim_value for dim in dims]
    return sizes


def _image_input(model: Any) -> Any:
    """Return the input that is no initializer (old exporters list initializers as inputs too)."""
    weights = {tensor.name for tensor in model.graph.initializer}
    return next(value for value in model.graph.input if value.name not in weights)


def _unknown_sizes(model: Any) -> list[Any]:
    """List the sizes of inputs and outputs that stand for any size.

    Some exporters write -1 or 0 for any size.
    """
    values = [*model.graph.input, *model.graph.output]
    sizes = [size for value in values for size in value.type.tensor_type.shape.dim]
    return [size for size in sizes if size.HasField("dim_value") and size.dim_value <= 0]


def _has_zeros(model: Any) -> bool:
    """Return True if a size is 0, so that ONNX Runtime would refuse every image.

    ONNX Runtime takes 0 as a fixed size, but -1 as any size.
    """
    return any(size.dim_value == 0 for size in _unknown_sizes(model))


def _relaxed(onnx: ModuleType, path: Path) -> bytes:
    """Return the model with its weights, without the sizes that stand for any size."""
    model = onnx.load(str(path))
    for size in _unknown_sizes(model):
        size.Clear()
    return model.SerializeToString()


def _session(runtime: ModuleType, source: str | bytes) -> Any:
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = torch.get_num_threads(), 1
    options.log_severity_level = 4  # an error is raised anyway; its text need not be logged too
    # Spinning threads would go on after a call and slow down the method that is timed next.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return runtime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def _input_shape(session: Any, path: Path) -> tuple[int | None, ...]:
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 or len(outputs) != 1:
        raise ValueError(
            f"{path}: the model has {len(inputs)} inputs and {len(outputs)} outputs; it must "
            "have one input and one output"
        )
    (taken,) = inputs
    if taken.type != "tensor(float)" or len(taken.shape) != 4:
        raise ValueError(
            f"{path}: the model's input is {taken.type} of {len(taken.shape)} dimensions; "
            "it must be tensor(float) of 4 dimensions, (N, C, H, W)"
        )
    # Any size has a name or no value; some exporters write -1 or 0 for it.
    return tuple(size if isinstance(size, int) and size > 0 else None for size in taken.shape)


def _files(onnx: ModuleType, model: Any, path: Path) -> list[Path]:
    """List the model's file and its external files of weights."""
    external = {
        entry.value
        for tensor in model.graph.initializer
        if onnx.external_data_helper.uses_external_data(tensor)
        for entry in tensor.external_data
        if entry.key == "location"
    }
    return [path, *(path.parent / location for location in sorted(external))]


def _sizes(sizes: Any) -> str:
    return "x".join("any" if size is None else str(size) for size in sizes)


def _needed(package: str, path: Path) -> ModuleType:
    try:
        return importlib.import_module(package)
    except ImportError:
        raise ValueError(
            f"{path}: ONNX models need {package}, which is not installed: pip install '.[onnx]'"
        ) from None
