"""Distributed training of one network: `torchrun --nproc-per-node 2 -m denoise.train ...`.

Every process makes the whole batch of a step, which (seed, step) determines, and trains on its
share. The images, levels and noise of a step thus do not depend on the number of processes.
Gradients are averaged, so all processes keep equal weights. On GPUs batch normalization sees the
whole batch. PyTorch has no such layer for CPUs: there each process normalizes its own share, and
the first process's statistics are saved.

This module uses Lightning Fabric rather than Accelerate. Both packages are maintained, small, under
Apache-2.0, and support torchrun and all kinds of GPU. The trained method here is `network.logits`,
and only Fabric sends a method other than `forward` through DistributedDataParallel
(`mark_forward_method`). Accelerate would need one more wrapper around every network. Fabric also
wraps the network alone, leaves loop, batches, optimizer and checkpoint unchanged, and holds no
global state. Fabric depends on aiohttp and lightning-utilities; Accelerate would depend on psutil
and huggingface_hub.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import torch
from torch import Tensor

from denoise.models.base import AnySize

Progress = dict[str, Any]


class Alone:
    """Single-process training: no method communicates."""

    size = 1
    first = True

    def __init__(self) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def start(self, read: Callable[[], Progress], optimizer: torch.optim.Optimizer) -> Progress:
        """Return the progress at which training begins.

        `read` also loads a checkpoint into network and optimizer.
        """
        return read()

    def setup(self, network: AnySize) -> Callable[..., Tensor]:
        """Return the network's logits as a function.

        Its backward pass yields the gradients of the whole batch.
        """
        return network.logits

    def share(self, *batch: Tensor) -> tuple[Tensor, ...]:
        """Return this process's share of the tensors of a batch, each (N, ...)."""
        return batch

    def agree(self, loss: Tensor, asked: bool) -> tuple[float, bool]:
        """Return the loss of the whole batch, and True if any process was asked to stop.

        Both values are equal in all processes.

        `loss` is the loss of this process's share of the batch; `asked` is True if this process was
        asked to stop.
        """
        return loss.item(), asked

    def leave(self) -> None:
        """Wait for all processes and leave the group; no later step needs another process."""

    def refuse(self, error: BaseException, code: int = 2) -> NoReturn:
        """End all processes, each of which calls this.

        The first raises `error`, the rest exit with `code`.
        """
        raise error


class Team(Alone):
    """Interface of `Alone` for one of several processes that torchrun started.

    Parameters
    ----------
    fabric : lightning_fabric.Fabric
        Launched Fabric object.
    """

    def __init__(self, fabric: Any) -> None:
        self._fabric = fabric
        self.size, self.rank, self.device = fabric.world_size, fabric.global_rank, fabric.device
        self.first = self.rank == 0

    def start(self, read: Callable[[], Progress], optimizer: torch.optim.Optimizer) -> Progress:
        """Start from the first process's progress.

        Another process's machine may lack the checkpoint.
        """
        progress, error = None, None
        if self.first:
            try:
                progress = read()
            except ValueError as caught:
                error = caught
        progress, state, refused = self._fabric.broadcast(
            (progress, optimizer.state_dict(), error is not None)
        )
        if refused:
            _refuse(self.first, error)
        if not self.first:
            optimizer.load_state_dict(state)  # the weights follow in `setup`
        return progress

    def setup(self, network: AnySize) -> Callable[..., Tensor]:
        """Wrap the network for distributed training, and send the first process's weights to all.

        `network` itself is not wrapped.
        """
        if self.device.type == "cuda":
            torch.nn.SyncBatchNorm.convert_sync_batchnorm(network)
        wrapped = self._fabric.setup_module(network)
        wrapped.mark_forward_method("logits")
        return wrapped.logits

    def share(self, *batch: Tensor) -> tuple[Tensor, ...]:
        """Return this process's share of the tensors of a batch, as in `Alone`."""
        return tuple(part.chunk(self.size)[self.rank] for part in batch)

    def agree(self, loss: Tensor, asked: bool) -> tuple[float, bool]:
        """Return the mean loss, and True if any process was asked to stop."""
        both = torch.stack([loss.detach().float(), torch.tensor(float(asked), device=loss.device)])
        mean, share = self._fabric.all_reduce(both, reduce_op="mean").tolist()
        return mean, share > 0

    def leave(self) -> None:
        """Wait for all processes and leave the group."""
        # if a process fails, torchrun kills the first one, even during a write
        self._fabric.barrier()
        torch.distributed.destroy_process_group()

    def refuse(self, error: BaseException, code: int = 2) -> NoReturn:
        """End all processes, as in `Alone`."""
        _refuse(self.first, error, code)


def team(batch: int) -> Alone:
    """Return the group of processes that torchrun started, or `Alone` without torchrun.

    Parameters
    ----------
    batch : int
        Images per step, summed over all processes.

    Raises
    ------
    ValueError
        The batch does not divide evenly, Lightning Fabric is not installed, or there are fewer GPUs
        than processes.
    """
    # WORLD_SIZE has another meaning in some launchers; TORCHELASTIC_RUN_ID identifies torchrun.
    if "TORCHELASTIC_RUN_ID" not in os.environ or os.environ["WORLD_SIZE"] == "1":
        return Alone()
    size, here = int(os.environ["WORLD_SIZE"]), int(os.environ["LOCAL_WORLD_SIZE"])
    gpus = torch.cuda.device_count()
    if 0 < gpus < here:
        raise ValueError(
            f"{here} processes but {gpus} GPUs on this machine; valid: torchrun "
            f"--nproc-per-node {gpus}"
        )
    fabric = _launched(here, size // here, "cuda" if gpus else "cpu")
    if batch % size:
        even = f"a multiple of {size}, such as {max(1, batch // size) * size}"
        error = ValueError(
            f"--batch {batch} does not divide evenly among {size} processes; valid: {even}"
        )
        _refuse(fabric.global_rank == 0, error)
    return Team(fabric)


def _launched(here: int, machines: int, accelerator: str) -> Any:
    try:
        from lightning_fabric import Fabric
        from lightning_fabric.strategies import DDPStrategy
    except ImportError as error:
        raise ValueError(
            "several processes need Lightning Fabric: pip install '.[distributed]'"
        ) from error
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    # "32-true" leaves precision to the loop, which has its own autocast.
    fabric = Fabric(
        accelerator=accelerator,
        strategy=DDPStrategy(),
        devices=here,
        num_nodes=machines,
        precision="32-true",
    )
    fabric.launch()
    return fabric


def is_first() -> bool:
    """Return True in the process that writes and prints.

    It is the first process under torchrun, else the only one.
    """
    return "TORCHELASTIC_RUN_ID" not in os.environ or os.environ["RANK"] == "0"


def _refuse(first: bool, error: BaseException | None, code: int = 2) -> NoReturn:
    """Raise an error that all processes have in the first process only; the rest exit silently."""
    if first and error:
        raise error
    sys.exit(code)
