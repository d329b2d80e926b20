"""Where the time of a training step goes: each operation's, beside what this machine could do of it at best."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import conv_flop_count, flop_registry

from bench.markdown import piped
from bench.peers import own
from bench.systems import NETWORKS

SHAPE = [1, 28, 28]
BATCH = 128
WARM, STEPS = 10, 40
SHOWN = 10  # operations of a network in the table


class Meter(TorchDispatchMode):
    """Times what PyTorch calls, and counts the bytes and products of it: `found` has an entry an operation, in turn.

    Views, which touch no numbers, are left out. Bytes are those of the tensors that go in and come out.
    """

    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, Any]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        began = time.perf_counter()
        answer = func(*args, **kwargs)
        seconds = time.perf_counter() - began
        given = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
        made = [x for x in tree_leaves(answer) if isinstance(x, Tensor)]
        if func._schema.is_mutable or not _is_view(given, made):
            written = made or given  # what changes lists of weights answers nothing
            self.found.append({
                "operation": str(func.overloadpacket).rpartition(".")[2],
                "shapes": " ".join("x".join(map(str, x.shape)) for x in given if x.ndim),
                "dtype": str(written[0].dtype).removeprefix("torch.") if written else "",
                "us": seconds * 1e6,
                "bytes": sum(x.numel() * x.element_size() for x in (*given, *made)),
                "macs": _macs(func, args, kwargs, answer),
            })  # fmt: skip
        return answer


def _is_view(given: list[Tensor], made: list[Tensor]) -> bool:
    there = {_place(x) for x in given}
    return bool(made) and all(_place(x) in there for x in made)


def _place(x: Tensor) -> int:
    """Where its numbers lie; what oneDNN holds for itself is nobody's view."""
    return x.untyped_storage().data_ptr() if x.layout == torch.strided else id(x)


def _macs(func: Any, args: Any, kwargs: Any, answer: Any) -> int:
    packet = func.overloadpacket
    if packet in (torch.ops.mkldnn._convolution_pointwise, torch.ops.aten.mkldnn_convolution):
        return conv_flop_count(args[0].shape, args[1].shape, answer.shape) // 2
    count = flop_registry.get(packet)
    return count(*args, **kwargs, out_val=answer) // 2 if count else 0


def rows(network: str, threads: int) -> Iterator[dict[str, Any]]:
    """A row an operation of a training step of `denoise.train` on 128 pictures of 28x28: medians over the steps.

    Raises
    ------
    RuntimeError
        Two steps were not of the same operations.
    """
    options = {"layout": "channels_last", "autocast": True, "rearranging": True}
    step, _, _ = own.training(json.dumps(NETWORKS[network]), SHAPE, BATCH, threads, "cpu", **options)
    whole = _seconds(step)
    steps = []
    for _ in range(STEPS):
        with Meter() as meter:
            step()
        steps.append(meter.found)
    if len({tuple(operation["operation"] for operation in found) for found in steps}) != 1:
        raise RuntimeError("two steps of training were not of the same operations")
    for number, each in enumerate(zip(*steps, strict=True)):
        middle = float(np.median([operation["us"] for operation in each]))
        yield {"network": network, "number": number, "step_us": whole * 1e6} | each[0] | {"us": middle}


def _seconds(step: Callable[[], object]) -> float:
    found = []
    for _ in range(WARM + STEPS):
        began = time.perf_counter()
        step()
        found.append(time.perf_counter() - began)
    return float(np.median(found[WARM:]))


def bound(frame: pd.DataFrame) -> pd.Series:
    """Microseconds that each operation would take at the machine's best convolution and copy, whichever is longer."""
    products = frame.macs / frame.ceiling_conv_tmacs / 1e6
    moved = frame.bytes / frame.ceiling_copy_gb_s / 1e3
    return np.maximum(products, moved)


def text(frame: pd.DataFrame) -> str:
    """What the README says of a run."""
    parts = []
    for network, found in frame.groupby("network", sort=False):
        found = found.assign(bound=bound(found))
        step, multiplies = found.step_us.iloc[0], found.macs > 0
        moving = found[~multiplies]
        first = found.iloc[0]
        parts.append(
            f"**A training step of {network}** on {BATCH} pictures, {step / 1e3:.1f} ms; its longest operations:"
        )
        parts.append(_table(found.nlargest(SHOWN, "us"), step))
        held = _held_by_bytes(found)
        limit = f"of which {held:.0f} % for bytes: memory is the limit" if held > 50 else "products are the limit"
        parts.append(
            f"All {len(found)} operations take {found.us.sum() / 1e3:.1f} ms one by one: "
            f"{found[multiplies].us.sum() / 1e3:.1f} ms those that multiply "
            f"({found.macs.sum() / found[multiplies].us.sum() / 1e6:.2f} TMAC/s; the machine's best convolution: "
            f"{first.ceiling_conv_tmacs:.2f}), {moving.us.sum() / 1e3:.1f} ms those that only move numbers "
            f"({moving.bytes.sum() / moving.us.sum() / 1e3:.1f} GB/s; its copy: {first.ceiling_copy_gb_s:.0f}). With "
            f"each at the machine's best rate of products and of bytes, whichever takes longer, it would be "
            f"{found.bound.sum() / 1e3:.1f} ms, {limit}."
        )
    return "\n\n".join(parts) + "\n"


def _held_by_bytes(found: pd.DataFrame) -> float:
    """Percent of the bound in operations whose bytes take longer than their products."""
    moved = found.bytes / found.ceiling_copy_gb_s / 1e3
    return 100 * found.bound[moved >= found.bound].sum() / found.bound.sum()


def _table(found: pd.DataFrame, step: float) -> str:
    shown = pd.DataFrame({
        "Operation": [f"`{name}`" for name in found.operation],
        "Shapes": [" ".join(shapes.split()[:3]) for shapes in found.shapes],
        "us": [f"{us:,.0f}" for us in found.us],
        "% of step": [f"{100 * us / step:.0f}" for us in found.us],
        "GB/s": [f"{rate:.1f}" for rate in found.bytes / found.us / 1e3],
        "TMAC/s": [f"{rate:.2f}" if rate else "" for rate in found.macs / found.us / 1e6],
        "At best, us": [f"{us:,.0f}" for us in found.bound],
    })  # fmt: skip
    return piped(shown)
