"""Work of a GPU that is recorded once and then started as a whole: a CUDA graph.

To start one operation takes longer than a small one takes to run. What always does the same with other numbers, a step
of training or a network on pictures of one size, is started as one.

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

from denoise.commandline import one_line

log = logging.getLogger("denoise.replay")

WARM = 3  # calls before it is recorded, in which libraries choose how to compute and take the memory that they need
SMALL = 2**20  # pixels of a batch: what larger ones take is hardly in starting operations
KEPT = 8  # sizes of a batch whose recordings are kept
_recording = threading.Lock()  # a process has one stream for it, on which it does one thing at a time


class Replayed:
    """A function of tensors that answers with one tensor, recorded at a call after the first few.

    Parameters
    ----------
    call : callable
        Waits for no answer of the GPU, and does the same at each call. What it leaves in other tensors, as gradients,
        it writes to the same place each time.
    choosing : bool
        Let cuDNN try at first how each convolution is quickest: worth it for what is called many times.
    pool : optional
        `torch.cuda.graph_pool_handle()`: the memory of recordings none of which is looked at after another has run.

    The answer of a recording is in one place, too: it is to be looked at before the next call. What cannot be recorded
    is called each time.
    """

    def __init__(self, call: Callable[..., Tensor], *, choosing: bool = False, pool: Any = None) -> None:
        self._call, self._choosing, self._pool = call, choosing, pool
        self._left = WARM
        self._replay: Callable[[], None] | None = None
        self._given: list[Tensor] = []
        self._answer: Tensor | None = None

    def __call__(self, *given: Tensor) -> Tensor:
        """Of shapes, formats and layouts, and on a device, that are the same at each call."""
        if self._replay is None and self._left == 0:
            self._record(given)
        if self._replay is None:
            if self._left < 0:
                return self._call(*given)
            with _choosing(self._choosing):
                answer = beside(lambda: self._call(*given), given[0].device)
            self._left -= 1
            return answer
        for place, x in zip(self._given, given, strict=True):
            place.copy_(x)
        self._replay()
        return self._answer

    def _record(self, given: tuple[Tensor, ...]) -> None:
        places = [x.clone() for x in given]
        try:
            with _choosing(self._choosing):
                self._answer, self._replay = recorded(lambda: self._call(*places), given[0].device, self._pool)
            self._given = places
        except RuntimeError as error:  # networks of one's own may ask the GPU for an answer
            log.info("not recorded: %s", one_line(error))
            self._left = -1


@contextlib.contextmanager
def _choosing(wanted: bool) -> Iterator[None]:
    """Let cuDNN try, where that is wanted and the same answer each time is not asked for."""
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
    """The stream beside the usual one: one for all, as each keeps the memory that was used on it."""
    return torch.cuda.Stream(device)


def beside(call: Callable[[], Tensor], device: torch.device) -> Tensor:
    """Called on the stream on which it is recorded later: gradients remember theirs. What another thread records there
    meanwhile would hold this call, too."""
    usual, stream = torch.cuda.current_stream(device), _side(device)
    with _recording:
        stream.wait_stream(usual)
        with torch.cuda.stream(stream):
            answer = call()
        usual.wait_stream(stream)
    return answer


def recorded(call: Callable[[], Tensor], device: torch.device, pool: Any) -> tuple[Tensor, Callable[[], None]]:
    """Where the answer of `call` is, and what computes it anew.

    Raises
    ------
    RuntimeError
        It cannot be recorded.
    """
    graph, stream = torch.cuda.CUDAGraph(), _side(device)
    capture = torch.cuda.graph(graph, pool=pool, stream=stream, capture_error_mode="thread_local")
    with _recording, torch.cuda.stream(stream), capture:  # that of the stream ends even where the recording breaks off
        answer = call()
    return answer, graph.replay


class BySize(nn.Module):
    """Layers that are recorded for each size of a small batch that comes again: (N, C, H, W) -> (N, C', H', W').

    Large batches, and those of a size that was seen only a few times, as most photographs are, go through the layers as
    they are.
    """

    def __init__(self, layers: nn.Module) -> None:
        super().__init__()
        self.layers = layers
        self._known: OrderedDict[tuple[Any, ...], Replayed] = OrderedDict()
        self._lock = threading.Lock()
        self._looked: Any = None  # when the GPU is done with the last answer: it is in memory that all share
        self._pool: Any = None

    @torch.inference_mode()
    def forward(self, x: Tensor) -> Tensor:
        count, _, height, width = x.shape
        if not x.is_cuda or count * height * width > SMALL:
            return self.layers(x)
        with self._lock:
            if self._looked is not None:  # the last call may have been on another stream
                self._looked.wait(torch.cuda.current_stream(x.device))
            answer = self._of((x.shape, x.dtype, x.device))(x).clone()
            self._looked = torch.cuda.current_stream(x.device).record_event()
            return answer

    def _of(self, kind: tuple[Any, ...]) -> Replayed:
        if kind not in self._known:
            self._pool = self._pool or torch.cuda.graph_pool_handle()
            self._known[kind] = Replayed(self.layers, pool=self._pool)
            if len(self._known) > KEPT:
                self._known.popitem(last=False)
        self._known.move_to_end(kind)
        return self._known[kind]
