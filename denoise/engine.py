"""How a trained network is run here: any kind of picture in, the same kind out."""

from __future__ import annotations

import functools
import logging
import threading
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from denoise import camera, correlated, pictures, pieces, plan, tiles, units, views, weights
from denoise.anysize import AnySize
from denoise.plan import PLAIN, Plan

log = logging.getLogger("denoise")

PRECISIONS = ("auto", "float32")
TILE_PIXELS = 2**20  # pixels of a picture that are cleaned at once, beside overlap: bounds memory, changes no result


class Denoiser:
    """A trained network as a person uses it.

    Parameters
    ----------
    network : AnySize
    name : str
        What tables call it.
    card : dict
        How it was trained.
    device : str or torch.device, optional
        CUDA where present, else the processor.
    precision : str
        "auto": fused, by the fastest backend of the device (`denoise.plan`); in bfloat16 if the device computes in it
        and the card says that it moves the PSNR by less than 0.01 dB, but for the layers that the card names.
        "float32": as it was trained, for scores that are the same on all machines. "auto" copies the network at the
        first call: a later change of `network` needs a new Denoiser.

    Raises
    ------
    ValueError
        Another precision.
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
        # Convolutions on channels_last are faster on every processor and GPU that was tried.
        self.network = network.eval().to(self.device, memory_format=torch.channels_last)
        self.name, self.card, self.precision = name, card, precision
        self._preparing, self._prepared = threading.Lock(), None
        self.channels = int(card["architecture"].get("channels", 1))

    @property
    def plan(self) -> Plan:
        """The way in which the network is run."""
        return self._ready()[0]

    def prepare(self) -> None:
        """Rewrite the network for this device, which the first call does otherwise."""
        self._ready()

    def _ready(self) -> tuple[Plan, AnySize]:
        """Return the plan, and the network as it runs it: made once, by the first thread."""
        with self._preparing:
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
        except (ValueError, RuntimeError, TypeError) as error:  # a network of one's own may do anything
            log.warning("%s is run as it was trained: %s", self.name, str(error).partition("\n")[0])
            return plain
        return chosen, lowered

    def __call__(self, image: Any, sigma: float | None = None, *, ensemble: bool = False) -> Any:
        """Clean a picture.

        Parameters
        ----------
        image : PIL.Image.Image, numpy.ndarray or Tensor
            Any size. See `denoise.pictures.as_batch` for layouts and ranges. A network for gray pictures cleans the
            channels of a colour picture one by one; alpha is kept.
        sigma : float, optional
            The level of the noise, in units of the [0, 1] range (25 on the 0-255 scale is 0.098), from 0 to 1. A
            network that is `told` cleans that much; without it, and every other network, cleans what it sees.
        ensemble : bool
            The mean of the answers to the picture turned and mirrored in eight ways (`denoise.views`): a little better,
            and eight times as long. For networks that were trained on pictures turned so.

        Returns
        -------
        The same kind as `image`, in the same layout, size and range. A PIL image is upright, without an orientation in
        its EXIF data.

        Raises
        ------
        ValueError
            A path; a picture that is empty, not finite or of the wrong range or type (16 bits that hold only the
            numbers of 8, too), or whose channels the network does not take; a sigma that is not in 0 to 1; an ensemble
            of a network that was not trained for it. Or an output that is not finite, of broken weights.
        """
        level = units.check_sigma(sigma)
        units.check_white(image)
        noisy, restore = pictures.as_batch(image)
        estimate = self.clean(noisy, level, ensemble=ensemble).estimate
        if not estimate.sum().isfinite():  # of values in [0, 1]: much quicker than to look at each
            raise ValueError(f"the output of {self.name} is not finite: the weights are broken, or of no good training")
        return restore(estimate)

    @torch.inference_mode()
    def clean(self, noisy: Tensor, sigma: float | None = None, *, ensemble: bool = False) -> camera.Restored:
        """Return `estimate`; of a photograph with correlated noise, that of `denoise.camera`.

        `noisy` as for `estimate`, which the benchmark scores. Other parameters and errors as for a call.
        """
        found = [correlated.find(image) if self._for_luma else None for image in noisy]
        if not any(found):
            return camera.Restored(self.estimate(noisy, sigma, ensemble=ensemble), self.name)
        if ensemble:
            self.check_ensemble()
        restored = []
        for image, noise in zip(noisy.split(1), found, strict=True):
            with tiles.weighted(1, len(noisy)):
                if noise is None:
                    restored.append(camera.Restored(self.estimate(image, sigma, ensemble=ensemble), self.name))
                else:
                    gray = functools.partial(self._for_luma.estimate, ensemble=ensemble)
                    restored.append(camera.clean(image, noise, gray, sigma))
        return camera.joined(restored)

    @functools.cached_property
    def _for_luma(self) -> Denoiser | None:
        """The network that removes correlated noise in place of this one, if it is one for photographs."""
        if self.name not in camera.APPLIES_TO or not self.network.told:
            return None
        if self.name == camera.NETWORK:
            return self
        if camera.NETWORK not in weights.names():
            log.warning("%s is not here: correlated noise is left to %s", camera.NETWORK, self.name)
            return None
        return load(camera.NETWORK, self.device, self.precision)

    def check_ensemble(self) -> None:
        """Raise ValueError where an ensemble makes no sense: a digit on its side is another digit."""
        if not self.card.get("settings", {}).get("flips"):
            raise ValueError(f"{self.name} was not trained on turned pictures: it has no ensemble")

    @torch.inference_mode()
    def estimate(self, noisy: Tensor, sigma: float | None = None, *, ensemble: bool = False) -> Tensor:
        """(N, C, H, W) float32 in about [0, 1] -> the estimate in [0, 1], same shape and device; others as above.

        Without the check of the output: the benchmark counts the estimates that are not finite.
        """
        if ensemble:
            self.check_ensemble()
            return views.average(lambda view: self._view(view, sigma), noisy)
        count, channels, height, width = noisy.shape
        if channels != self.channels:
            if self.channels != 1:
                raise ValueError(f"{self.name} takes {self.channels} channels, the picture has {channels}")
            noisy = noisy.reshape(count * channels, 1, height, width)
        chosen, network = self._ready()
        estimate = pieces.run(lambda part: self._run(network, part, sigma, len(noisy)), noisy, chosen.chunk_pixels)
        return estimate if channels == self.channels else estimate.reshape(count, channels, height, width)

    def _view(self, noisy: Tensor, sigma: float | None) -> Tensor:
        """Return the estimate of one view, whose progress is its share of all views."""
        with tiles.weighted(1, views.WAYS):
            return self.estimate(noisy, sigma)

    def _run(self, network: AnySize, part: Tensor, sigma: float | None, count: int) -> Tensor:
        """Run the network on a part of `count` images."""
        part = part.to(self.device).contiguous(memory_format=torch.channels_last)
        pixels = tiles.size(TILE_PIXELS)
        with tiles.weighted(len(part), count):
            if part.shape[-2] * part.shape[-1] > tiles.largest(self.network, pixels):
                return tiles.run(network, part, sigma, pixels)
            estimate = network(part, sigma)
            tiles.report()
            return estimate

    def __repr__(self) -> str:
        return f"Denoiser({self.name!r}, device={str(self.device)!r})"


def load(name: str | Path, device: str | torch.device | None = None, precision: str = "auto") -> Denoiser:
    """Load trained weights, ready to use.

    Parameters
    ----------
    name : str or Path
        Shipped weights by name ("mnist-nearest"), or the path of a .safetensors file with its .json beside it.
    device : str or torch.device, optional
        CUDA where present, else the processor.
    precision : str
        "auto" or "float32", as for `Denoiser`.

    Raises
    ------
    UnknownName
        No such weights; the valid names are listed.
    ValueError
        A file that is cut short or not finite, or another precision.

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
