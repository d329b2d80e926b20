"""PyTorch systems: a plain program, each step from it to this package's engine, and the engine.

The worker process is `python -m bench.speed.workers.ours`.
"""

from __future__ import annotations

import functools
import json
import tempfile
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from bench import provenance
from bench.speed.workers.serve import Call, Job, serve
from denoise.graph.cuda_graphs import Replayed
from denoise.inference.backends import lower
from denoise.inference.engine import Denoiser
from denoise.models import weights
from denoise.models.base import AnySize

LR = 1e-3  # of Adam, as in Keras


def eager(
    architecture: str,
    shape: list[int],
    batch: int,
    threads: int,
    device: str,
    *,
    layout: str,
    dtype: str,
) -> Job:
    """Run the original network in a memory layout and a number format."""
    network = _network(architecture, device).to(dtype=getattr(torch, dtype))
    network = network.to(memory_format=getattr(torch, layout))
    images = _images(batch, shape, threads, device, layout).to(getattr(torch, dtype))
    rounded = (
        [f"TF32: {provenance.tf32(images.device)}"]
        if device == "cuda" and dtype == "float32"
        else []
    )
    return _call(network.net, images), batch, ", ".join([dtype, layout, *rounded])


def lowered(
    architecture: str,
    shape: list[int],
    batch: int,
    threads: int,
    device: str,
    *,
    backend: str,
    dtype: str,
) -> Job:
    """Run the fused network on a backend."""
    network = lower(_network(architecture, device), backend, getattr(torch, dtype))
    return (
        _call(network, _images(batch, shape, threads, device)),
        batch,
        f"{backend}, {dtype}, channels_last",
    )


def compiled(architecture: str, shape: list[int], batch: int, threads: int, device: str) -> Job:
    """Run the fused network in bfloat16, compiled for this batch size; it needs a compiler.

    On a GPU, torch.compile also records a CUDA graph.
    """
    mode = "reduce-overhead" if device == "cuda" else None
    network = torch.compile(
        lower(_network(architecture, device), "aten", torch.bfloat16), dynamic=False, mode=mode
    )
    ran = ["inductor", "bfloat16", "channels_last"] + ([mode] if mode else [])
    return _call(network, _images(batch, shape, threads, device)), batch, ", ".join(ran)


def packaged(architecture: str, shape: list[int], batch: int, threads: int, device: str) -> Job:
    """Run the fused network in bfloat16, compiled ahead of time into a package without Python."""
    import torch._inductor

    images = _images(batch, shape, threads, device)
    network = lower(_network(architecture, device), "aten", torch.bfloat16)
    with torch.no_grad(), tempfile.TemporaryDirectory() as folder:
        exported = torch.export.export(network, (images,))
        file = torch._inductor.aoti_compile_and_package(
            exported, package_path=f"{folder}/network.pt2"
        )
        run = torch._inductor.aoti_load_package(file)
    return _waited(lambda: run(images), device), batch, "AOTInductor, bfloat16, channels_last"


def engine(
    architecture: str,
    shape: list[int],
    batch: int,
    threads: int,
    device: str,
    *,
    rounded: bool = True,
) -> Job:
    """Run the network as `denoise.load(...)` does; without `rounded`, in float32."""
    images = _images(batch, shape, threads, device)
    # Untrained weights have no scores that could change; only speed is measured, and the report
    # says so.
    known = {weights.BFLOAT16: {"not trained": 0.0}} if rounded else {}
    card = {"architecture": json.loads(architecture)} | known
    denoiser = Denoiser(_network(architecture, device), "engine", card, device)
    return (
        _waited(lambda: denoiser.estimate(images), device),
        batch,
        f"{denoiser.plan}, channels_last",
    )


def training(
    architecture: str,
    shape: list[int],
    batch: int,
    threads: int,
    device: str,
    *,
    layout: str,
    autocast: bool,
    recording: bool = False,
) -> Job:
    """Train with Adam on binary cross-entropy, as in the Keras example.

    With `recording`, the gradients are a CUDA graph, and Adam is fused.
    """
    clean = _images(batch, shape, threads, device, layout)
    network = _network(architecture, device).to(memory_format=getattr(torch, layout)).train()
    optimizer = torch.optim.Adam(network.parameters(), LR, fused=recording)

    def gradients(clean: Tensor) -> Tensor:
        with torch.autocast(clean.device.type, torch.bfloat16, enabled=autocast):
            logits = network.logits(clean)
        loss = F.binary_cross_entropy_with_logits(logits.float(), clean)
        optimizer.zero_grad()
        loss.backward()
        return loss.detach()

    compute = Replayed(gradients, choosing=True) if recording else gradients

    def step() -> None:
        compute(clean)
        optimizer.step()

    ran = ["bfloat16 autocast" if autocast else "float32", layout, *["recorded"] * recording]
    return _waited(step, device), batch, ", ".join(ran)


def _network(architecture: str, device: str) -> AnySize:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return weights.build(json.loads(architecture)).eval().to(device)


def _images(
    batch: int, shape: list[int], threads: int, device: str, layout: str = "channels_last"
) -> Tensor:
    torch.set_num_threads(threads)
    images = torch.rand(batch, *shape, generator=torch.Generator().manual_seed(0)).to(device)
    return images.contiguous(memory_format=getattr(torch, layout))


def _call(network: Callable[[Tensor], Tensor], images: Tensor) -> Call:
    @torch.inference_mode()
    def call() -> Tensor:
        return network(images)

    return _waited(call, images.device.type)


def _waited(call: Call, device: str) -> Call:
    """Return a call that ends if the device has finished; PyTorch's GPU calls return earlier."""
    if device != "cuda":
        return call

    def waited() -> None:
        call()
        torch.cuda.synchronize()

    return waited


SYSTEMS: dict[str, Callable[..., Job]] = {
    "eager": functools.partial(eager, layout="contiguous_format", dtype="float32"),
    "eager_channels_last": functools.partial(eager, layout="channels_last", dtype="float32"),
    "eager_bfloat16": functools.partial(eager, layout="channels_last", dtype="bfloat16"),
    "fused": functools.partial(lowered, backend="aten", dtype="float32"),
    "fused_bfloat16": functools.partial(lowered, backend="aten", dtype="bfloat16"),
    "cudnn_bfloat16": functools.partial(lowered, backend="cudnn", dtype="bfloat16"),
    "onednn_bfloat16": functools.partial(lowered, backend="onednn", dtype="bfloat16"),
    "compiled": compiled,
    "packaged": packaged,
    "engine": engine,
    "engine_float32": functools.partial(engine, rounded=False),
    "train": functools.partial(training, layout="contiguous_format", autocast=False),
    "train_channels_last": functools.partial(training, layout="channels_last", autocast=False),
    "train_bfloat16": functools.partial(training, layout="channels_last", autocast=True),
    "train_recorded": functools.partial(
        training, layout="channels_last", autocast=True, recording=True
    ),
}

if __name__ == "__main__":
    serve(SYSTEMS, lambda system: torch.__version__)
