"""Inference with a trained network on an image of any type.

The output has the type of the input.
"""

from __future__ import annotations

import functools
import logging
import threading
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from denoise.images import arrays, dihedral, units
from denoise.inference import camera, chunks, correlated, plan, tiling
from denoise.inference.plan import PLAIN, Plan
from denoise.locks import held
from denoise.models import weights
from denoise.models.base import AnySize

log = logging.getLogger("denoise")

PRECISIONS = ("auto", "float32")
TILE_PIXELS = 2**20  # pixels of a tile without its overlap: bounds memory, changes no output


class Denoiser:
    """Trained network with its card, callable on images.

    Parameters
    ----------
    network : AnySize
    name : str
        Name of the network in tables.
    card : dict
        Settings of its training.
    device : str or torch.device, optional
        CUDA if present, else the CPU.
    precision : str
        "auto": fused, with the fastest backend of the device (`denoise.inference.plan`). bfloat16
        is used if the device computes in it and the card says that the PSNR changes by less than
        0.01 dB. The layers that the card names stay in float32. "float32": as it was trained, for
        scores that are equal on all machines. "auto" copies the network at the first call: a later
        change of `network` needs a new Denoiser.

    Raises
    ------
    ValueError
        Unknown precision.
    """

    def __init__(
        self,
        network: AnySize,
        name: str,
        card: dict[str, Any],
        device: str | torch.device | None = None,
        precision: str = "auto",
    ) -> None:
        if precision not in PRECISIONS:
            raise ValueError(f"unknown precision {precision!r}; valid: {', '.join(PRECISIONS)}")
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        # Convolutions in channels_last were faster on every CPU and GPU that was measured.
        self.network = network.eval().to(self.device).to(memory_format=torch.channels_last)
        self.name, self.card, self.precision = name, card, precision
        self._preparing = threading.Lock()
        self._prepared: tuple[Plan, AnySize] | None = None
        self.channels = int(card["architecture"].get("channels", 1))

    @property
    def plan(self) -> Plan:
        """Backend, number format and chunk size in use."""
        return self._ready()[0]

    def prepare(self) -> None:
        """Rewrite the network for this device now instead of at the first call."""
        self._ready()

    def _ready(self) -> tuple[Plan, AnySize]:
        """Return the plan and the network rewritten by it; the first thread makes both once."""
        with held(self._preparing):
            if self._prepared is None:
                self._prepared = self._prepare()
        return self._prepared

    def _prepare(self) -> tuple[Plan, AnySize]:
        plain = PLAIN, self.network
        if self.precision == "float32":
            return plain
        chosen = plan.best(self.device, bfloat16=weights.fits_bfloat16(self.card))
        tried = torch.zeros(1, self.channels, 2, 2, device=self.device)
        try:
            lowered = chosen.lower(self.network, self.card.get(weights.FLOAT32, ()))
            lowered(tried.contiguous(memory_format=torch.channels_last))
        # a user's own network may raise any of these
        except (ValueError, RuntimeError, TypeError) as error:
            reason = str(error).partition("\n")[0]
            log.warning("%s runs as it was trained, not fused: %s", self.name, reason)
            return plain
        return chosen, lowered

    def __call__(self, image: Any, sigma: float | None = None, *, ensemble: bool = False) -> Any:
        """Denoise an image.

        Parameters
        ----------
        image : PIL.Image.Image, numpy.ndarray or Tensor
            Image of any size. See `denoise.images.arrays.as_batch` for layouts and ranges. A
            network for gray images denoises the channels of a color image one by one; alpha is
            kept.
        sigma : float, optional
            Noise level in units of the [0, 1] range (25 on the 0-255 scale is 0.098), from 0 to 1.
            A noise-conditional network removes noise of this level. Without it, and for
            every other network, denoising is blind.
        ensemble : bool
            Average the outputs over the eight dihedral views of the image
            (`denoise.images.dihedral`). The quality is slightly better and inference takes eight
            times as long. The network must have been trained with dihedral augmentation.

        Returns
        -------
        The type, layout, size and range of `image`. A PIL image is upright, without an orientation
        in its EXIF data.

        Raises
        ------
        ValueError
            A path; an image that is empty, not finite or of the wrong range or type (including 16
            bits that hold only 8-bit values); channels that the network does not take. A sigma
            outside 0 to 1. A self-ensemble of a network that was not trained for it. An output that
            is not finite, from broken weights.
        """
        level = units.check_sigma(sigma)
        units.check_white(image)
        noisy, restore = arrays.as_batch(image)
        estimate = self.clean(noisy, level, ensemble=ensemble).estimate
        # the sum of values in [0, 1]: much faster than a check of each value
        if not estimate.sum().isfinite():
            raise ValueError(
                f"the output of {self.name} is not finite: its weights are damaged or its "
                "training diverged"
            )
        return restore(estimate)

    @torch.inference_mode()
    def clean(
        self, noisy: Tensor, sigma: float | None = None, *, ensemble: bool = False
    ) -> camera.Restored:
        """Return `estimate`, or that of `denoise.inference.camera` for correlated noise.

        The benchmark scores `estimate`. `noisy` is the parameter of `estimate`; further parameters
        and errors are those of a call.
        """
        luma = self._for_luma
        found = [correlated.find(image) if luma else None for image in noisy]
        if not any(found):
            return camera.Restored(self.estimate(noisy, sigma, ensemble=ensemble), self.name)
        if ensemble:
            self.check_ensemble()
        restored = []
        for image, noise in zip(noisy.split(1), found, strict=True):
            with tiling.weighted(1, len(noisy)):
                if noise is None or luma is None:  # without `luma` no noise was looked for
                    restored.append(
                        camera.Restored(self.estimate(image, sigma, ensemble=ensemble), self.name)
                    )
                else:
                    gray = functools.partial(luma.estimate, ensemble=ensemble)
                    restored.append(camera.clean(image, noise, gray, sigma))
        return camera.joined(restored)

    @functools.cached_property
    def _for_luma(self) -> Denoiser | None:
        """Network that removes correlated noise in place of this one.

        None if this network is not for photographs.
        """
        if self.name not in camera.APPLIES_TO or not self.network.noise_conditional:
            return None
        if self.name == camera.NETWORK:
            return self
        if camera.NETWORK not in weights.names():
            log.warning("%s is missing: %s handles correlated noise", camera.NETWORK, self.name)
            return None
        return load(camera.NETWORK, self.device, self.precision)

    def check_ensemble(self) -> None:
        """Raise ValueError if the network was not trained with dihedral augmentation.

        A self-ensemble makes no sense for it: a digit on its side is another digit.
        """
        if not self.card.get("settings", {}).get("dihedral"):
            raise ValueError(
                f"{self.name} was not trained with --dihedral: it has no self-ensemble"
            )

    @torch.inference_mode()
    def estimate(
        self, noisy: Tensor, sigma: float | None = None, *, ensemble: bool = False
    ) -> Tensor:
        """Denoise (N, C, H, W) float32 in about [0, 1]; return [0, 1], same shape and device.

        `sigma` and `ensemble` are the parameters of a call. The output is not checked: the
        benchmark counts outputs that are not finite.
        """
        if ensemble:
            self.check_ensemble()
            return dihedral.average(lambda view: self._view(view, sigma), noisy)
        count, channels, height, width = noisy.shape
        if channels != self.channels:
            if self.channels != 1:
                raise ValueError(
                    f"{self.name} takes {self.channels} channels, the image has {channels}"
                )
            noisy = noisy.reshape(count * channels, 1, height, width)
        chosen, network = self._ready()
        estimate = chunks.run(
            lambda part: self._run(network, part, sigma, len(noisy)), noisy, chosen.chunk_pixels
        )
        return (
            estimate
            if channels == self.channels
            else estimate.reshape(count, channels, height, width)
        )

    def _view(self, noisy: Tensor, sigma: float | None) -> Tensor:
        """Return the estimate for one view, counted as its share of the progress over all views."""
        with tiling.weighted(1, dihedral.WAYS):
            return self.estimate(noisy, sigma)

    def _run(self, network: AnySize, part: Tensor, sigma: float | None, count: int) -> Tensor:
        """Run the network on a chunk of a batch of `count` images."""
        part = part.to(self.device).contiguous(memory_format=torch.channels_last)
        pixels = tiling.size(TILE_PIXELS)
        with tiling.weighted(len(part), count):
            if part.shape[-2] * part.shape[-1] > tiling.largest(self.network, pixels):
                return tiling.run(network, part, sigma, pixels)
            estimate = network(part, sigma)
            tiling.report()
            return estimate

    def __repr__(self) -> str:
        return f"Denoiser({self.name!r}, device={str(self.device)!r})"


def load(
    name: str | Path, device: str | torch.device | None = None, precision: str = "auto"
) -> Denoiser:
    """Load trained weights.

    Parameters
    ----------
    name : str or Path
        Name of shipped weights ("mnist-nearest"), or the path of a .safetensors file with its .json
        card beside it.
    device : str or torch.device, optional
        CUDA if present, else the CPU.
    precision : str
        "auto" or "float32", as for `Denoiser`.

    Raises
    ------
    UnknownName
        Unknown weights; the message lists the valid names.
    ValueError
        A truncated or not finite file, or an unknown precision.

    Examples
    --------
    >>> import denoise, numpy
    >>> noisy = numpy.random.default_rng(0).random((31, 33))
    >>> denoise.load("mnist-nearest")(noisy).shape
    (31, 33)
    """
    path = weights.locate(name)
    network, card = weights.read(path)
    return Denoiser(network, path.stem, card, device, precision)
