"""OpenVINO graph of a network's convolutions and the layers between them, if OpenVINO is installed.

OpenVINO has less overhead per layer than PyTorch, and this overhead is most of the time for a 28x28
image. A graph is compiled for each size, which takes as long as inference on many such images.
Large images stay in PyTorch: their sizes differ, and their computation takes long anyway.

References
----------
OpenVINO's operations, opset 13: https://docs.openvino.ai/2025/documentation/openvino-ir-format/operation-sets.html
"""

from __future__ import annotations

import functools
import importlib.util
import logging
import operator
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, fx, nn
from torch.fx.passes.utils.fuser_utils import fuse_by_partitions

from denoise.cli import one_line
from denoise.graph import polyphase
from denoise.graph.fusion import layer_of
from denoise.inference.layers import Conv, Halving
from denoise.locks import held

log = logging.getLogger("denoise.openvino")

# Another version of OpenVINO, or a user's own network with any operation between its convolutions.
FAILURES = (ImportError, AttributeError, LookupError, TypeError, ValueError, RuntimeError)

SMALL = 2**14  # pixels of an image: larger images gain too little
CHUNK = 2**17  # pixels of a chunk that one thread computes: all threads share a smaller batch
KEPT = 8  # batch shapes whose graphs are cached
TWICE = np.array([2, 2], np.float32)  # scales of height and width
# bound of the products of a batch (pixels times weights): fewer are not worth several threads
TINY = 2**26


def is_installed() -> bool:
    """Return True if OpenVINO can be imported; `pip install '.[openvino]'` installs it."""
    return importlib.util.find_spec("openvino") is not None


def with_graph(lowered: fx.GraphModule, dtype: torch.dtype) -> nn.Module:
    """Replace the layers from the first convolution to the end of the last one by one `BySize`.

    The operations before and after, such as the subtraction of the noise from the image, stay in
    PyTorch. OpenVINO would round these operations too.

    Parameters
    ----------
    lowered : fx.GraphModule
        Network lowered by `denoise.inference.backends`: (N, C, H, W) -> (N, C', H, W), float32. The
        network is changed in place.
    dtype : torch.dtype
        Input and output type of its convolutions.

    Returns
    -------
    nn.Module
        Module of the same shapes and format; `lowered` itself if it has no convolution.
    """
    nodes = [node for node in lowered.graph.nodes if node.op not in ("placeholder", "output")]
    kinds = [layer_of(lowered, node) for node in nodes]
    places = [place for place, layer in enumerate(kinds) if isinstance(layer, Conv)]
    if not places:
        return lowered
    first, last = places[0], places[-1]
    while last + 1 < len(nodes) and _finishes(nodes[last + 1], kinds[last + 1]):
        last += 1
    if last + 1 - first == len(nodes):
        return BySize(lowered, dtype)
    # `split_module` would also do, but it first imports a computer algebra package, which delays
    # the first image.
    fuse_by_partitions(lowered, [dict.fromkeys(nodes[first : last + 1])], prefix="graph_")
    lowered.graph_0 = BySize(lowered.graph_0, dtype)
    lowered.delete_all_unused_submodules()
    lowered.recompile()
    return lowered


def _finishes(node: fx.Node, layer: nn.Module | None) -> bool:
    return node.target == "float" or isinstance(layer, nn.PixelShuffle | nn.Sigmoid)


