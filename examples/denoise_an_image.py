"""Denoise a photograph with shipped weights: `python -m examples.denoise_an_image`."""

import numpy as np
import skimage

import denoise

SIGMA = 25 / 255  # standard deviation of the noise, in units of the [0, 1] range


def psnr(estimate: np.ndarray, clean: np.ndarray) -> float:
    """Return the PSNR in dB of an image in [0, 1]."""
    return float(-10 * np.log10(np.mean((estimate.clip(0, 1) - clean) ** 2)))


def main() -> dict[str, float]:
    """Add noise to a photograph, denoise it, and return the PSNR of each image in dB."""
    clean = skimage.img_as_float32(skimage.data.camera())[128:384, 128:384]  # (256, 256)
    noise = np.random.default_rng(0).normal(0, SIGMA, clean.shape).astype(np.float32)
    noisy = clean + noise

    photo = denoise.load("photo-gray", precision="float32")  # the same scores on every machine
    return {
        "noisy": psnr(noisy, clean),  # 20.72
        "blind": psnr(photo(noisy), clean),  # 29.93
        "with sigma": psnr(photo(noisy, SIGMA), clean),  # 30.01
        "self-ensemble": psnr(photo(noisy, ensemble=True), clean),  # 29.99
    }


if __name__ == "__main__":
    for name, score in main().items():
        print(f"{name:14} {score:.2f} dB")
