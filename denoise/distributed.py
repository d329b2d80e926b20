"""One training on several processes: `torchrun --nproc-per-node 2 -m denoise.train ...`.

Every process makes the whole batch of a step, which (seed, step) decides, and trains on its share of it: the pictures,
levels and noise of a step are those of one process, however many there are. Gradients are averaged, so the weights stay
the same everywhere. Batch normalisation sees the whole batch on GPUs; on processors, for which PyTorch has no such
layer, each process normalises its own share, and the statistics that are kept are those of the first one.

Lightning Fabric rather than Accelerate: both are maintained, small, under Apache-2.0, and know torchrun and all kinds
of GPU. But what is trained here is `network.logits`, and Fabric alone can send a method other than `forward` through
DistributedDataParallel (`mark_forward_method`); with Accelerate every network would have to be wrapped once more. It
also takes the network alone and leaves loop, batches, optimiser and checkpoint as they are, and holds no state of the
whole process. It brings aiohttp and lightning-utilities; Accelerate would bring psutil and huggingface_hub.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import torch
from torch import Tensor

from denoise.anysize import AnySize

Progress = dict[str, Any]


class Alone:
    """One process: everything is as if this file did not exist."""

    size = 1
    first = True

    def __init__(self) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def start(self, read: Callable[[], Progress], optimiser: torch.optim.Optimizer) -> Progress:
        """Where training begins: what `read` says, which also puts a checkpoint into network and optimiser."""
        return read()

    def setup(self, network: AnySize) -> Callable[..., Tensor]:
        """The network's logits as a function; backward through it leaves the gradients of the whole batch."""
        return network.logits

    def share(self, *batch: Tensor) -> tuple[Tensor, ...]:
        """This process's part of what belongs to a batch, each (N, ...)."""
        return batch

    def agree(self, loss: Tensor, asked: bool) -> tuple[float, bool]:
        """Return the loss of the whole batch, and True if any process was asked to stop: the same in all processes.

        `loss` is that of this process's part of the batch; `asked` says that this process was asked to stop.
        """
        return loss.item(), asked

    def leave(self) -> None:
        """Wait for all processes, and let go of them: nothing that follows needs the others."""

    def refuse(self, error: BaseException, code: int = 2) -> NoReturn:
        """End all processes, each of which calls this; the first one raises `error`, the others exit with `code`."""
        raise error


class Team(Alone):
    """The same verbs for one of several processes that torchrun started.

    Parameters
    ----------
    fabric : lightning_fabric.Fabric
        Launched.
    """

    def __init__(self, fabric: Any) -> None:
        self._fabric = fabric
        self.size, self.rank, self.device = fabric.world_size, fabric.global_rank, fabric.device
        self.first = self.rank == 0

    def start(self, read: Callable[[], Progress], optimiser: torch.optim.Optimizer) -> Progress:
        """As `Alone.start`. Only the first process reads: the others may be on machines without the checkpoint."""
        progress, error = None, None
        if self.first:
            try:
                progress = read()
            except ValueError as caught:
                error = caught
        progress, state, refused = self._fabric.broadcast((progress, optimiser.state_dict(), error is not None))
        if refused:
            _refuse(self.first, error)
        if not self.first:
            optimiser.load_state_dict(state)  # the weights follow in `setup`
        return progress

    def setup(self, network: AnySize) -> Callable[..., Tensor]:
        """As `Alone.setup`. The first process's weights go to all; `network` itself stays what it is."""
        if self.device.type == "cuda":
            torch.nn.SyncBatchNorm.convert_sync_batchnorm(network)
        wrapped = self._fabric.setup_module(network)
        wrapped.mark_forward_method("logits")
        return wrapped.logits

    def share(self, *batch: Tensor) -> tuple[Tensor, ...]:
        return tuple(part.chunk(self.size)[self.rank] for part in batch)

    def agree(self, loss: Tensor, asked: bool) -> tuple[float, bool]:
        both = torch.stack([loss.detach().float(), torch.tensor(float(asked), device=loss.device)])
        mean, share = self._fabric.all_reduce(both, reduce_op="mean").tolist()
        return mean, share > 0

    def leave(self) -> None:
        self._fabric.barrier()  # torchrun ends the first process, whatever it is writing, as soon as another has failed
        torch.distributed.destroy_process_group()

    def refuse(self, error: BaseException, code: int = 2) -> NoReturn:
        _refuse(self.first, error, code)


def team(batch: int) -> Alone:
    """The processes that torchrun started, or this one alone.

    Parameters
    ----------
    batch : int
        Pictures a step, of all processes together.

    Raises
    ------
    ValueError
        The batch does not divide evenly, Lightning Fabric is not installed, or there are fewer GPUs than processes.
    """
    # Other launchers set WORLD_SIZE too, and mean other things by it; this one is torchrun's.
    if "TORCHELASTIC_RUN_ID" not in os.environ or os.environ["WORLD_SIZE"] == "1":
        return Alone()
    size, here = int(os.environ["WORLD_SIZE"]), int(os.environ["LOCAL_WORLD_SIZE"])
    gpus = torch.cuda.device_count()
    if 0 < gpus < here:
        raise ValueError(f"{here} processes on a machine with {gpus} GPUs; valid: torchrun --nproc-per-node {gpus}")
    fabric = _launched(here, size // here, "cuda" if gpus else "cpu")
    if batch % size:
        even = f"a multiple of {size}, as {max(1, batch // size) * size}"
        error = ValueError(f"--batch {batch} cannot be shared evenly by {size} processes; valid: {even}")
        _refuse(fabric.global_rank == 0, error)
    return Team(fabric)


def _launched(here: int, machines: int, accelerator: str) -> Any:
    try:
        from lightning_fabric import Fabric
        from lightning_fabric.strategies import DDPStrategy
    except ImportError as error:
        raise ValueError("several processes need Lightning Fabric: pip install '.[distributed]'") from error
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    # "32-true" leaves precision to the loop, which has its own autocast.
    fabric = Fabric(
        accelerator=accelerator, strategy=DDPStrategy(), devices=here, num_nodes=machines, precision="32-true"
    )
    fabric.launch()
    return fabric


def is_first() -> bool:
    """Return True in the process that writes and speaks: the first one under torchrun, else the only one."""
    return "TORCHELASTIC_RUN_ID" not in os.environ or os.environ["RANK"] == "0"


def _refuse(first: bool, error: BaseException | None, code: int = 2) -> NoReturn:
    """What is wrong everywhere is said once: the others leave without a word."""
    if first and error:
        raise error
    sys.exit(code)
