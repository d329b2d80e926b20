"""The denoisers of a table: the untrained ones by name, and networks by the name or path of their weights.

A user's own network is made into a method by `bench.own`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from bench import costs
from bench.labels import in_text
from denoise import camera, datasets, engine, weights
from denoise.blind import BLIND
from denoise.classical import DENOISERS, NotApplicable
from denoise.cleaning import PHOTOGRAPHS
from denoise.datasets import Pictures
from denoise.decoders import DECODERS
from denoise.models import ARCHITECTURES
from denoise.registry import UnknownName, unknown
from denoise.views import WAYS

TOLD = ":told"  # behind the name of a network that is told the level of the noise
ENSEMBLE = ":ensemble"  # behind that, of one whose answers to eight views of a picture are averaged
CLEAN = ":clean"  # of one for photographs that is used as `python -m denoise` does: correlated noise is found
CORRELATED = ("noisy", f"photo-color{CLEAN}", "photo-color", "photo-gray", *BLIND.names())
"""The methods for correlated noise of unknown level."""


@dataclass(frozen=True)
class Method:
    """A denoiser with what the table says of it.

    `build(training, device)` makes `(noisy, sigma) -> estimate` on (N, C, H, W) float32; `network` is None for what
    is no PyTorch network; `timed` is False for a floor, which computes nothing. `count` gives parameters and macs for a
    picture's (C, H, W) where they are not those of one call of `network`, and `file_bytes` the size of one that PyTorch
    does not run; `ran` holds columns of the
    table in which its rows differ from what the machine says of all.
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
        """The columns `parameters` and `macs` for one picture (C, H, W); empty for what is no network."""
        if self.count is not None:
            return self.count(shape)
        if self.network is not None:
            return {"parameters": costs.parameters(self.network), "macs": costs.macs(self.network, shape)}
        return {}


def find(names: list[str] | None = None, own: Iterable[Method] = (), *, untrained: bool = True) -> list[Method]:
    """The methods of those names, and the user's `own` after them.

    A name is that of an untrained method or of shipped weights, or the path of weights; with `:told` behind it, a
    network is told the level of the noise; with `:ensemble`, it answers with the mean over eight views; with `:clean`,
    one for photographs finds correlated noise and removes it, as `denoise.load(...)(image)` does. By default all
    of them (without the `untrained` ones where they are not asked for), ensembles of those that clean photographs; a
    network then is for the kind of pictures that it was trained on, where a name asks for any.

    Raises
    ------
    UnknownName
        A name that is none of these; the valid ones are listed.
    ValueError
        Two methods of one name.
    """
    if names is None:
        shipped = [_trained(name, strange=False) for name in weights.names()]
        told = [_trained(f"{arm.name}{TOLD}", strange=False) for arm in shipped if arm.network.told]
        ensembles = [_trained(f"{name}{ENSEMBLE}", strange=False) for name in PHOTOGRAPHS.values()]
        found = [*map(_untrained, DENOISERS.names() if untrained else ()), *shipped, *told, *ensembles, *own]
    else:
        found = [_untrained(name) if name in DENOISERS or name in BLIND else _trained(name) for name in names]
        found += own
    twice = {arm.name for arm in found if [other.name for other in found].count(arm.name) > 1}
    if twice:
        raise ValueError(
            f"two methods have one name: {', '.join(sorted(twice))}; leave one out, rename the weights, "
            "or name your own network with --model NAME=FILE"
        )
    return found


def usual(names: Iterable[str] | None) -> list[str] | None:
    """Return the names of the methods for datasets of those names; None, all of `find`, unless noise is correlated."""
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
    """A method's name without what says how its network is used."""
    while name.endswith((TOLD, ENSEMBLE, CLEAN)):
        name = name.removesuffix(TOLD).removesuffix(ENSEMBLE).removesuffix(CLEAN)
    return name


def _trained(name: str, *, strange: bool = True) -> Method:
    """A network as a method; without `strange`, not for pictures of another kind than it was trained on."""
    stem = plain(name)
    ensemble, told, cleans = (variant in name.removeprefix(stem) for variant in (ENSEMBLE, TOLD, CLEAN))
    try:
        denoiser = engine.load(stem, "cpu", "float32")
    except UnknownName:
        raise UnknownName(unknown("method", name, [*DENOISERS.names(), *BLIND.names(), *weights.names()])) from None
    if told and not denoiser.network.told:
        raise ValueError(f"{stem} cannot be told the level of the noise: leave out {TOLD}")
    if ensemble:
        denoiser.check_ensemble()
    if cleans and denoiser.name not in camera.APPLIES_TO:
        raise ValueError(f"{stem} does not find correlated noise: leave out {CLEAN}")
    card = denoiser.card
    decoder = card["architecture"].get("decoder")
    trained_on = card.get("settings", {}).get("dataset")  # a card that somebody wrote may not say it
    extras = [str(trained_on)] * bool(trained_on) + ["told sigma"] * told + ["ensemble"] * ensemble

    def build(training: Pictures, device: torch.device) -> Callable[[Tensor, float], Tensor]:
        if not strange and not datasets.alike(trained_on, training.name):
            raise NotApplicable(f"it was trained on other things: {trained_on}")
        colours = {image.shape[0] for image in training}
        if denoiser.channels != 1 and colours != {denoiser.channels}:
            raise NotApplicable(f"it takes {denoiser.channels} channels, the pictures have {min(colours)}")
        if not strange and denoiser.channels not in colours:
            raise NotApplicable("it is for gray pictures, and cleans the channels of others one by one")
        here = denoiser if device.type == "cpu" else engine.load(stem, device, "float32")
        if cleans:
            return lambda noisy, sigma: here.clean(noisy, sigma if told else None, ensemble=ensemble).estimate
        return lambda noisy, sigma: here.estimate(noisy, sigma if told else None, ensemble=ensemble)

    def count(shape: tuple[int, int, int]) -> dict[str, int | None]:
        if cleans:
            return {}  # the network, and how often it is called, depend on the noise that is found
        one = (denoiser.channels, *shape[1:])
        calls = shape[0] // denoiser.channels  # a network for gray pictures cleans a colour picture channel by channel
        calls *= WAYS if ensemble else 1
        network = denoiser.network
        return {"parameters": costs.parameters(network), "macs": calls * costs.macs(network, one)}

    return Method(
        name=denoiser.name + CLEAN * cleans + TOLD * told + ENSEMBLE * ensemble,
        label=_label(denoiser, cleans) + (f" ({', '.join(extras)})" if extras else ""),
        told_sigma=told,
        timed=True,
        build=build,
        network=denoiser.network,
        trained_on=trained_on,
        decoder=decoder,
        weights_sha256=card.get("sha256") or hashlib.sha256(weights.locate(stem).read_bytes()).hexdigest(),
        count=count,
    )


def _label(denoiser: engine.Denoiser, cleans: bool) -> str:
    """The decoder; of another body than the autoencoder, after the network's name, which tells several apart."""
    if cleans:
        return f"{denoiser.name}, correlated noise found and removed in luma and chroma"
    architecture = denoiser.card["architecture"]
    decoder = architecture.get("decoder")
    if decoder is not None and architecture["name"] == "autoencoder":
        return DECODERS[decoder].label
    body = ARCHITECTURES[architecture["name"]].label
    return f"{denoiser.name}: {body if decoder is None else f'{body}, {in_text(decoder)}'}"
