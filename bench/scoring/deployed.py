"""Time and score of the decoders in each runtime and form, in floats and in 8-bit integers.

The networks are those of a results folder: every arm at equal channels, one training set, seed 0.

References
----------
Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference", 2018, https://arxiv.org/abs/1712.05877
https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html
"""

from __future__ import annotations

import logging
import platform
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from bench import timing
from bench.scoring.quality import Corruption, noisy_batches, score
from denoise import datasets
from denoise.graph import deploy
from denoise.inference import onnx_export
from denoise.models.base import AnySize
from denoise.noise import NOISES

Estimate = Callable[[Tensor, float], Tensor]

SEEN, HELD_OUT = 300, 1_000  # training images for calibration; validation images that are scored
BATCHES = (1, timing.BATCH)
TIMED_SIGMA = 0.4
INT8 = "onnxruntime-int8"


def rows(
    networks: dict[str, AnySize], dataset: str, clip: bool, root: Path | None, rounds: int
) -> Iterator[dict[str, Any]]:
    """Yield one row per network, runtime, form and batch size.

    All are timed in turns within one run. Two equal forms are both timed: their difference is the
    noise of the times.

    Parameters
    ----------
    networks : dict
        Networks by arm, in evaluation mode, float32.
    dataset, clip : str, bool
        Training set and clamping of the networks.
    root : Path, optional
        Data root.
    rounds : int
        Turns of each.

    Raises
    ------
    ValueError
        The packages of the extras `onnx` and `openvino` are missing.
    """
    corruptions = [Corruption("gaussian", s, clip) for s in NOISES["gaussian"].facts["levels"]]
    seen = datasets.load(dataset, "train", root).spread(SEEN)
    held_out = datasets.load(dataset, "val", root).spread(HELD_OUT)
    channels, height, width = held_out[0].shape
    calibration = [
        noisy.numpy() for each in corruptions for _, _, noisy in noisy_batches(seen, each)
    ]
    estimates: dict[str, Estimate] = {}
    facts: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for arm, network in tqdm(networks.items(), unit=" networks", leave=False, disable=None):
            for form in (deploy.FUSED, deploy.CONVOLUTIONS):
                made = deploy.in_form(network, form)
                file = Path(folder) / f"{arm}-{form}.onnx"
                onnx_export.any_batch(made, file, (channels, height, width))
                for runtime, (estimate, layers) in _runtimes(made, file, calibration).items():
                    name = f"{arm} {runtime} {form}"
                    estimates[name] = estimate
                    facts[name] = {"arm": arm, "runtime": runtime, "form": form} | layers
        rounded = [name for name, fact in facts.items() if fact["layers_int8"]]
        exact = [f"{arm} pytorch {deploy.FUSED}" for arm in networks]
        scored = {name: estimates[name] for name in (*exact, *rounded)}
        scores = _scores(scored, held_out, corruptions)
        _, _, noisy = next(noisy_batches(held_out, Corruption("gaussian", TIMED_SIGMA, clip)))
        cpu = torch.device("cpu")
        with tqdm(total=len(estimates) * rounds, unit=" turns", leave=False, disable=None) as bar:
            times = timing.measure(estimates, noisy, TIMED_SIGMA, cpu, BATCHES, rounds, bar.update)
    for name, fact in facts.items():
        change: dict[str, float] = {}
        if fact["layers_int8"]:
            exact_db = scores[f"{fact['arm']} pytorch {deploy.FUSED}"]
            change = {"psnr_db": scores[name], "change_db": scores[name] - exact_db}
        known = {"dataset": dataset, "clipped": clip, "pictures": len(held_out)}
        for batch, found in times[name].items():
            yield known | fact | change | {"batch": batch, "rounds": rounds} | found


def _scores(
    estimates: dict[str, Estimate], held_out: datasets.Pictures, corruptions: list[Corruption]
) -> pd.Series:
    """Return the mean PSNR over the levels and images of each estimate."""
    parts = [score(estimates, held_out, each) for each in corruptions]
    return pd.concat(parts).groupby("method").psnr_db.mean()


def _runtimes(
    network: AnySize, file: Path, calibration: list[np.ndarray]
) -> dict[str, tuple[Estimate, dict[str, int]]]:
    """Return the estimate of each runtime, and how many layers it computes in 8 bits."""
    try:
        import onnxruntime
        import openvino
    except ImportError as error:
        raise ValueError(
            f"{error.name} is not installed: pip install '.[onnx,openvino]'"
        ) from error

    @torch.inference_mode()
    def eager(noisy: Tensor, sigma: float) -> Tensor:
        return network(noisy)

    core = openvino.Core()
    exact = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    compiled = core.compile_model(core.read_model(file), "CPU", exact)
    rounded = file.with_suffix(".int8.onnx")
    quantize(file, rounded, calibration)
    total = sum(kind in ("Conv", "ConvTranspose") for kind in _kinds(file))
    optimized = file.with_suffix(".optimized.onnx")
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(optimized)
    options.log_severity_level = 3
    floats, integers = (
        onnxruntime.InferenceSession(path, given, providers=["CPUExecutionProvider"])
        for path, given in ((file, None), (rounded, options))
    )
    in_integers = sum(kind.startswith("QLinearConv") for kind in _kinds(optimized))
    none, some = ({"layers": total, "layers_int8": count} for count in (0, in_integers))
    return {
        "pytorch": (eager, none),
        "openvino": (lambda y, sigma: torch.from_numpy(compiled(y.numpy())[0]), none),
        "onnxruntime": (_of_session(floats), none),
        INT8: (_of_session(integers), some),
    }


def _of_session(session: Any) -> Estimate:
    return lambda y, sigma: torch.from_numpy(session.run(None, {"noisy": y.numpy()})[0])


def _kinds(file: Path) -> list[str]:
    """List the operations of an ONNX file."""
    import onnx

    return [node.op_type for node in onnx.load(file).graph.node]


def quantize(source: Path, target: Path, pictures: Iterable[np.ndarray]) -> None:
    """Quantize weights and activations of the ONNX file `source` to 8 bits; write `target`.

    Parameters
    ----------
    source, target : Path
    pictures : iterable of numpy.ndarray
        Calibration batches of the network's input shape, from which the range of each layer is
        measured.

    Raises
    ------
    ValueError
        The packages of the extra `onnx` are missing.
    """
    try:
        from onnxruntime import quantization
    except ImportError as error:
        raise ValueError(f"{error.name} is not installed: pip install '.[onnx]'") from error

    class Reader(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            self._left = iter(pictures)

        def get_next(self) -> dict[str, np.ndarray] | None:
            batch = next(self._left, None)
            return None if batch is None else {"noisy": batch}

    before = logging.root.manager.disable
    # it recommends a preparation of the file by a package not needed here
    logging.disable(logging.WARNING)
    try:
        quantization.quantize_static(
            source,
            target,
            Reader(),
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            reduce_range=_saturates(),
        )
    finally:
        logging.disable(before)


def _saturates() -> bool:
    """Return True if sums of two 8-bit products overflow on this CPU, so that 7 bits are needed.

    An x86 CPU without VNNI adds them in 16 bits.
    """
    return platform.machine() in ("x86_64", "AMD64") and not torch.cpu._is_vnni_supported()
