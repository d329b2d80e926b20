"""Choice of backend and number format for a device, by rule."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

import torch

from denoise.anysize import AnySize
from denoise.lowering import backends, lower
from denoise.machine import has_bfloat16

CHUNK, CHUNK_ON_GPU = 2**17, 2**20  # pixels: activations stay in a processor's caches; a GPU is kept busy


@dataclasses.dataclass(frozen=True)
class Plan:
    """The way in which a network is run.

    Attributes
    ----------
    backend : str
        One of `denoise.lowering.BACKENDS`.
    dtype : torch.dtype
        float32 or bfloat16: of what the convolutions take and answer.
    chunk_pixels : int
        Pixels of a batch that go through the network at once. Changes no result.
    """

    backend: str = "plain"
    dtype: torch.dtype = torch.float32
    chunk_pixels: int = CHUNK

    def __str__(self) -> str:
        return f"{self.backend}, {str(self.dtype).removeprefix('torch.')}, chunks of {self.chunk_pixels:,} pixels"

    def lower(self, network: AnySize, exact: Collection[str] = ()) -> AnySize:
        """Return the network as this plan runs it; `exact` names the convolutions that stay in float32."""
        return lower(network, self.backend, self.dtype, exact)


PLAIN = Plan()
"""The network as it was trained: runs everywhere."""


def best(device: torch.device, *, bfloat16: bool) -> Plan:
    """Return the plan for a device: the last of its backends, in bfloat16 if the device computes in it.

    On the machines that were measured it is the quickest one (`bench/results/speed`).

    Parameters
    ----------
    device : torch.device
        A processor or an NVIDIA GPU; networks run plainly on others.
    bfloat16 : bool
        Allow bfloat16: the weights keep their scores in it.
    """
    if device.type not in ("cpu", "cuda"):
        return PLAIN
    dtype = torch.bfloat16 if bfloat16 and has_bfloat16(device) else torch.float32
    return Plan(backends(device)[-1], dtype, CHUNK_ON_GPU if device.type == "cuda" else CHUNK)
