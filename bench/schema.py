"""Schema of all results: every column, its meaning and its unit.

Other modules write these names only.
"""

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
    "rmse": (
        "root mean square error over all pixels of all pictures together, in units of the [0, "
        "1] range"
    ),
    "worst_gain_db": (
        "lowest PSNR of a picture less that of its noisy input; empty if that is no method of "
        "the table"
    ),
    "status": "ok; published: what a paper reports; or invalid and why: an estimate was not finite, so the scores are "
    "empty and never averaged",
    "parameters": "trained numbers; of an ONNX model: numbers in its initializers",
    "macs": (
        "multiply-accumulates for one picture of this size; empty where an ONNX model has "
        "what cannot be counted"
    ),
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
"""Prefix of `status` in a row without scores; tables for readers show this word in place of the scores."""

KEY = ["dataset", "noise", "clipped", "sigma", "method"]
"""Columns that identify a row."""

CONDITION = {
    "trained_on": "dataset of the training pictures",
    "trained_clipped": "whether training noise was clamped to [0, 1]",
    "tested_on": "dataset of the test pictures",
    "noise": "kind of test noise",
    "clipped": "whether test noise was clamped",
    "levels": "noise level, or `all`: the mean of each picture's score over the levels",
    "budget": (
        "what is equal among the arms: channels, parameters or macs; empty for methods "
        "without training"
    ),
}
"""Columns that identify a condition."""

PROVENANCE = {
    "protocol": "hash of the rules behind a score (`bench/provenance.py`)",
    "commit": "of the code that scored it",
    "denoise": "version of this package",
    "python": "version",
    "torch": "version",
    "numpy": "version",
    "scikit_image": "version",
    "command": "what makes this row again",
}

SCORES = {
    "method": "name of the network or method without training, as in methods.csv",
    "dataset": "of the test pictures",
    "split": "which split",
    "noise": "kind of test noise",
    "clipped": "whether it was clamped",
    "sigma": "its level, in the units of that noise",
    "draw": "number of the noise draw",
    "picture": "key of the picture",
    "psnr_db": "PSNR of this picture, data_range 1; not a number where the estimate is not finite",
    "ssim": "SSIM of this picture",
}

METHODS = {
    "method": "its name: dataset, clamping, arm, channels, seed",
    "dataset": "of the training pictures",
    "clipped": "whether training noise was clamped",
    "arm": "decoder, ceiling, or method without training",
    "missing": "whether it has not been computed",
    "tests": "test conditions that it was scored under",
    "widths": (
        "channels of each upsampling stage, from the code to the picture (of every layer for dncnn)"
    ),
    "budgets": "the budgets that it is on",
    "seed": "training seed; empty for methods without training",
    "parameters": "trained numbers",
    "macs": "multiply-accumulates for one picture of 28x28",
    **{name: PROVENANCE[name] for name in PROVENANCE if name != "command"},
    "weights_sha256": "checksum of the weights",
    "command": PROVENANCE["command"],
    "images_seen": "pictures seen in training, each time under fresh noise",
    "train_seconds": "wall time of the training, on a machine that did other work too",
    "train_device": "where it was trained",
    "train_precision": "number format of the training",
    "validation_psnr_db": "mean over the levels, on pictures held out of training",
}

SUMMARY = {
    **CONDITION,
    "arm": "decoder, ceiling, or method without training",
    "status": "`ok`, or why the row is invalid: such rows are never averaged",
    "seeds": "training seeds behind the row",
    "pictures": "test pictures behind the row",
    "groups": "independent groups of them behind the intervals: fonts where pictures are letters",
    "ties": "arms of a condition and budget that share a letter are not told apart, at 95 % for all pairs at once; "
    "ceilings have none",
    "seed_sd_db": "standard deviation of the mean PSNR over the seeds",
    "psnr_db": "mean PSNR over pictures and seeds",
    "psnr_db_low": "lower end of its 95 % interval",
    "psnr_db_high": "upper end",
    "ssim": "mean SSIM",
    "ssim_low": "lower end of its 95 % interval",
    "ssim_high": "upper end",
    "methods": "the methods behind the row, a seed each, as in methods.csv",
    "weights_sha256": "first 12 digits of the checksum of each of their weights",
    **{name: PROVENANCE[name] for name in ("protocol", "commit", "torch", "numpy", "scikit_image")},
    "command": "what makes the scores of this row again; `collect` then makes the row",
}