class BySize(nn.Module):
    """Layers that run in OpenVINO for small images, and in PyTorch for large ones.

    PyTorch also runs the layers if OpenVINO lacks one. (N, C, H, W) -> (N, C', H', W'), float32
    from OpenVINO, else in the layers' format. The first
    image of each size waits for its graph, even if no second one follows. Thus the graph and the
    output are the same each time.
    """

    def __init__(self, layers: fx.GraphModule, dtype: torch.dtype) -> None:
        super().__init__()
        self.layers, self.dtype = layers, dtype
        self.usable = True
        self.weight_count = sum(
            layer.weight.numel() for layer in layers.modules() if isinstance(layer, Conv)
        )
        self._graphs: OrderedDict[tuple[Any, ...], _Ready] = OrderedDict()
        self._lock = threading.Lock()  # a request computes one output at a time

    def forward(self, *given: Any) -> Any:
        """Compute the output, in OpenVINO if possible."""
        if self.usable:
            try:
                height, width = given[0].shape[-2:]  # all inputs have the same size
                if height * width <= SMALL:
                    return self._in_openvino(*given)
            except FAILURES as error:
                lacking = isinstance(error, NotImplementedError)
                log.log(
                    logging.INFO if lacking else logging.WARNING,
                    "OpenVINO is not used: %s",
                    one_line(error),
                )
                self.usable = False
        return self.layers(*given)

    def _in_openvino(self, *given: Tensor) -> Tensor:
        given = tuple(x.detach().float() for x in given)
        count, _, height, width = given[0].shape
        pixels, threads = count * height * width, torch.get_num_threads()
        with held(self._lock):
            if pixels > CHUNK and count >= threads > 1 and pixels * self.weight_count > TINY:
                return self._in_parts(given, pixels, threads)
            ready = self._ready(given, threads if pixels * self.weight_count > TINY else 1)
            for x, place in zip(given, ready.given, strict=True):
                np.copyto(place, x.numpy())  # for few images, cheaper than to pass their addresses
            # without it, OpenVINO makes an unused copy of the output
            ready.requests[0].infer(share_outputs=True)
            return torch.from_numpy(ready.output.copy())

    def _in_parts(self, given: tuple[Tensor, ...], pixels: int, threads: int) -> Tensor:
        """Compute a batch in chunks of one thread each.

        No thread then waits for another thread at each layer.

        For few images this gains less than the time to wake the threads.
        """
        size = -(-len(given[0]) // (threads * -(-pixels // (threads * CHUNK))))
        parts = list(zip(*(x.contiguous().split(size) for x in given), strict=True))
        graphs = [self._ready(part, threads, streams=threads) for part in parts]
        output = torch.empty(len(given[0]), *graphs[0].output.shape[1:])
        started = []
        try:
            for number, (part, to) in enumerate(zip(parts, output.split(size), strict=True)):
                requests = graphs[number].requests
                request = requests[number % len(requests)]
                request.wait()  # for its previous chunk
                _set_memory(request, part, to)
                started.append(request)
                request.start_async()
        finally:  # even after an error: the requests write into the memory of `output`
            for request in started:
                request.wait()
        return output

    def _ready(self, given: Sequence[Tensor], threads: int, streams: int = 1) -> _Ready:
        """Return the cached or compiled graph for these shapes, with `streams` streams."""
        shapes = tuple(x.shape for x in given)
        key = (shapes, threads, streams)
        if key not in self._graphs:
            options: dict[str, int | str] = {
                "INFERENCE_NUM_THREADS": threads,
                "NUM_STREAMS": streams,
                "INFERENCE_PRECISION_HINT": "bf16" if self.dtype == torch.bfloat16 else "f32",
            }
            compiled = _core().compile_model(model(self.layers, shapes), "CPU", options)
            # requests per stream: the second is ready when the first is done
            waiting = 2 if streams > 1 else 1
            requests = [compiled.create_infer_request() for _ in range(waiting * streams)]
            places = [requests[0].get_input_tensor(number).data for number in range(len(given))]
            self._graphs[key] = _Ready(requests, places, requests[0].get_output_tensor(0).data)
            if len(self._graphs) > KEPT:
                self._graphs.popitem(last=False)
        self._graphs.move_to_end(key)
        return self._graphs[key]


class _Ready(NamedTuple):
    """Requests of a compiled graph, each for one output at a time.

    `given` and `output` are the first request's input and output arrays.

    The arrays are valid until the first request is given other memory.
    """

    requests: list[Any]
    given: list[np.ndarray]
    output: np.ndarray


def _set_memory(request: Any, given: Sequence[Tensor], output: Tensor) -> None:
    """Set the memory of a request's inputs and output.

    The request neither copies the tensors nor keeps them alive.
    """
    for place, x in enumerate(given):
        request.set_input_tensor(place, _shared(x))
    request.set_output_tensor(_shared(output))


@functools.cache
def _core() -> Any:
    import openvino

    return openvino.Core()


def _shared(values: Tensor) -> Any:
    """Return OpenVINO's view of the memory of a tensor."""
    return _tensor_class()(values.numpy(), shared_memory=True)


@functools.cache
# cached: the import statement takes a while compared with one small image
def _tensor_class() -> type:
    import openvino

    return openvino.Tensor


def model(layers: fx.GraphModule, shapes: Sequence[Sequence[int]]) -> Any:
    """Build the `openvino.Model` of layers for float32 inputs of these shapes.

    Raises
    ------
    NotImplementedError
        OpenVINO lacks a layer, or this module does not translate it.
    """
    import openvino
    from openvino import opset13 as ops

    values: dict[fx.Node, Any] = {}
    entering = [ops.parameter(list(shape), np.float32) for shape in shapes]
    left = iter(entering)
    for node in layers.graph.nodes:
        if node.op == "placeholder":
            values[node] = next(left)
        elif node.op == "output":
            return openvino.Model([values[node.args[0]]], entering)
        else:
            values[node] = _translated(node, layer_of(layers, node), values)
    raise NotImplementedError("no output")


def _translated(node: fx.Node, layer: nn.Module | None, values: dict[fx.Node, Any]) -> Any:
    """Translate a node into an output of OpenVINO."""
    from openvino import opset13 as ops

    joins = node.target is torch.cat and (*node.args[1:], *node.kwargs.values()) == (1,)
    parts = [values.get(part) for part in (node.args[0] if joins else node.args)]
    if not parts or any(part is None for part in parts):  # a number, or a weight outside of a layer
        raise NotImplementedError(f"it has no layer for {node.format_node()}")
    if joins:
        return ops.concat(parts, 1)
    if node.target in (operator.add, torch.add) and len(parts) == 2 and not node.kwargs:
        return ops.add(*parts)
    x = parts[0]
    if node.target == "float":
        return x  # all values in OpenVINO are float32
    match layer:
        case Conv():
            return _convolved(x, layer)
        case nn.Upsample(mode="bilinear", scale_factor=2, align_corners=False | None):
            sides = {"mode": "linear_onnx", "shape_calculation_mode": "scales", "axes": [2, 3]}
            return ops.interpolate(x, TWICE, **sides, coordinate_transformation_mode="half_pixel")
        case nn.Sigmoid():
            return ops.sigmoid(x)
        case nn.ReLU():
            return ops.relu(x)
        case Halving():
            return ops.max_pool(x, [2, 2], [1, 1], [0, 0], [0, 0], [2, 2]).output(0)
        case nn.PixelShuffle():
            return ops.depth_to_space(x, "depth_first", layer.upscale_factor)
        case nn.ZeroPad2d():
            left, right, top, bottom = layer.padding
            return ops.pad(x, [0, 0, top, left], [0, 0, bottom, right], "constant", np.float32(0))
        case nn.Upsample(mode="nearest", scale_factor=2):
            return ops.interpolate(x, TWICE, "nearest", "scales", axes=[2, 3])
    raise NotImplementedError(f"it has no layer for {layer or node.target}")


def _convolved(x: Any, conv: Conv) -> Any:
    from openvino import opset13 as ops

    padding, output_padding, stride, dilation, groups = conv.geometry
    if groups != 1:
        raise NotImplementedError("it has no layer for grouped convolutions")
    weight = conv.weight.detach().float()
    if (
        conv.geometry == polyphase.DOUBLING
        and weight.shape[2:] == (3, 3)
        and conv.weight.dtype == torch.bfloat16
    ):
        return _doubled(x, weight, conv)
    steps, sides = list(stride), (list(padding), list(padding), list(dilation))
    if output_padding is None:
        y = ops.convolution(x, _constant(weight), steps, *sides)
        return _finished(y, conv.bias, conv.rectified)
    y = ops.convolution_backprop_data(
        x, _constant(weight), steps, None, *sides, output_padding=list(output_padding)
    )
    return _finished(y, conv.bias, conv.rectified)


def _doubled(x: Any, weight: Tensor, conv: Conv) -> Any:
    """Compute a transposed convolution by its phases.

    The phases need more products, but are faster on CPUs that compute in matrix tiles.
    """
    from openvino import opset13 as ops

    bias = None if conv.bias is None else polyphase.of_each_phase(conv.bias)
    y = ops.convolution(
        x, _constant(polyphase.of_transposed(weight)), [1, 1], [0, 0], [1, 1], [1, 1]
    )
    return ops.depth_to_space(_finished(y, bias, conv.rectified), "blocks_first", 2)


def _finished(y: Any, bias: Tensor | None, rectified: bool) -> Any:
    from openvino import opset13 as ops

    if bias is not None:
        y = ops.add(y, _constant(bias.detach().float().view(1, -1, 1, 1)))
    return ops.relu(y) if rectified else y


def _constant(values: Tensor) -> Any:
    from openvino import opset13 as ops

    return ops.constant(values.contiguous().numpy())
