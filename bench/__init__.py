"""Benchmark: every denoiser on every dataset and noise level, in one tidy table."""