DIFFERENCES = {
    **CONDITION,
    "arm": "one arm; a pair stands once",
    "other": "the other",
    "psnr_db": "mean of arm less other, on the same pictures and seeds",
    "psnr_db_low": "lower end of its 95 % interval",
    "psnr_db_high": "upper end",
    "tied": "whether the interval of this pair alone contains 0",
    "ssim": "mean difference of SSIM",
    "ssim_low": "lower end of its 95 % interval",
    "ssim_high": "upper end",
    "resolvable_db": "true difference that the condition finds 4 times of 5 (80 % power): 1.43 half widths of a pair's "
    "interval, in the median over the pairs of competing arms",
    "seeds": "training seeds behind the row",
    "pictures": "test pictures behind the row",
    "groups": "independent groups of them behind the intervals",
    "protocol": PROVENANCE["protocol"],
    "command": "what makes this row, from the scores of each picture",
}

CHECKERBOARD = {
    "method": "name of the network",
    "dataset": "of its training pictures, and of those it was measured on",
    "clipped": "whether noise was clamped",
    "arm": "decoder",
    "widths": "channels of each upsampling stage",
    "seed": "training seed",
    "when": (
        "`initial` (its normalisation statistics set by noisy batches, its weights untouched) "
        "or `trained`"
    ),
    "weights_sha256": "checksum of the weights; empty for `initial`",
    "stage_1": (
        "variance of the four phases relative to the squared mean: first upsampling stage, "
        "constant code"
    ),
    "stage_2": "the same of the second stage",
    "picture": (
        "the same of the whole decoder's answer to a constant code: what repeats every 2 pixels"
    ),
    "picture_period_4": (
        "variance of its 16 phases of a 4x4 cell that `picture` does not explain: every 4 pixels"
    ),
    "nyquist": (
        "energy of the residual at the Nyquist frequencies (period 2) relative to their "
        "neighbours, flat blocks"
    ),
    "residual_period_4": "the same at half the Nyquist frequencies: what the first of two stages leaves",
    "flat_blocks": "how many blocks of 8x8 the two are the mean of",
    **{name: PROVENANCE[name] for name in ("protocol", "commit", "torch", "command")},
}

COSTS = {
    "arm": "decoder, ceiling, or a network of your own (--model)",
    "widths": "channels of each upsampling stage; empty for your own",
    "budgets": "the budgets that it is on; empty for your own",
    "parameters": COLUMNS["parameters"],
    "macs": (
        "multiply-accumulates for one picture of 28x28; empty where an ONNX model has what "
        "cannot be counted"
    ),
    "activations": (
        "numbers that all convolutions and matrix products answer for one picture; empty for "
        "an ONNX model"
    ),
    "file_bytes": "size of the weights as safetensors; of an ONNX model: of its files",
    "peak_bytes": "most memory that a batch of `peak_bytes_batch` adds to the loaded network: on the processor the "
    "median of 5 fresh processes of one thread, in which each buffer is mapped on its own; on CUDA what the allocator "
    "says, after a warm-up; empty for an ONNX model, and on the processor outside Linux",
    "peak_bytes_batch": "pictures behind peak_bytes",
    "onnx": (
        "whether ONNX Runtime gives an equal answer (within 1e-4), or why there is none; "
        "empty for an ONNX model"
    ),
    "onnx_difference": "largest difference of the two answers",
    "onnxruntime": "version",
    "deterministic": (
        "whether repeated gradients were equal bit for bit; empty for what has nothing to train"
    ),
    "deterministic_mode": "the same under torch's deterministic mode, or what it refuses",
    "train_images_per_s": "training pictures a second on this device and these threads (bfloat16 autocast where the "
    "device has it; your own: with mean squared error); empty for what has no gradients",
    "train_batch": "pictures a training step",
    "batch": "pictures a call",
    "ms_p50": "median time of a call in milliseconds",
    "ms_p90": "its 90th percentile",
    "calls": "timed calls behind ms_p50 and ms_p90, at least 5 in each round",
    "images_per_s": "pictures a second of the median call",
    "fraction_of_ceiling": "MACs a second relative to the better of ceiling_matmul_tmacs and ceiling_conv_tmacs",
    "ceiling_matmul_tmacs": "best matrix product of this device, threads and number format, in 1e12 MACs a second",
    "ceiling_conv_tmacs": "best convolution 64 to 64, 3x3, channels_last",
    "ceiling_copy_gb_s": "best copy, bytes read and written, in 1e9 a second",
    "device": "cpu or cuda",
    **{
        name: COLUMNS[name]
        for name in (
            "cpu",
            "cpu_threads",
            "cpu_isa",
            "gpu",
            "dtype",
            "memory_layout",
            "compile_mode",
            "torch",
        )
    },
    "tf32": (
        "which float32 products are rounded to TF32 on CUDA, as torch's switches and the GPU "
        "say; empty on the CPU"
    ),
    "scikit_image": COLUMNS["scikit_image"],
    **{name: PROVENANCE[name] for name in ("protocol", "commit", "python", "command")},
}

