"""Choice of backend and number format for a device, by rule."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

import torch

from denoise.hardware import has_bfloat16
from denoise.inference.backends import backends, lower
from denoise.models.base import AnySize

# pixels: activations fit a CPU's caches; a GPU needs larger chunks
CHUNK, CHUNK_ON_GPU = 2**17, 2**20


@dataclasses.dataclass(frozen=True)
class Plan:
    """Backend, number format and chunk size of inference.

    Attributes
    ----------
    backend : str
        One of `denoise.inference.backends.BACKENDS`.
    dtype : torch.dtype
        Input and output type of the convolutions: float32 or bfloat16.
    chunk_pixels : int
        Pixels of a chunk of a batch. Changes no output.
    """

    backend: str = "plain"
    dtype: torch.dtype = torch.float32
    chunk_pixels: int = CHUNK

    def __str__(self) -> str:
        return (
            f"{self.backend}, {str(self.dtype).removeprefix('torch.')}, chunks of "
            f"{self.chunk_pixels:,} pixels"
        )

    def lower(self, network: AnySize, exact: Collection[str] = ()) -> AnySize:
        """Rewrite the network for this plan.

        `exact` names the convolutions that stay in float32.
        """
        return lower(network, self.backend, self.dtype, exact)


PLAIN = Plan()
"""Plan of the network as it was trained; runs on every device."""


def best(device: torch.device, *, bfloat16: bool) -> Plan:
    """Return the plan for a device: the last of its backends, in bfloat16 if possible.

    The plan was the fastest on the measured machines (`bench/results/speed`).

    Parameters
    ----------
    device : torch.device
        A CPU or an NVIDIA GPU; any other device gets the plain network.
    bfloat16 : bool
        Allow bfloat16, if the weights keep their scores in it.
    """
    if device.type not in ("cpu", "cuda"):
        return PLAIN
    dtype = torch.bfloat16 if bfloat16 and has_bfloat16(device) else torch.float32
    return Plan(backends(device)[-1], dtype, CHUNK_ON_GPU if device.type == "cuda" else CHUNK)
