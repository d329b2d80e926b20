"""GPU access: a GPU lent per call (Hugging Face ZeroGPU), else the devices of this machine.

References
----------
https://huggingface.co/docs/hub/spaces-zerogpu
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

try:
    import spaces  # must be imported before torch
    from spaces.config import Config
except ImportError:  # not a Space
    spaces = None

Function = TypeVar("Function", bound=Callable)

BORROWED = spaces is not None and Config.zero_gpu
# device outside of a GPU call, since torch reports a GPU that is not there
DEVICE = "cpu" if BORROWED else None


def lent(function: Function) -> Function:
    """Wrap a module-level function to run in a process with a GPU if one is lent.

    Arguments and result are pickled.
    """
    return function if spaces is None else spaces.GPU(function)