TUTORIALS = {
    "network": "K1, K2, K2_resize (K2'), T1 or U1",
    "recipe": "`own`: as published; `project`: this project's",
    "dataset": "trained and tested on",
    "sigma": "level of training and test noise, clipped",
    "pictures": "test pictures",
    "share": "share of the recipe's pictures that was trained on: 1 is the recipe",
    "known": "what the tutorial says it reached",
    "psnr_db": "mean PSNR",
    "psnr_db_low": "lower end of its 95 % interval over pictures",
    "psnr_db_high": "upper end",
    "ssim": "mean SSIM",
    "ssim_low": "lower end of its 95 % interval over pictures",
    "ssim_high": "upper end",
    "bce": "binary cross-entropy on the test pictures: Keras calls it validation loss",
    "mse": "mean squared error on the test pictures",
    "images_seen": "pictures seen in training, all stages",
    "parameters": "trained numbers",
    "macs": "multiply-accumulates for one picture",
    "train_seconds": "wall time of the training, all stages",
    "train_device": "where it was trained",
    "train_precision": "number format of the training",
    "weights_sha256": "checksum of the weights",
    **PROVENANCE,
}

RESCORE = {
    **{
        name: COLUMNS[name]
        for name in ("dataset", "split", "pictures", "noise", "clipped", "sigma", "draw", "method")
    },
    "convention": "whose convention (`bench/scoring/conventions.py`)",
    "psnr_db": "PSNR of the set under it",
    "ssim": "SSIM of the set under it",
    **PROVENANCE,
}

LEARNING_RATES = {
    "decoder": "upsampling stage",
    "width": "channels of the encoder's first stage",
    "images": "pictures seen",
    "lr": "Adam's highest learning rate",
    "seed": "training seed",
    "validation_psnr_db": "mean over the levels, on pictures held out of training",
    "precision": "number format of the training",
    "torch": "version",
    "weights_sha256": "checksum of the weights",
    "command": "what made the network; the card beside its weights has the score",
}

PHOTO_TRIALS = {
    "dataset": "trained on, and validated on pictures of it that were held out",
    "architecture": "network",
    "decoder": "upsampling stage",
    "width": "channels of the encoder's first stage",
    "depth": "poolings",
    "output": "what the network ends in",
    "bias": "with biases and batch normalisation",
    "init": "initial weights",
    "loss": "training loss",
    "optimiser": "what makes steps of gradients",
    "lr": "highest learning rate",
    "images": "pictures seen in this training",
    "start_sha256": "weights that it went on from; empty where it began anew",
    "validation_psnr_15_db": "PSNR on pictures held out, at 15/255; empty where there is no added noise",
    "validation_psnr_25_db": "the same at 25/255",
    "validation_psnr_50_db": "the same at 50/255",
    "validation_psnr_0_db": "the same without added noise: of stained pages",
    "seed": "training seed",
    "precision": "number format of the training",
    "torch": "version",
    "weights_sha256": "checksum of the weights",
    "command": "what made the network; the card beside its weights has the scores",
}

LEVELS = {
    "dataset": "name of the dataset",
    "pictures": "number of pictures",
    "sigma_255": "standard deviation of the Gaussian noise, times 255; not clamped",
    "estimator": "name in `denoise.noise_level.ESTIMATORS`",
    "bias_255": "mean of estimate less truth, times 255",
    "rmse_255": "root of the mean squared error, times 255",
    "worst_255": "largest error, times 255",
    "cpu_ms_p50": "median time of one picture on the processor, in milliseconds",
    **PROVENANCE,
}

