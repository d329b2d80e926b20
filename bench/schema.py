"""Schema of all results: every column, its meaning and its unit.

Every module that writes results uses these names only.
"""

from __future__ import annotations

COLUMNS = {
    "dataset": "name of the dataset",
    "split": "split that was scored",
    "pictures": "number of images scored",
    "height": "height of an image, in pixels; of the first image if sizes differ",
    "width": "width of an image, in pixels; of the first image if sizes differ",
    "noise": "kind of noise",
    "clipped": "True if noisy images were clamped to [0, 1]",
    "sigma": "noise level in units of the [0, 1] range",
    "sigma_255": "noise level in units of the 0-255 range",
    "draw": "number of the noise draw",
    "method": "name of the denoiser",
    "label": "label of the denoiser for readers",
    "told_sigma": "True if sigma is an input of the denoiser",
    "trained_on": "dataset of the training images (networks only)",
    "decoder": "upsampling stage (networks only)",
    "psnr_db": "mean PSNR over images, data_range 1, output clamped",
    "psnr_ci95_db": "half width of its 95 % interval over images",
    "ssim": "mean SSIM over images (convention in ssim_convention)",
    "ssim_ci95": "half width of its 95 % interval over images",
    "rmse": "root mean square error over all pixels of all images, in units of the [0, 1] range",
    "worst_gain_db": (
        "lowest PSNR gain of an image over its noisy input; empty if the table lacks the method "
        "`noisy`"
    ),
    "status": (
        "`ok`; `published` (score reported by a paper); or `invalid` and the reason (an estimate "
        "was not finite: scores are empty and never averaged)"
    ),
    "parameters": "number of trained parameters; of an ONNX model: numbers in its initializers",
    "macs": (
        "multiply-accumulates for one image of this size; empty if an ONNX model has operators "
        "that cannot be counted"
    ),
    "cpu_ms_p50": "median CPU time of one image alone, in milliseconds",
    "cpu_ms_p90": "90th percentile of the CPU time of one image, in milliseconds",
    "cpu_images_per_s": "images per second on the CPU in batches of `batch`",
    "gpu_ms_p50": "same as cpu_ms_p50 on the GPU; empty without a GPU",
    "gpu_ms_p90": "same as cpu_ms_p90 on the GPU; empty without a GPU",
    "gpu_images_per_s": "same as cpu_images_per_s on the GPU; empty without a GPU",
    "batch": "images per call for images_per_s",
    "timed_sigma": "noise level of the timed images",
    "cpu": "CPU model",
    "cpu_threads": "number of PyTorch threads",
    "cpu_isa": "instruction set that PyTorch used",
    "gpu": "GPU model; empty without a GPU",
    "dtype": "number format of the network",
    "memory_layout": "memory layout of the network",
    "compile_mode": "torch.compile mode, or the other runtime of the network",
    "torch": "PyTorch version",
    "scikit_image": "scikit-image version",
    "ssim_convention": "window and region of the SSIM",
    "weights_sha256": "SHA-256 of the weights (networks only)",
    "commit": "commit of the code that made this row; empty for a published row",
    "command": "command that made this row",
}

INVALID = "invalid"
"""Prefix of `status` in a row without scores; tables for readers show it instead of scores."""

KEY = ["dataset", "noise", "clipped", "sigma", "method"]
"""Columns that identify a row."""

CONDITION = {
    "trained_on": "dataset of the training images",
    "trained_clipped": "True if noisy training images were clamped to [0, 1]",
    "tested_on": "dataset of the test images",
    "noise": "kind of test noise",
    "clipped": "True if noisy test images were clamped to [0, 1]",
    "levels": "noise level, or `all`: mean of each image's scores over the levels",
    "budget": (
        "cost that is equal for all arms: channels, parameters or macs; empty for untrained methods"
    ),
}
"""Columns that identify a condition."""

PROVENANCE = {
    "protocol": "hash of the rules behind a score (`bench/provenance.py`)",
    "commit": "commit of the code that computed the scores",
    "denoise": "version of this package",
    "python": "Python version",
    "torch": "PyTorch version",
    "numpy": "NumPy version",
    "scikit_image": "scikit-image version",
    "command": "command that makes this row again",
}

SCORES = {
    "method": "name of the network or untrained method, as in methods.csv",
    "dataset": "dataset of the test images",
    "split": "split of the test images",
    "noise": "kind of test noise",
    "clipped": "True if noisy test images were clamped to [0, 1]",
    "sigma": "noise level, in the units of its kind of noise",
    "draw": "number of the noise draw",
    "picture": "key of the image",
    "psnr_db": "PSNR of this image, data_range 1; NaN if the estimate is not finite",
    "ssim": "SSIM of this image",
}

