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
from collections.abc import Callable

import torch
from torch import Tensor

from denoise.commandline import one_line

log = logging.getLogger("denoise.replay")

WARM = 3  # calls before it is recorded, in which libraries choose how to compute and take the memory that they need


class Replayed:
    """A function of tensors that answers with one tensor, recorded at a call after the first few.

    Parameters
    ----------
    call : callable
        Waits for no answer of the GPU, and does the same at each call. What it leaves in other tensors, as gradients,
        it writes to the same place each time.

    The answer of a recording is in one place, too: it is to be looked at before the next call. What cannot be recorded
    is called each time.
    """

    def __init__(self, call: Callable[..., Tensor]) -> None:
        self._call, self._left = call, WARM
        self._graph: torch.cuda.CUDAGraph | None = None
        self._given: list[Tensor] = []
        self._answer: Tensor | None = None

    def __call__(self, *given: Tensor) -> Tensor:
        """Of shapes, formats and layouts that are the same at each call."""
        if self._graph is None and self._left == 0:
            self._record(given)
        if self._graph is None:
            self._left -= 1
            return self._aside(*given)
        for place, x in zip(self._given, given, strict=True):
            place.copy_(x)
        self._graph.replay()
        return self._answer

    def _aside(self, *given: Tensor) -> Tensor:
        """Called on another stream than the usual one, as is recorded: gradients remember theirs."""
        usual, stream = torch.cuda.current_stream(), torch.cuda.Stream()
        stream.wait_stream(usual)
        with torch.cuda.stream(stream), _choosing():
            answer = self._call(*given)
        usual.wait_stream(stream)
        return answer

    def _record(self, given: tuple[Tensor, ...]) -> None:
        places, graph = [x.clone() for x in given], torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph), _choosing():
                self._answer = self._call(*places)
            self._given, self._graph = places, graph
        except RuntimeError as error:  # networks of one's own may ask the GPU for an answer
            log.info("not recorded: %s", one_line(error))
            self._left = -1


def _choosing() -> contextlib.AbstractContextManager[None]:
    """Let cuDNN try how each convolution is quickest: of sizes that never change it needs to only once."""
    return torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=torch.backends.cudnn.allow_tf32)
