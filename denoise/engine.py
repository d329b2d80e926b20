"""How a trained network is run here: any kind of picture in, the same kind out."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from denoise import pictures, pieces, remembered, tiles, views, weights
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
        "auto": as is quickest on this machine, found out at the first call (`denoise.calibration`), in bfloat16 where
        that is quicker and the card says that it moves the PSNR by less than 0.01 dB, but for the layers that it names.
        "float32": as it was trained, for scores that do not hang on what is quickest. But for "float32" the network is
        copied at the first call: what is changed in `network` afterwards needs a new Denoiser.

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
        self.channels = int(card["architecture"]["channels"])

    @property
    def plan(self) -> Plan:
        """How it is run here."""
        return self._ready()[0]

    def prepare(self) -> None:
        """Find out how it is run here, which the first call does otherwise."""
        self._ready()

    def _ready(self) -> tuple[Plan, AnySize]:
        """The plan, and the network as it runs it: found out once, whichever thread comes first."""
        with self._preparing:
            if self._prepared is None:
                self._prepared = self._prepare()
        return self._prepared

    def _prepare(self) -> tuple[Plan, AnySize]:
        plain = PLAIN, self.network
        if self.precision == "float32":
            return plain
        plan = remembered.plan(self.device, exact=not weights.fits_bfloat16(self.card))
        tried = torch.zeros(1, self.channels, 2, 2, device=self.device)
        try:
            lowered = plan.lower(self.network, self.card.get(weights.FLOAT32, ()))
            lowered(tried.contiguous(memory_format=torch.channels_last))
        except (ValueError, RuntimeError, TypeError) as error:  # a network of one's own may do anything
            log.warning("%s is run as it was trained: %s", self.name, str(error).partition("\n")[0])
            return plain
        return plan, lowered

    def __call__(self, image: Any, sigma: float | None = None, *, ensemble: bool = False) -> Any:
        """Clean a picture.

        Parameters
        ----------
        image : PIL.Image.Image, numpy.ndarray or Tensor
            Any size. See `denoise.pictures.as_batch` for layouts and ranges. A network for gray pictures cleans the
            channels of a colour picture one by one; alpha is kept.
        sigma : float, optional
            The level of the noise, in units of the [0, 1] range. A network that is `told` cleans that much; without it,
            and every other network, cleans what it sees.
        ensemble : bool
            The mean of the answers to the picture turned and mirrored in eight ways (`denoise.views`): a little better,
            and eight times as long. For networks that were trained on pictures turned so.

        Returns
        -------
        The same kind as `image`, in the same layout, size and range.

        Raises
        ------
        ValueError
            A picture that is empty, not finite or of the wrong range, or whose channels the network does not take; an
            ensemble of a network that was not trained for it.
        """
        noisy, restore = pictures.as_batch(image)
        return restore(self.estimate(noisy, sigma, ensemble=ensemble))

    def check_ensemble(self) -> None:
        """Raise ValueError where an ensemble makes no sense: a digit on its side is another digit."""
        if not self.card.get("settings", {}).get("flips"):
            raise ValueError(f"{self.name} was not trained on turned pictures: it has no ensemble")

    @torch.inference_mode()
    def estimate(self, noisy: Tensor, sigma: float | None = None, *, ensemble: bool = False) -> Tensor:
        """(N, C, H, W) float32 in about [0, 1] -> the estimate in [0, 1], same shape and device; others as above."""
        if ensemble:
            self.check_ensemble()
            return views.average(lambda view: self.estimate(view, sigma), noisy)
        count, channels, height, width = noisy.shape
        if channels != self.channels:
            if self.channels != 1:
                raise ValueError(f"{self.name} takes {self.channels} channels, the picture has {channels}")
            noisy = noisy.reshape(count * channels, 1, height, width)
        plan, network = self._ready()
        estimate = pieces.run(lambda part: self._run(network, part, sigma), noisy, plan.chunk_pixels)
        return estimate if channels == self.channels else estimate.reshape(count, channels, height, width)

    def _run(self, network: AnySize, part: Tensor, sigma: float | None) -> Tensor:
        part = part.to(self.device).contiguous(memory_format=torch.channels_last)
        if part.shape[-2] * part.shape[-1] > TILE_PIXELS and self.network.reach is not None:
            return tiles.run(network, part, sigma, TILE_PIXELS)
        return network(part, sigma)

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
        A file that is cut short, or another precision.

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
