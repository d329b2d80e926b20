"""Scores of networks in 8-bit integers, by ONNX Runtime's static quantization.

The engine does not use 8-bit integers: it lowers the precision only if no score moves by 0.01 dB.

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
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.scoring.quality import Corruption, noisy_batches, score
from denoise import datasets
from denoise.graph.fusion import fuse
from denoise.inference import engine, onnx_export
from denoise.models import weights

SHAPE = (1, 28, 28)
NETWORKS = ("mnist-nearest", "mnist-bilinear", "mnist-transposed_k3")
SIGMAS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
SEEN, HELD_OUT = 300, 1_000  # training images for calibration; validation images that are scored


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


def rows(name: str, root: Path | None) -> Iterator[dict[str, Any]]:
    """Yield one row per noise level: scores of shipped weights in float32 and in 8 bits."""
    denoiser = engine.load(weights.locate(name), "cpu", "float32")
    dataset = denoiser.card["settings"]["dataset"]
    seen = datasets.load(dataset, "train", root).spread(SEEN)
    held_out = datasets.load(dataset, "val", root).spread(HELD_OUT)
    with tempfile.TemporaryDirectory() as folder:
        exact, rounded = Path(folder) / "float32.onnx", Path(folder) / "int8.onnx"
        onnx_export.any_batch(fuse(denoiser.network), exact, SHAPE)
        quantize(exact, rounded, _noisy(seen))
        import onnxruntime  # imported last: `quantize` reports a missing package

        session = onnxruntime.InferenceSession(rounded, providers=["CPUExecutionProvider"])
    arms = {
        "float32": denoiser.estimate,
        "int8": lambda noisy, sigma: torch.from_numpy(
            session.run(None, {"noisy": noisy.numpy()})[0]
        ),
    }
    for sigma in SIGMAS:
        found = (
            score(arms, held_out, Corruption("gaussian", sigma, clip=True))
            .groupby("method")
            .psnr_db.mean()
        )
        known = {"network": name, "dataset": dataset, "pictures": len(held_out), "sigma": sigma}
        scores = {f"psnr_{arm}_db": found[arm] for arm in arms}
        yield (
            known
            | scores
            | {"change_db": found["int8"] - found["float32"], "version": onnxruntime.__version__}
        )


def _noisy(pictures: datasets.Pictures) -> Iterator[np.ndarray]:
    for sigma in SIGMAS:
        for _, _, noisy in noisy_batches(pictures, Corruption("gaussian", sigma, clip=True)):
            yield noisy.numpy()
