"""CUDA graphs: GPU work that is recorded once and then launched as a whole.

The launch of a small operation takes longer than its execution. Repeated work of fixed shapes is
launched at once: a training step, or a network on images of one size.

References
----------
"Accelerating PyTorch with CUDA Graphs", 2021. https://pytorch.org/blog/accelerating-pytorch-with-cuda-graphs/
"""

from __future__ import annotations

import contextlib
import functools
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from denoise.cli import one_line
from denoise.locks import held

log = logging.getLogger("denoise.graph.cuda_graphs")

WARM = 3  # calls before the recording, in which libraries choose algorithms and allocate memory
SMALL = 2**20  # pixels of a batch: for larger batches launch times hardly matter
KEPT = 8  # batch shapes whose recordings are cached
_recording = threading.Lock()  # a process records on one stream, one thing at a time


class Replayed:
    """Function of tensors that returns one tensor, recorded after its first calls.

    Parameters
    ----------
    call : callable
        Function without synchronization with the GPU that does the same work at each call. Its side
        effects on tensors, such as gradients, must use the same memory each time.
    choosing : bool
        Let cuDNN benchmark its algorithms for each convolution: worthwhile for a function that is
        called many times.
    pool : optional
        `torch.cuda.graph_pool_handle()`: memory shared by recordings; an output is valid until
        another recording runs.

    The output of a recording keeps one address: read it before the next call. A function that
    cannot be recorded is called each time.
    """

    def __init__(
        self, call: Callable[..., Tensor], *, choosing: bool = False, pool: Any = None
    ) -> None:
        self._call, self._choosing, self._pool = call, choosing, pool
        self._left = WARM
        self._replay: Callable[[], None] | None = None
        self._given: list[Tensor] = []
        self._output: Tensor | None = None

    def __call__(self, *given: Tensor) -> Tensor:
        """Call the function; shapes, formats, layouts and device must be equal at each call."""
        if self._replay is None and self._left == 0:
            self._record(given)
        if self._replay is None:
            if self._left < 0:
                return self._call(*given)
            with _choosing(self._choosing):
                output = beside(lambda: self._call(*given), given[0].device)
            self._left -= 1
            return output
        for place, x in zip(self._given, given, strict=True):
            place.copy_(x)
        self._replay()
        assert self._output is not None  # recorded together with `_replay`
        return self._output

    def _record(self, given: tuple[Tensor, ...]) -> None:
        places = [x.clone() for x in given]
        try:
            with _choosing(self._choosing):
                self._output, self._replay = recorded(
                    lambda: self._call(*places), given[0].device, self._pool
                )
            self._given = places
        except RuntimeError as error:  # a user's own network may synchronize with the GPU
            log.info("not recorded: %s", one_line(error))
            self._left = -1


@contextlib.contextmanager
def _choosing(wanted: bool) -> Iterator[None]:
    """Let cuDNN benchmark its algorithms, if wanted, unless deterministic results are required."""
    cudnn = torch.backends.cudnn
    if not wanted or cudnn.deterministic:
        yield
        return
    before, cudnn.benchmark = cudnn.benchmark, True
    try:
        yield
    finally:
        cudnn.benchmark = before


@functools.cache
def _side(device: torch.device) -> torch.cuda.Stream:
    """Return the side stream of a device.

    All recordings share it, because each stream keeps the memory used on it.
    """
    return torch.cuda.Stream(device)


def beside(call: Callable[[], Tensor], device: torch.device) -> Tensor:
    """Call a function on the stream of its later recording.

    Gradients remember the stream of their call.

    The lock excludes another thread's recording, which would capture this call too.
    """
    usual, stream = torch.cuda.current_stream(device), _side(device)
    with held(_recording):
        stream.wait_stream(usual)
        with torch.cuda.stream(stream):
            output = call()
        usual.wait_stream(stream)
    return output


def recorded(
    call: Callable[[], Tensor], device: torch.device, pool: Any
) -> tuple[Tensor, Callable[[], None]]:
    """Record a call; return its output tensor and the function that recomputes it.

    Raises
    ------
    RuntimeError
        The call cannot be recorded.
    """
    graph, stream = torch.cuda.CUDAGraph(), _side(device)
    capture = torch.cuda.graph(graph, pool=pool, stream=stream, capture_error_mode="thread_local")
    # the stream is restored even if recording fails
    with held(_recording), torch.cuda.stream(stream), capture:
        output = call()
    return output, graph.replay


class BySize(nn.Module):
    """Layers recorded for each repeated size of a small batch: (N, C, H, W) -> (N, C', H', W').

    Large batches, and batches of a size seen only a few times, such as most photographs, go through
    the layers without a recording.
    """

    def __init__(self, layers: nn.Module) -> None:
        super().__init__()
        self.layers = layers
        self._known: OrderedDict[tuple[Any, ...], Replayed] = OrderedDict()
        self._lock = threading.Lock()
        # event at the end of the last copy of an output, whose memory all recordings share
        self._looked: Any = None
        self._pool: Any = None

    @torch.inference_mode()
    def forward(self, x: Tensor) -> Tensor:
        """Compute the output, from a recording if the size is known."""
        count, _, height, width = x.shape
        if not x.is_cuda or count * height * width > SMALL:
            return self.layers(x)
        with held(self._lock):
            if self._looked is not None:  # the last call may have used another stream
                self._looked.wait(torch.cuda.current_stream(x.device))
            output = self._of((x.shape, x.dtype, x.device))(x).clone()
            self._looked = torch.cuda.current_stream(x.device).record_event()
            return output

    def _of(self, kind: tuple[Any, ...]) -> Replayed:
        if kind not in self._known:
            self._pool = self._pool or torch.cuda.graph_pool_handle()
            self._known[kind] = Replayed(self.layers, pool=self._pool)
            if len(self._known) > KEPT:
                self._known.popitem(last=False)
        self._known.move_to_end(kind)
        return self._known[kind]