TIMED = {  # conditions of every row of times
    "cpu": "processor",
    "cpu_isa": "instruction set",
    "torch": "version",
    "protocol": "hash of the rules of measurement",
    "commit": "of the code",
    "python": "version",
    "command": "what made the row",
}

INT8 = {
    "network": "shipped weights",
    "dataset": "name of the dataset",
    "pictures": "held out of training",
    "sigma": "level of the noise, clamped",
    "psnr_float32_db": "mean PSNR as trained",
    "psnr_int8_db": "the same in 8-bit integers, by ONNX Runtime",
    "change_db": "the latter less the former",
    "version": "of ONNX Runtime",
    **PROVENANCE,
}

SPEED = {
    "network": "`bench.speed.systems.NETWORKS`",
    "task": "clean (a picture's noise), or train (a step: forward, backward, Adam)",
    "system": "`bench.speed.systems.SYSTEMS`",
    "version": "of the program behind it",
    "ran": "number format, memory layout, and what else decides how",
    "batch": "28x28 pictures a call, or a training step",
    "round": "every system has its turn in each; those of one round are compared",
    "calls": "timed calls of this turn",
    "ms_p50": "median milliseconds of a call",
    "ms_p90": "the same, nine of ten calls below",
    "images_per_s": "pictures a second of the median call",
    "parameters": "trained numbers of the network",
    "macs": "multiply-accumulates for one picture, as it was trained",
    "fused_macs": "the same after `denoise.fuse`: what the engine computes",
    "ceiling_matmul_tmacs": "matrix product of this machine in its quickest format, TMAC/s, the best of this round",
    "ceiling_conv_tmacs": "convolution 64 -> 64, 3x3, channels_last, the like",
    "ceiling_copy_gb_s": "bytes read and written a second in a copy, GB/s, the like",
    "cpu_threads": "threads of each system",
    "gpu": "the GPU that was timed; empty where the processor was",
    **TIMED,
}

SCALE = {
    "what": "size (of one picture), number (of pictures), or what was started",
    "network": "shipped weights",
    "threads": "of PyTorch",
    "pictures": "number of pictures",
    "side": "of a picture, in pixels",
    "seconds": "of a call: median of the turns, each the median of its calls",
    "peak_bytes": "most memory that a call adds to what the process holds",
    **TIMED,
}

REACH = {
    "network": "`bench.sweep.tutorials.TUTORIALS_BY_NAME`",
    "optimiser": "what makes steps of gradients",
    "training": "the command that was timed",
    "threads": "of PyTorch",
    "seconds": "from the start of its process to its end",
    "train_seconds": "of them from its first step on; empty in runs from before this was noted",
    "images_seen": "pictures seen in training",
    "pictures": "test pictures",
    "bce": "binary cross-entropy on the test pictures afterwards: Keras calls it validation loss",
    "known_bce": "what the tutorial publishes",
    "psnr_db": "mean over the test pictures",
    "gpu": "the GPU that it was trained on; empty where the processor was it",
    **TIMED,
}

FILES = {
    "table.csv": COLUMNS,
    "learning-rates.csv": LEARNING_RATES,
    "photo-trials.csv": PHOTO_TRIALS,
    "rescore.csv": RESCORE,
    "levels.csv": LEVELS,
    "int8.csv": INT8,
    "*/methods.csv": METHODS,
    "*/scores-DATASET-CLIPPED.parquet": SCORES,
    "*/summary.csv": SUMMARY,
    "*/differences.csv": DIFFERENCES,
    "*/checkerboard.csv": CHECKERBOARD,
    "tutorials/tutorials.csv": TUTORIALS,
    "tutorials/scores.parquet": SCORES,
    "*/costs-MACHINE-DEVICE.csv": COSTS,
    "speed/MACHINE-DEVICE.csv": SPEED,
    "training/MACHINE-DEVICE.csv": SPEED,
    "scale/MACHINE-DEVICE.csv": SCALE,
    "reach/MACHINE-DEVICE.csv": REACH,
}
"""Columns of every result file that a program reads."""
