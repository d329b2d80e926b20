"""Benchmark: scores and costs of every denoiser on every dataset and noise level."""
