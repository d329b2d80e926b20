"""Inference: choice of the backend, tiles, camera noise, and denoising of files."""