METHODS = {
    "method": "name of the method: dataset, clamping, arm, channels, seed",
    "dataset": "dataset of the training images",
    "clipped": "True if noisy training images were clamped to [0, 1]",
    "arm": "decoder, ceiling or untrained method",
    "missing": "True if the method has no scores yet",
    "tests": "number of test conditions with scores",
    "widths": (
        "channels of each upsampling stage, from the code to the image (of every layer for dncnn)"
    ),
    "budgets": "budgets that the network meets",
    "seed": "training seed; empty for untrained methods",
    "parameters": "number of trained parameters",
    "macs": "multiply-accumulates for one 28x28 image",
    **{name: PROVENANCE[name] for name in PROVENANCE if name != "command"},
    "weights_sha256": "SHA-256 of the weights",
    "command": PROVENANCE["command"],
    "images_seen": "training length in images, each with new noise",
    "train_seconds": "wall time of the training in seconds, on a machine with other jobs",
    "train_device": "device of the training",
    "train_precision": "number format of the training",
    "validation_psnr_db": "mean PSNR over the levels, on validation images",
}

SUMMARY = {
    **CONDITION,
    "arm": "decoder, ceiling or untrained method",
    "status": "`ok`, or the reason why the row is invalid; invalid rows are never averaged",
    "seeds": "number of training seeds",
    "pictures": "number of test images",
    "groups": "independent groups of test images for the intervals: fonts if images are letters",
    "seed_sd_db": "standard deviation of the mean PSNR over the seeds",
    "psnr_db": "mean PSNR over images and seeds",
    "psnr_db_low": "lower end of the 95 % interval of psnr_db",
    "psnr_db_high": "upper end of the 95 % interval of psnr_db",
    "ssim": "mean SSIM over images and seeds",
    "ssim_low": "lower end of the 95 % interval of ssim",
    "ssim_high": "upper end of the 95 % interval of ssim",
    "methods": "methods of the row, one per seed, as in methods.csv",
    "weights_sha256": "first 12 digits of the SHA-256 of each method's weights",
    **{name: PROVENANCE[name] for name in ("protocol", "commit", "torch", "numpy", "scikit_image")},
    "command": "command that makes the scores of this row again; `collect` then makes the row",
}

DIFFERENCES = {
    **CONDITION,
    "arm": "first arm of the pair; each pair has one row",
    "other": "second arm of the pair",
    "psnr_db": "mean PSNR of `arm` minus `other`, on the same images and seeds",
    "psnr_db_low": "lower end of the 95 % interval of psnr_db",
    "psnr_db_high": "upper end of the 95 % interval of psnr_db",
    "verdict": (
        "`equal`: within 0.05 dB (equivalence test at 5 %); else `better` or `worse`: the "
        "interval excludes 0; else, or with one seed, `undecided`"
    ),
    "ssim": "mean SSIM of `arm` minus `other`, on the same images and seeds",
    "ssim_low": "lower end of the 95 % interval of ssim",
    "ssim_high": "upper end of the 95 % interval of ssim",
    "resolvable_db": (
        "true difference that the pair detects with 80 % power: 1.43 half widths of its interval"
    ),
    "seeds": "number of training seeds",
    "pictures": "number of test images",
    "groups": "independent groups of test images for the intervals",
    "protocol": PROVENANCE["protocol"],
    "command": "command that makes this row from the scores of each image",
}

CHECKERBOARD = {
    "method": "name of the network",
    "dataset": "dataset of the training images and of the measured images",
    "clipped": "True if noisy images were clamped to [0, 1]",
    "arm": "decoder",
    "widths": "channels of each upsampling stage",
    "seed": "training seed",
    "when": (
        "`initial` (normalization statistics from noisy batches, initial weights) or `trained`"
    ),
    "weights_sha256": "SHA-256 of the weights; empty for `initial`",
    "stage_1": (
        "variance over the four phases of a 2x2 cell, relative to the squared mean: first "
        "upsampling stage, constant code"
    ),
    "stage_2": "same ratio as stage_1 for the second upsampling stage",
    "picture": (
        "same ratio as stage_1 for the output of the whole decoder on a constant code: patterns "
        "of period 2"
    ),
    "picture_period_4": (
        "variance over the 16 phases of a 4x4 cell that `picture` does not explain: patterns of "
        "period 4"
    ),
    "nyquist": (
        "energy of the residual on flat blocks at the Nyquist frequencies (period 2), relative to "
        "their neighbors"
    ),
    "residual_period_4": (
        "same ratio as nyquist at half the Nyquist frequencies (period 4), from the first of two "
        "stages"
    ),
    "flat_blocks": "number of flat 8x8 blocks behind nyquist and residual_period_4",
    **{name: PROVENANCE[name] for name in ("protocol", "commit", "torch", "command")},
}

