"""Work of a GPU that is recorded once and then started as a whole: a CUDA graph.

To start one operation takes longer than a small one takes to run. What always does the same with other numbers, a step
of training or a network on pictures of one size, is started as one.

References
----------
"Accelerating PyTorch with CUDA Graphs", 2021. https://pytorch.org/blog/accelerating-pytorch-with-cuda-graphs/
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from denoise.anysize import AnySize
from denoise.commandline import one_line

log = logging.getLogger("denoise.replay")

WARM = 3  # calls before it is recorded, in which libraries choose how to compute and take the memory that they need
SMALL = 2**20  # pixels of a batch: what larger ones take is hardly in starting operations
KEPT = 8  # sizes of a batch whose recordings are kept


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
        """Of shapes, formats and layouts that are the same at each call."""
        if self._replay is None and self._left == 0:
            self._record(given)
        if self._replay is None:
            self._left -= 1
            with self._chosen():
                return beside(lambda: self._call(*given))
        for place, x in zip(self._given, given, strict=True):
            place.copy_(x)
        self._replay()
        return self._answer

    def _record(self, given: tuple[Tensor, ...]) -> None:
        places = [x.clone() for x in given]
        try:
            with self._chosen():
                self._answer, self._replay = recorded(lambda: self._call(*places), self._pool)
            self._given = places
        except RuntimeError as error:  # networks of one's own may ask the GPU for an answer
            log.info("not recorded: %s", one_line(error))

    def _chosen(self) -> contextlib.AbstractContextManager[None]:
        if not self._choosing:
            return contextlib.nullcontext()
        return torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=torch.backends.cudnn.allow_tf32)


def beside(call: Callable[[], Tensor]) -> Tensor:
    """Called on another stream than the usual one, as is recorded: gradients remember theirs."""
    usual, stream = torch.cuda.current_stream(), torch.cuda.Stream()
    stream.wait_stream(usual)
    with torch.cuda.stream(stream):
        answer = call()
    usual.wait_stream(stream)
    return answer


def recorded(call: Callable[[], Tensor], pool: Any) -> tuple[Tensor, Callable[[], None]]:
    """Where the answer of `call` is, and what computes it anew.

    Raises
    ------
    RuntimeError
        It cannot be recorded.
    """
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, pool=pool):
        answer = call()
    return answer, graph.replay


class BySize(nn.Module):
    """A network as it is called for estimates, recorded for each size of a small batch that comes again.

    (N, C, H, W) and the level of the noise, as `AnySize` takes them -> what `network` answers. Large batches, and those
    of a size that was seen only a few times, as most photographs are, go through the network as it is.
    """

    def __init__(self, network: AnySize) -> None:
        super().__init__()
        self.network = network
        self._known: OrderedDict[torch.Size, Replayed] = OrderedDict()
        self._lock = threading.Lock()  # a recording computes one answer at a time
        self._pool: Any = None

    @torch.inference_mode()
    def forward(self, x: Tensor, level: float | Tensor | None = None) -> Tensor:
        count, _, height, width = x.shape
        if not x.is_cuda or count * height * width > SMALL:
            return self.network(x, level)
        given = [x]
        if self.network.told:  # the level as a number would be recorded too
            told = torch.as_tensor(0.0 if level is None else level, dtype=x.dtype).expand(count)
            given.append(told.to(x.device))
        with self._lock:
            return self._of(x.shape)(*given).clone()

    def _of(self, shape: torch.Size) -> Replayed:
        if shape not in self._known:
            self._pool = self._pool or torch.cuda.graph_pool_handle()
            self._known[shape] = Replayed(self.network, pool=self._pool)
            if len(self._known) > KEPT:
                self._known.popitem(last=False)
        self._known.move_to_end(shape)
        return self._known[shape]
