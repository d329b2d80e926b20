"""Methods of a table: untrained methods by name, and networks by the name or path of their weights.

`bench.scoring.user_model` makes a method of a user's own network.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from bench import counters
from bench.labels import in_text
from denoise import datasets
from denoise.blind import BLIND
from denoise.classical import DENOISERS, NotApplicable
from denoise.datasets import Pictures
from denoise.decoders import DECODERS
from denoise.images.dihedral import WAYS
from denoise.inference import camera, engine
from denoise.inference.clean_files import PHOTOGRAPHS
from denoise.models import weights
from denoise.models.architectures import ARCHITECTURES
from denoise.models.base import AnySize
from denoise.registry import UnknownName, unknown

TOLD = ":told"  # suffix: a noise-conditional network gets sigma as an input
# suffix, after `TOLD` if both: self-ensemble, the mean of the outputs over eight dihedral views
ENSEMBLE = ":ensemble"
# suffix for a network for photographs used as in `python -m denoise`, which detects correlated
# noise
CLEAN = ":clean"
CORRELATED = ("noisy", f"photo-color{CLEAN}", "photo-color", "photo-gray", *BLIND.names())
"""Methods for correlated noise of unknown level."""


@dataclass(frozen=True)
class Method:
    """Denoiser with its columns of the table.

    `build(training, device)` makes `(noisy, sigma) -> estimate` on (N, C, H, W) float32. `network`
    is None if the method is no PyTorch network. `timed` is False for a floor, which computes
    nothing. `count` gives parameters and MACs for an image's (C, H, W) if they differ from one call
    of `network`. `file_bytes` is the file size of a model that PyTorch does not run. `ran` replaces
    columns that otherwise describe the machine.
    """

    name: str
    label: str
    told_sigma: bool
    timed: bool
    build: Callable[[Pictures, torch.device], Callable[[Tensor, float], Tensor]]
    network: torch.nn.Module | None = None
    trained_on: str | None = None
    decoder: str | None = None
    weights_sha256: str | None = None
    count: Callable[[tuple[int, int, int]], dict[str, int | None]] | None = None
    file_bytes: int | None = None
    ran: dict[str, Any] = field(default_factory=dict)

    def costs(self, shape: tuple[int, int, int]) -> dict[str, int | None]:
        """Return the columns `parameters` and `macs` for one image (C, H, W).

        Empty if the method is no network.
        """
        if self.count is not None:
            return self.count(shape)
        if self.network is not None:
            return {
                "parameters": counters.parameters(self.network),
                "macs": counters.macs(self.network, shape),
            }
        return {}


def find(
    names: list[str] | None = None, own: Iterable[Method] = (), *, untrained: bool = True
) -> list[Method]:
    """Find the methods with these names, followed by the user's `own`.

    A name is that of an untrained method, of shipped weights, or the path of weights. Three
    suffixes are valid: `:told` passes sigma to the network; `:ensemble` takes the mean over eight
    dihedral views; `:clean` makes a network for photographs detect and remove correlated noise, as
    `denoise.load(...)(image)` does.

    By default, all methods are found. They include the `:told` variant of each noise-conditional
    network, and self-ensembles of the networks for photographs. `untrained=False` leaves out the
    untrained methods. A network found by default applies only to its kind of training images; a
    named network applies to any.

    Raises
    ------
    UnknownName
        The name is unknown; the message lists the valid ones.
    ValueError
        Two methods have one name.
    """
    if names is None:
        shipped = [_trained(name, strange=False) for name in weights.names()]
        told = [
            _trained(f"{arm.name}{TOLD}", strange=False)
            for arm in shipped
            if isinstance(arm.network, AnySize) and arm.network.noise_conditional
        ]
        ensembles = [_trained(f"{name}{ENSEMBLE}", strange=False) for name in PHOTOGRAPHS.values()]
        found = [
            *map(_untrained, DENOISERS.names() if untrained else ()),
            *shipped,
            *told,
            *ensembles,
            *own,
        ]
    else:
        found = [
            _untrained(name) if name in DENOISERS or name in BLIND else _trained(name)
            for name in names
        ]
        found += own
    twice = {arm.name for arm in found if [other.name for other in found].count(arm.name) > 1}
    if twice:
        raise ValueError(
            f"two methods have one name: {', '.join(sorted(twice))}; leave one out, rename the "
            "weights, or rename your network with --model NAME=FILE"
        )
    return found


def usual(names: Iterable[str] | None) -> list[str] | None:
    """Return the default methods for these datasets; None means all.

    The default is `CORRELATED` if every dataset has correlated noise.
    """
    facts = [datasets.DATASETS[name.partition(":")[0]].facts for name in names or ()]
    return list(CORRELATED) if facts and all(each.get("correlated") for each in facts) else None


def _untrained(name: str) -> Method:
    entry = BLIND[name] if name in BLIND else DENOISERS[name]
    return Method(
        name=entry.name,
        label=entry.label,
        told_sigma=entry.facts["told_sigma"],
        timed=not entry.facts.get("floor", False),
        build=lambda training, device: entry.build(training),
    )


def plain(name: str) -> str:
    """Remove the suffixes `:told`, `:ensemble` and `:clean` from a method's name."""
    while name.endswith((TOLD, ENSEMBLE, CLEAN)):
        name = name.removesuffix(TOLD).removesuffix(ENSEMBLE).removesuffix(CLEAN)
    return name