EARLY = {
    "method": "name of the network in the weights files of the folder",
    "dataset": "dataset of the training images; its validation images are measured",
    "arm": CHECKERBOARD["arm"],
    "step": "number of training steps",
    "images": "number of training images seen",
    "lr": "highest learning rate",
    "psnr_db": "mean PSNR of 500 validation images, Gaussian noise, sigma 0.4, clipped",
    **{
        name: CHECKERBOARD[name]
        for name in (
            *("stage_1", "stage_2", "picture", "picture_period_4"),
            *("nyquist", "residual_period_4", "flat_blocks"),
            *("protocol", "commit", "torch", "command"),
        )
    },
}

COSTS = {
    "arm": "decoder, ceiling or user's network (--model)",
    "widths": "channels of each upsampling stage; empty for a user's network",
    "budgets": "budgets that the network meets; empty for a user's network",
    "parameters": COLUMNS["parameters"],
    "macs": (
        "multiply-accumulates for one 28x28 image; empty if an ONNX model has operators that "
        "cannot be counted"
    ),
    "activations": (
        "outputs of all convolutions and matrix products for one image; empty for an ONNX model"
    ),
    "file_bytes": "size of the weights as safetensors; of an ONNX model: size of its files",
    "peak_bytes": (
        "peak memory that a batch of `peak_bytes_batch` adds to the loaded network. CPU: median "
        "of 5 new processes of one thread, each buffer mapped on its own. CUDA: peak of the "
        "allocator after a warm-up. Empty for an ONNX model, and for the CPU outside Linux"
    ),
    "peak_bytes_batch": "images per batch for peak_bytes",
    "onnx": (
        "`equal` if the output of ONNX Runtime is within 1e-4, else `differs` or the error; empty "
        "for an ONNX model"
    ),
    "onnx_difference": "largest difference between the outputs of PyTorch and ONNX Runtime",
    "onnxruntime": "ONNX Runtime version",
    "deterministic": (
        "`yes` if repeated gradients were equal bit for bit, else `no` or the error; empty "
        "without trained parameters"
    ),
    "deterministic_mode": (
        "same as deterministic in PyTorch's deterministic mode; `refused` names the operation"
    ),
    "train_images_per_s": (
        "training images per second on this device and number of threads (bfloat16 autocast if "
        "the device supports it; mean squared error for a user's network); empty without gradients"
    ),
    "train_batch": "images per training step",
    "batch": "images per call",
    "ms_p50": "median time of a call in milliseconds",
    "ms_p90": "90th percentile of the time of a call in milliseconds",
    "calls": "timed calls for ms_p50 and ms_p90, at least 5 in each round",
    "images_per_s": "images per second at the median time of a call",
    "fraction_of_ceiling": (
        "MACs per second relative to the higher of ceiling_matmul_tmacs and ceiling_conv_tmacs"
    ),
    "ceiling_matmul_tmacs": (
        "best matrix product of this device, threads and number format, in 1e12 MACs per second"
    ),
    "ceiling_conv_tmacs": (
        "best 3x3 convolution of 64 to 64 channels, channels_last, in 1e12 MACs per second"
    ),
    "ceiling_copy_gb_s": "best copy, in 1e9 bytes read and written per second",
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
        "float32 products rounded to TF32 on CUDA, by PyTorch's switches and the GPU; empty on "
        "the CPU"
    ),
    "scikit_image": COLUMNS["scikit_image"],
    **{name: PROVENANCE[name] for name in ("protocol", "commit", "python", "command")},
}

