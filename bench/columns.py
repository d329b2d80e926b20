"""The one schema of the table: every column, its meaning and its unit. Other modules write these names only."""

from __future__ import annotations

COLUMNS = {
    "dataset": "name of the dataset",
    "split": "which split was scored",
    "pictures": "number of pictures scored",
    "height": "of a picture, in pixels; of the first where sizes differ",
    "width": "of a picture, in pixels; of the first where sizes differ",
    "noise": "kind of noise",
    "clipped": "whether the noisy picture was clamped to [0, 1]",
    "sigma": "noise level in units of the [0, 1] range",
    "sigma_255": "noise level in units of the 0-255 range",
    "draw": "number of the noise draw",
    "method": "name of the denoiser",
    "label": "name of the denoiser for people",
    "told_sigma": "whether the denoiser is told the noise level",
    "trained_on": "dataset of the training pictures (networks only)",
    "decoder": "upsampling stage (networks only)",
    "psnr_db": "mean over pictures of the PSNR, data_range 1, output clamped",
    "psnr_ci95_db": "half width of its 95 % interval over pictures",
    "ssim": "mean over pictures of the SSIM (convention in ssim_convention)",
    "ssim_ci95": "half width of its 95 % interval over pictures",
    "status": "ok, or invalid and why: an estimate was not finite, so the scores are empty and never averaged",
    "parameters": "trained numbers; of an ONNX model: numbers in its initializers",
    "macs": "multiply-accumulates for one picture of this size; empty where an ONNX model has what cannot be counted",
    "cpu_ms_p50": "median time of one picture alone on the processor, in milliseconds",
    "cpu_ms_p90": "its 90th percentile",
    "cpu_images_per_s": "pictures a second on the processor in batches of `batch`",
    "gpu_ms_p50": "as cpu_ms_p50 on the GPU; empty where there is none",
    "gpu_ms_p90": "as cpu_ms_p90 on the GPU; empty where there is none",
    "gpu_images_per_s": "as cpu_images_per_s on the GPU; empty where there is none",
    "batch": "pictures a call behind images_per_s",
    "timed_sigma": "noise level of the pictures that were timed",
    "cpu": "processor",
    "cpu_threads": "threads that PyTorch used",
    "cpu_isa": "instruction set that PyTorch used",
    "gpu": "GPU; empty where there is none",
    "dtype": "number format of the network",
    "memory_layout": "memory layout of the network",
    "compile_mode": "torch.compile mode, or what ran the network in its place",
    "torch": "PyTorch version",
    "scikit_image": "scikit-image version",
    "ssim_convention": "window and region of the SSIM",
    "weights_sha256": "checksum of the weights (networks only)",
    "command": "what made this row",
}

INVALID = "invalid"
"""How the `status` of a row without scores begins; tables for people show this word in place of the scores."""

KEY = ["dataset", "noise", "clipped", "sigma", "method"]
"""The columns that name a row."""