def _trained(name: str, *, strange: bool = True) -> Method:
    """Make a method of a network; without `strange`, only for its kind of training images."""
    stem = plain(name)
    ensemble, told, cleans = (
        variant in name.removeprefix(stem) for variant in (ENSEMBLE, TOLD, CLEAN)
    )
    try:
        denoiser = engine.load(stem, "cpu", "float32")
    except UnknownName:
        raise UnknownName(
            unknown("method", name, [*DENOISERS.names(), *BLIND.names(), *weights.names()])
        ) from None
    if told and not denoiser.network.noise_conditional:
        raise ValueError(f"{stem} is not noise-conditional: leave out {TOLD}")
    if ensemble:
        denoiser.check_ensemble()
    if cleans and denoiser.name not in camera.APPLIES_TO:
        raise ValueError(f"{stem} does not detect correlated noise: leave out {CLEAN}")
    card = denoiser.card
    decoder = card["architecture"].get("decoder")
    trained_on = card.get("settings", {}).get("dataset")  # a hand-written card may lack it
    extras = [str(trained_on)] * bool(trained_on) + ["told sigma"] * told + ["ensemble"] * ensemble

    def build(training: Pictures, device: torch.device) -> Callable[[Tensor, float], Tensor]:
        if not strange and not datasets.alike(trained_on, training.name):
            raise NotApplicable(f"the network was trained on another kind of image ({trained_on})")
        channels = {image.shape[0] for image in training}
        if denoiser.channels != 1 and channels != {denoiser.channels}:
            raise NotApplicable(
                f"the network takes {denoiser.channels} channels, the images have {min(channels)}"
            )
        if not strange and denoiser.channels not in channels:
            raise NotApplicable(
                "the network is for gray images, and denoises color images channel by channel"
            )
        here = denoiser if device.type == "cpu" else engine.load(stem, device, "float32")
        if cleans:
            return lambda noisy, sigma: (
                here.clean(noisy, sigma if told else None, ensemble=ensemble).estimate
            )
        return lambda noisy, sigma: here.estimate(noisy, sigma if told else None, ensemble=ensemble)

    def count(shape: tuple[int, int, int]) -> dict[str, int | None]:
        if cleans:
            return {}  # network and number of calls depend on the detected noise
        one = (denoiser.channels, *shape[1:])
        # a network for gray images processes each channel of a color image
        calls = shape[0] // denoiser.channels
        calls *= WAYS if ensemble else 1
        network = denoiser.network
        return {
            "parameters": counters.parameters(network),
            "macs": calls * counters.macs(network, one),
        }

    return Method(
        name=denoiser.name + CLEAN * cleans + TOLD * told + ENSEMBLE * ensemble,
        label=_label(denoiser, cleans) + (f" ({', '.join(extras)})" if extras else ""),
        told_sigma=told,
        timed=True,
        build=build,
        network=denoiser.network,
        trained_on=trained_on,
        decoder=decoder,
        weights_sha256=card.get("sha256")
        or hashlib.sha256(weights.locate(stem).read_bytes()).hexdigest(),
        count=count,
    )


def _label(denoiser: engine.Denoiser, cleans: bool) -> str:
    """Return the decoder's label; with another backbone than the autoencoder, name and backbone."""
    if cleans:
        return f"{denoiser.name}, correlated noise found and removed in luma and chroma"
    architecture = denoiser.card["architecture"]
    decoder = architecture.get("decoder")
    if decoder is not None and architecture["name"] == "autoencoder":
        return DECODERS[decoder].label
    backbone = ARCHITECTURES[architecture["name"]].label
    return f"{denoiser.name}: {backbone if decoder is None else f'{backbone}, {in_text(decoder)}'}"
