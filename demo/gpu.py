"""A GPU where the host lends one for the time of a call (Hugging Face ZeroGPU), else whatever the machine has.

References
----------
https://huggingface.co/docs/hub/spaces-zerogpu
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

try:
    import spaces  # asks to come before torch
    from spaces.config import Config
except ImportError:  # not a Space
    spaces = None

Function = TypeVar("Function", bound=Callable)

BORROWED = spaces is not None and Config.zero_gpu
DEVICE = "cpu" if BORROWED else None  # of what runs outside such a call: torch speaks of a GPU that is not there


def lent(function: Function) -> Function:
    """A function of a module that runs in a process with a GPU, where one is lent; arguments and answer are pickled."""
    return function if spaces is None else spaces.GPU(function)
