"""A user's own network as a method of the table: `FILE.py:FUNCTION` that returns an nn.Module, or `FILE.onnx`.

Whatever is wrong with the file is a ValueError of one line that names the file and, where its own code failed, the line
in it.
"""

from __future__ import annotations

import copy
import importlib.util
import re
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from bench import own_onnx
from bench.kept import kept
from bench.methods import Method
from denoise import engine, tensor_files
from denoise.datasets import Pictures
from denoise.files import check_name
from denoise.registry import unknown

# [NAME=]FILE.py:FUNCTION or [NAME=]FILE.onnx; a NAME has no slash, so that a folder called x=1 is no NAME.
FORM = re.compile(r"(?:(?P<name>[^=/\\]*)=)?(?P<path>.+(?:\.onnx|\.py(?=:)))(?:(?<=\.py):(?P<function>\w+))?")
FORMS = "FILE.py:FUNCTION or FILE.onnx, with NAME= before it for another name in the table"
TRIED_SIGMA = 0.4  # told to a network that is tried out; networks are blind, so none hears it


def load(text: str) -> Method:
    """The method that a `--model` option names.

    Parameters
    ----------
    text : str
        `FILE.py:FUNCTION` or `FILE.onnx`, with or without `NAME=` before it. FUNCTION takes no argument and returns an
        nn.Module that maps (N, C, H, W) float32 in [0, 1] to the same shape. The name in the table is NAME, else that
        of the file without its ending.

    Raises
    ------
    ValueError
        The file is missing or not one of the two kinds, or its function is, raises, or returns something else.
    """
    form = FORM.fullmatch(text)
    if form is None:
        raise ValueError(f"--model {text} is no network; valid: {FORMS}")
    path = Path(form["path"])
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    name = check_name(path.stem if form["name"] is None else form["name"], "the name of a --model:")
    if not form["function"]:
        return own_onnx.load(name, path)
    with kept(), torch.random.fork_rng(devices=[]):
        network = _built(path, form["function"])
    return of_network(name, network, path)


def check(brought: Iterable[Method], sets: dict[str, tuple[Pictures, Pictures]]) -> None:
    """Let each network clean one picture of each dataset, so that one that cannot is named before hours of work.

    Raises
    ------
    ValueError
        A network that raises, or whose answer has another shape than the picture.
    """
    cpu = torch.device("cpu")
    for method in brought:
        for training, test in sets.values():
            clean, _ = next(test.batches(1))
            with kept():
                method.build(training, cpu)(clean, TRIED_SIGMA)


def of_network(name: str, network: nn.Module, path: Path) -> Method:
    """The method of a PyTorch network, run as shipped networks are; `path` is the file that errors name."""
    checked = Checked(network, path).eval()

    def build(training: Pictures, device: torch.device) -> Callable[[Tensor, float], Tensor]:
        here = checked if device.type == "cpu" else copy.deepcopy(checked)  # the one on the processor stays there
        # Its channels are those of the pictures: what it does with others is for the network to say.
        card = {"architecture": {"channels": training[0].shape[0]}}
        denoiser = engine.Denoiser(here, name, card, device, "float32")
        return lambda noisy, sigma: denoiser.estimate(noisy)

    return Method(
        name=name,
        label=name,
        told_sigma=False,
        timed=True,
        build=build,
        network=checked,
        weights_sha256=_guarded(lambda: checksum(network), path, "reading its weights"),
    )


class Checked(nn.Module):
    """A user's network that says in one line what went wrong in it, and is run as those of `denoise` are.

    Parameters
    ----------
    network : nn.Module
    path : Path
        The file that it came from.
    """

    told, reach = False, None  # the level of the noise; how far it sees, which nobody knows: it is never tiled

    def __init__(self, network: nn.Module, path: Path) -> None:
        super().__init__()
        self.network = network
        self.path = path

    def forward(self, x: Tensor, level: float | None = None) -> Tensor:
        """(N, C, H, W) float32 -> the estimate, same shape, float32; a ValueError where it is not."""
        given = tuple(x.shape)
        y = _guarded(lambda: self.network(x), self.path, f"the network, given {given},")
        if not isinstance(y, Tensor):
            raise ValueError(f"{self.path}: the network, given {given}, returned a {type(y).__name__}, not a tensor")
        if tuple(y.shape) != given:
            raise ValueError(
                f"{self.path}: the network, given {given}, returned {tuple(y.shape)}: it must return the same shape"
            )
        return y.float()


def checksum(network: nn.Module) -> str:
    """SHA-256 of the weights: of the name, type, shape and bytes of each tensor of the state."""
    state = network.state_dict().items()
    return tensor_files.checksum({name: value for name, value in state if isinstance(value, Tensor)})


def _built(path: Path, function: str) -> nn.Module:
    module = _imported(path)
    build = getattr(module, function, None)
    if not callable(build):
        offered = [name for name, thing in vars(module).items() if getattr(thing, "__module__", "") == module.__name__]
        raise ValueError(f"{path}: {unknown('function', function, offered)}")
    network = _guarded(build, path, f"{function}()")
    if not isinstance(network, nn.Module):
        raise ValueError(f"{path}: {function}() returned a {type(network).__name__}, not a torch.nn.Module")
    return network


def _imported(path: Path) -> ModuleType:
    """Run the file as a module of a name that no other has, as `import` would."""
    spec = importlib.util.spec_from_file_location(f"own_network:{path.resolve()}", path)
    assert spec is not None  # it is None for other endings than .py
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look up the module of their class there
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.append(folder)  # what it imports from beside it; last, so that nothing here is hidden by it
    _guarded(lambda: spec.loader.exec_module(module), path, "the file")
    return module


def _guarded(call: Callable[[], Any], path: Path, who: str) -> Any:
    """What `call` returns; an error from the user's code becomes a ValueError that names the line."""
    try:
        return call()
    except (Exception, SystemExit) as error:  # a script without a main guard may end in sys.exit
        if isinstance(error, SyntaxError) and error.lineno:
            line = error.lineno
        else:
            frames = traceback.extract_tb(error.__traceback__)
            line = next((f.lineno for f in reversed(frames) if Path(f.filename).resolve() == path.resolve()), None)
        said = next((text.strip() for text in str(error).splitlines() if text.strip()), "")
        place = f" (line {line})" if line else ""
        raise ValueError(f"{path}{place}: {who} raised {type(error).__name__}{f': {said}' if said else ''}") from error