TUTORIALS = {
    "network": "K1, K2, K2_resize (K2'), T1 or U1",
    "recipe": "`own`: as published; `project`: this project's",
    "dataset": "dataset of the training and test images",
    "sigma": "noise level in training and test, clipped",
    "pictures": "number of test images",
    "share": "fraction of the recipe's training images; 1 is the whole recipe",
    "known": "result that the tutorial publishes",
    "psnr_db": "mean PSNR over images",
    "psnr_db_low": "lower end of the 95 % interval of psnr_db over images",
    "psnr_db_high": "upper end of the 95 % interval of psnr_db over images",
    "ssim": "mean SSIM over images",
    "ssim_low": "lower end of the 95 % interval of ssim over images",
    "ssim_high": "upper end of the 95 % interval of ssim over images",
    "bce": "binary cross-entropy on the test images; Keras calls it validation loss",
    "mse": "mean squared error on the test images",
    "images_seen": "training length in images, all stages",
    "parameters": "number of trained parameters",
    "macs": "multiply-accumulates for one image",
    "train_seconds": "wall time of the training in seconds, all stages",
    "train_device": "device of the training",
    "train_precision": "number format of the training",
    "weights_sha256": "SHA-256 of the weights",
    **PROVENANCE,
}

RESCORE = {
    **{
        name: COLUMNS[name]
        for name in ("dataset", "split", "pictures", "noise", "clipped", "sigma", "draw", "method")
    },
    "convention": "name of the convention (`bench/scoring/conventions.py`)",
    "psnr_db": "PSNR of the dataset under the convention",
    "ssim": "SSIM of the dataset under the convention",
    **PROVENANCE,
}

CURVES = {
    "method": "name of the network, as in methods.csv; of its longest training",
    "images": "training length in images",
    "validation_psnr_db": "mean PSNR over the levels, on validation images",
    "psnr_db": "mean PSNR over the levels and test images of its own training set and clamping",
    "ssim": "mean SSIM over the same images",
    "weights_sha256": "SHA-256 of the weights of this length",
    **{name: PROVENANCE[name] for name in ("protocol", "commit", "torch")},
}

LEARNING_RATES = {
    "body": "backbone of the decoder",
    "dataset": "dataset of the training images",
    "arm": "decoder, at the first clamping and budget of its backbone",
    "widths": "channels of each upsampling stage",
    "lr": "highest learning rate",
    "seed": "training seed",
    "images": "training length in images",
    "validation_psnr_db": "mean PSNR over the levels, on validation images; empty if diverged",
    "weights_sha256": "SHA-256 of the weights; empty if diverged",
    **{name: PROVENANCE[name] for name in ("protocol", "commit", "torch", "command")},
}

RULE_SETTINGS = {
    "dataset": "dataset of the training and test images",
    "clipped": "True if the noise is clamped",
    "width": "channels of the encoder's first stage",
    "depth": "number of poolings in the encoder",
    "budget": "budget of the decoders",
    "images": "training length in images",
}

PHOTO_TRIALS = {
    "dataset": "dataset of the training and validation images",
    "architecture": "name of the network",
    "decoder": "upsampling stage",
    "width": "channels of the encoder's first stage",
    "depth": "number of poolings in the encoder",
    "output": "last layer of the network",
    "bias": "True for biases and batch normalization",
    "init": "initial weights",
    "loss": "training loss",
    "optimiser": "optimizer of the training",
    "lr": "highest learning rate",
    "images": "length of this training in images",
    "start_sha256": "SHA-256 of the trained weights at the start; empty for a new training",
    "validation_psnr_15_db": (
        "PSNR on validation images at sigma 15/255; empty if training adds no noise"
    ),
    "validation_psnr_25_db": "same as validation_psnr_15_db at 25/255",
    "validation_psnr_50_db": "same as validation_psnr_15_db at 50/255",
    "validation_psnr_0_db": "same as validation_psnr_15_db without added noise: stained pages",
    "seed": "training seed",
    "precision": "number format of the training",
    "torch": "PyTorch version",
    "weights_sha256": "SHA-256 of the weights",
    "command": "command that trained the network; its card has the scores",
}

LEVELS = {
    "dataset": "name of the dataset",
    "pictures": "number of images",
    "sigma_255": "standard deviation of the Gaussian noise, times 255; not clamped",
    "estimator": "name in `denoise.noise_level.ESTIMATORS`",
    "bias_255": "mean of estimate minus true sigma, times 255",
    "rmse_255": "root mean square error of the estimate, times 255",
    "worst_255": "largest error, times 255",
    "cpu_ms_p50": "median CPU time of one image, in milliseconds",
    **PROVENANCE,
}

TIMED = {  # conditions of every row of times
    "cpu": "CPU model",
    "cpu_isa": "instruction set that PyTorch used",
    "torch": "PyTorch version",
    "protocol": "hash of the rules of measurement",
    "commit": "commit of the code",
    "python": "Python version",
    "command": "command that made the row",
}

