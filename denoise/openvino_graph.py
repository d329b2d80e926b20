"""The convolutions of a network, and what is between them, as one graph of OpenVINO, where that is installed.

It goes from layer to layer in less time than PyTorch, which for a picture of 28x28 is most of the time. A graph is made
for each size, which takes as long as many such pictures, so large ones, of which each is of another size and long to
compute anyway, are left to PyTorch.

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

from denoise import phases
from denoise.commandline import one_line
from denoise.fusion import layer_of
from denoise.layers import Conv, Halving

log = logging.getLogger("denoise.openvino")

# Of another version of OpenVINO, or of networks of one's own, which may do anything between their convolutions.
FAILURES = (ImportError, AttributeError, LookupError, TypeError, ValueError, RuntimeError)

SMALL = 2**14  # pixels of a picture: larger ones gain too little
PIECE = 2**17  # pixels of a batch that a thread computes at once: fewer are computed by all threads together
KEPT = 8  # sizes of a batch whose graphs are kept
TINY = 2**26  # bound of the products of a batch (pixels times weights): fewer are not worth sharing among threads


def is_installed() -> bool:
    """Whether it can be imported: `pip install '.[openvino]'` brings it."""
    return importlib.util.find_spec("openvino") is not None


def with_graph(lowered: fx.GraphModule, dtype: torch.dtype) -> nn.Module:
    """A lowered network in which all from its first convolution to what follows its last one is one `BySize`.

    What is before and after, as taking the noise from the picture, is not for OpenVINO, which would round it as well.

    Parameters
    ----------
    lowered : fx.GraphModule
        By `denoise.lowering`: (N, C, H, W) -> (N, C', H, W), float32. It is changed in place.
    dtype : torch.dtype
        Of what its convolutions take and answer.

    Returns
    -------
    nn.Module
        Of the same shapes and format; `lowered` itself where it has no convolution.
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
    # `split_module` would do, too, but imports a system for algebra first, for which a first picture would wait.
    fuse_by_partitions(lowered, [dict.fromkeys(nodes[first : last + 1])], prefix="graph_")
    lowered.graph_0 = BySize(lowered.graph_0, dtype)
    lowered.delete_all_unused_submodules()
    lowered.recompile()
    return lowered


def _finishes(node: fx.Node, layer: nn.Module | None) -> bool:
    return node.target == "float" or isinstance(layer, nn.PixelShuffle | nn.Sigmoid)


class BySize(nn.Module):
    """Layers that are run in OpenVINO for small pictures, and as they are for large ones or where it lacks one of them.

    (N, C, H, W) -> (N, C', H', W'), float32 from OpenVINO, else of the layers' format. The first picture of each size
    waits for its graph, even if no other follows: so it is the same graph, and the same answer, each time.
    """

    def __init__(self, layers: fx.GraphModule, dtype: torch.dtype) -> None:
        super().__init__()
        self.layers, self.dtype = layers, dtype
        self.usable = True
        self.weight_count = sum(layer.weight.numel() for layer in layers.modules() if isinstance(layer, Conv))
        self._graphs: OrderedDict[tuple[Any, ...], _Ready] = OrderedDict()
        self._lock = threading.Lock()  # a request computes one answer at a time

    def forward(self, *given: Any) -> Any:
        if self.usable:
            try:
                height, width = given[0].shape[-2:]  # those of all that it is given
                if height * width <= SMALL:
                    return self._in_openvino(*given)
            except FAILURES as error:
                lacking = isinstance(error, NotImplementedError)
                log.log(logging.INFO if lacking else logging.WARNING, "OpenVINO is left out: %s", one_line(error))
                self.usable = False
        return self.layers(*given)

    def _in_openvino(self, *given: Tensor) -> Tensor:
        given = tuple(x.detach().float() for x in given)
        count, _, height, width = given[0].shape
        pixels, threads = count * height * width, torch.get_num_threads()
        with self._lock:
            if pixels > PIECE and count >= threads > 1 and pixels * self.weight_count > TINY:
                return self._in_parts(given, pixels, threads)
            ready = self._ready(given, threads if pixels * self.weight_count > TINY else 1)
            for x, place in zip(given, ready.given, strict=True):
                np.copyto(place, x.numpy())  # of few pictures, less work than to tell where they are
            ready.requests[0].infer(share_outputs=True)  # else it makes a copy of the answer that nobody looks at
            return torch.from_numpy(ready.answer.copy())

    def _in_parts(self, given: tuple[Tensor, ...], pixels: int, threads: int) -> Tensor:
        """Parts of one thread each, none of which waits for another at each layer. For few pictures that gains less
        than it takes to wake the threads."""
        size = -(-len(given[0]) // (threads * -(-pixels // (threads * PIECE))))
        parts = list(zip(*(x.contiguous().split(size) for x in given), strict=True))
        graphs = [self._ready(part, threads, streams=threads) for part in parts]
        answer = torch.empty(len(given[0]), *graphs[0].answer.shape[1:])
        started = []
        try:
            for number, (part, to) in enumerate(zip(parts, answer.split(size), strict=True)):
                requests = graphs[number].requests
                request = requests[number % len(requests)]
                request.wait()  # for the part that it had before
                _tell(request, part, to)
                started.append(request)
                request.start_async()
        finally:  # whatever happens: they write where `answer` is
            for request in started:
                request.wait()
        return answer

    def _ready(self, given: Sequence[Tensor], threads: int, streams: int = 1) -> _Ready:
        """What computes answers for pictures of these shapes, `streams` at a time."""
        shapes = tuple(x.shape for x in given)
        key = (shapes, threads, streams)
        if key not in self._graphs:
            options = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": streams}
            options["INFERENCE_PRECISION_HINT"] = "bf16" if self.dtype == torch.bfloat16 else "f32"
            compiled = _core().compile_model(model(self.layers, shapes), "CPU", options)
            waiting = 2 if streams > 1 else 1  # requests of a stream: it finds the next when it has done one
            requests = [compiled.create_infer_request() for _ in range(waiting * streams)]
            places = [requests[0].get_input_tensor(number).data for number in range(len(given))]
            self._graphs[key] = _Ready(requests, places, requests[0].get_output_tensor(0).data)
            if len(self._graphs) > KEPT:
                self._graphs.popitem(last=False)
        self._graphs.move_to_end(key)
        return self._graphs[key]


class _Ready(NamedTuple):
    """A graph's requests, each of which computes one answer at a time, and where the first has its pictures and answer
    as long as it is not told of others."""

    requests: list[Any]
    given: list[np.ndarray]
    answer: np.ndarray


def _tell(request: Any, given: Sequence[Tensor], answer: Tensor) -> None:
    """Where a request finds the pictures and writes the answer: it copies neither, and does not keep them alive."""
    for place, x in enumerate(given):
        request.set_input_tensor(place, _shared(x))
    request.set_output_tensor(_shared(answer))


@functools.cache
def _core() -> Any:
    import openvino

    return openvino.Core()


def _shared(values: Tensor) -> Any:
    """OpenVINO's view of the memory of a tensor."""
    return _tensor_class()(values.numpy(), shared_memory=True)


@functools.cache
def _tensor_class() -> type:  # to look for the module each time takes a while, beside one small picture
    import openvino

    return openvino.Tensor


def model(layers: fx.GraphModule, shapes: Sequence[Sequence[int]]) -> Any:
    """The `openvino.Model` of layers for inputs of these shapes, float32.

    Raises
    ------
    NotImplementedError
        OpenVINO lacks one of them, or is not given it here.
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
    """What a node answers, as an output of OpenVINO."""
    from openvino import opset13 as ops

    joins = node.target is torch.cat and (*node.args[1:], *node.kwargs.values()) == (1,)
    parts = [values.get(part) for part in (node.args[0] if joins else node.args)]
    if not parts or any(part is None for part in parts):  # a number, or a weight that is no layer's
        raise NotImplementedError(f"no layer of it for {node.format_node()}")
    if joins:
        return ops.concat(parts, 1)
    if node.target in (operator.add, torch.add) and len(parts) == 2 and not node.kwargs:
        return ops.add(*parts)
    x = parts[0]
    if node.target == "float":
        return x  # as are all that OpenVINO takes and answers
    match layer:
        case Conv():
            return _convolved(x, layer)
        case nn.Upsample(mode="bilinear", scale_factor=2, align_corners=False | None):
            sides = {"mode": "linear_onnx", "shape_calculation_mode": "scales", "axes": [2, 3]}
            return ops.interpolate(x, np.float32([2, 2]), **sides, coordinate_transformation_mode="half_pixel")
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
            return ops.interpolate(x, np.float32([2, 2]), "nearest", "scales", axes=[2, 3])
    raise NotImplementedError(f"no layer of it for {layer or node.target}")


def _convolved(x: Any, conv: Conv) -> Any:
    from openvino import opset13 as ops

    padding, output_padding, stride, dilation, groups = conv.geometry
    if groups != 1:
        raise NotImplementedError("no layer of it for convolutions in groups")
    weight = conv.weight.detach().float()
    if conv.geometry == phases.DOUBLING and weight.shape[2:] == (3, 3) and conv.weight.dtype == torch.bfloat16:
        return _doubled(x, weight, conv)
    sides = (list(stride), list(padding), list(padding), list(dilation))
    if output_padding is None:
        return _finished(ops.convolution(x, _constant(weight), *sides), conv.bias, conv.rectified)
    stride, *others = sides
    y = ops.convolution_backprop_data(x, _constant(weight), stride, None, *others, output_padding=list(output_padding))
    return _finished(y, conv.bias, conv.rectified)


def _doubled(x: Any, weight: Tensor, conv: Conv) -> Any:
    """A transposed convolution by its phases: more products, but quicker where they are computed in tiles."""
    from openvino import opset13 as ops

    bias = None if conv.bias is None else phases.of_each_phase(conv.bias)
    y = ops.convolution(x, _constant(phases.of_transposed(weight)), [1, 1], [0, 0], [1, 1], [1, 1])
    return ops.depth_to_space(_finished(y, bias, conv.rectified), "blocks_first", 2)


def _finished(y: Any, bias: Tensor | None, rectified: bool) -> Any:
    from openvino import opset13 as ops

    if bias is not None:
        y = ops.add(y, _constant(bias.detach().float().view(1, -1, 1, 1)))
    return ops.relu(y) if rectified else y


def _constant(values: Tensor) -> Any:
    from openvino import opset13 as ops

    return ops.constant(values.contiguous().numpy())