DEPLOY = {
    "arm": "decoder, at equal channels, seed 0",
    "dataset": "dataset of the training and validation images",
    "clipped": "True if the noise is clamped",
    "runtime": "name in `denoise.graph.deploy.FORMS`; onnxruntime-int8 computes in 8-bit integers",
    "form": "exact form of the network: fused (transposed convolutions) or convolutions",
    "layers": "convolutions of the form, transposed or not",
    "layers_int8": "convolutions that the runtime computes in 8-bit integers",
    "pictures": "number of validation images",
    "psnr_db": "mean PSNR over the levels and validation images (8-bit integers only)",
    "change_db": "psnr_db minus that of the network in float32; floats are exact in every form",
    "batch": "28x28 images per call",
    "rounds": "turns of each network and runtime",
    "calls": "timed calls",
    "ms_p50": "median time of a call in milliseconds",
    "ms_p90": "90th percentile of the time of a call in milliseconds",
    "images_per_s": "images per second of the median call",
    "cpu": "CPU name",
    "cpu_threads": "PyTorch threads",
    **PROVENANCE,
}

SPEED = {
    "network": "name in `bench.speed.systems.NETWORKS`",
    "task": "clean (denoise images) or train (one step: forward, backward, Adam)",
    "system": "name in `bench.speed.systems.SYSTEMS`",
    "version": "version of the system's library",
    "ran": "number format, memory layout and further settings of the system",
    "batch": "28x28 images per call or training step",
    "round": "number of the round; every system is measured once in each",
    "calls": "timed calls of this measurement",
    "ms_p50": "median time of a call in milliseconds",
    "ms_p90": "90th percentile of the time of a call in milliseconds",
    "images_per_s": "images per second at the median time of a call",
    "parameters": "number of trained parameters",
    "macs": "multiply-accumulates for one image, as trained",
    "fused_macs": "multiply-accumulates for one image after `denoise.fuse`, as in the engine",
    "ceiling_matmul_tmacs": (
        "best matrix product of this device in its fastest number format, TMAC/s, in this round"
    ),
    "ceiling_conv_tmacs": (
        "best 3x3 convolution of 64 to 64 channels, channels_last, TMAC/s, in this round"
    ),
    "ceiling_copy_gb_s": "best copy, GB read and written per second, in this round",
    "cpu_threads": "threads of each system",
    "gpu": "GPU model; empty if the CPU was timed",
    **TIMED,
}

SCALE = {
    "what": "size (of one image), number (of images), or the command that was started",
    "network": "name of the shipped weights",
    "threads": "number of PyTorch threads",
    "pictures": "number of images",
    "side": "side of an image, in pixels",
    "seconds": "time of a call: median over rounds of the median over calls",
    "peak_bytes": "peak memory that a call adds to the process",
    **TIMED,
}

REACH = {
    "network": "name in `bench.sweep.tutorials.TUTORIALS_BY_NAME`",
    "optimiser": "optimizer of the training",
    "training": "command that was timed",
    "threads": "number of PyTorch threads",
    "seconds": "seconds from the start of the process to its end",
    "train_seconds": (
        "seconds from the first training step to the end; empty in runs before it was recorded"
    ),
    "images_seen": "training length in images",
    "pictures": "number of test images",
    "bce": "binary cross-entropy on the test images after training; Keras: validation loss",
    "known_bce": "binary cross-entropy that the tutorial publishes",
    "psnr_db": "mean PSNR over the test images",
    "gpu": "GPU model; empty if trained on the CPU",
    **TIMED,
}

FILES = {
    "table.csv": COLUMNS,
    "learning-rates.csv": LEARNING_RATES,
    "rule-settings.csv": RULE_SETTINGS,
    "photo-trials.csv": PHOTO_TRIALS,
    "rescore.csv": RESCORE,
    "levels.csv": LEVELS,
    "*/methods.csv": METHODS,
    "*/curves.csv": CURVES,
    "*/scores-DATASET-CLIPPED.parquet": SCORES,
    "*/summary.csv": SUMMARY,
    "*/differences.parquet": DIFFERENCES,
    "*/checkerboard.csv": CHECKERBOARD,
    "*/deploy.csv": DEPLOY,
    "early/early.csv": EARLY,
    "tutorials/tutorials.csv": TUTORIALS,
    "tutorials/scores.parquet": SCORES,
    "*/costs-MACHINE-DEVICE.csv": COSTS,
    "speed/MACHINE-DEVICE.csv": SPEED,
    "training/MACHINE-DEVICE.csv": SPEED,
    "scale/MACHINE-DEVICE.csv": SCALE,
    "reach/MACHINE-DEVICE.csv": REACH,
}
"""Columns of every result file, by file name."""
