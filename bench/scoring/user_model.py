"""User's network as a method of the table: `FILE.py:FUNCTION` or `FILE.onnx`.

FUNCTION returns an nn.Module. Every error in the file becomes a ValueError of one line. It names
the file and, if the user's code failed, the line.
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
from typing import Any, cast

import torch
from torch import Tensor, nn

from bench.process_state import kept
from bench.scoring import user_onnx
from bench.scoring.methods import Method
from denoise.datasets import Pictures
from denoise.files import tensor_files
from denoise.files.atomic import check_name
from denoise.inference import engine
from denoise.models.base import AnySize
from denoise.registry import unknown

# [NAME=]FILE.py:FUNCTION or [NAME=]FILE.onnx. A NAME has no slash, so that a folder called x=1 is
# no NAME.
FORM = re.compile(
    r"(?:(?P<name>[^=/\\]*)=)?(?P<path>.+(?:\.onnx|\.py(?=:)))(?:(?<=\.py):(?P<function>\w+))?"
)
FORMS = "FILE.py:FUNCTION or FILE.onnx, with NAME= before the file for another name in the table"
TRIED_SIGMA = 0.4  # passed in the trial call; users' networks ignore it, because they are blind


def load(text: str) -> Method:
    """Load the method that a `--model` option names.

    Parameters
    ----------
    text : str
        `FILE.py:FUNCTION` or `FILE.onnx`, with or without `NAME=` before it. FUNCTION takes no
        argument and returns an nn.Module that maps (N, C, H, W) float32 in [0, 1] to the same
        shape. The name in the table is NAME; by default, the file's name without its ending.

    Raises
    ------
    ValueError
        The file is missing or of another kind. Or its function is missing, raises, or returns no
        nn.Module.
    """
    form = FORM.fullmatch(text)
    if form is None:
        raise ValueError(f"--model is {text}; valid: {FORMS}")
    path = Path(form["path"])
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    name = check_name(path.stem if form["name"] is None else form["name"], "the name of a --model:")
    if not form["function"]:
        return user_onnx.load(name, path)
    with kept(), torch.random.fork_rng(devices=[]):
        network = _built(path, form["function"])
    return of_network(name, network, path)


def check(brought: Iterable[Method], sets: dict[str, tuple[Pictures, Pictures]]) -> None:
    """Run each network on one image of each dataset, to report a failing network early.

    Raises
    ------
    ValueError
        A network raises, or its output differs in shape from its input.
    """
    cpu = torch.device("cpu")
    for method in brought:
        for training, test in sets.values():
            clean, _ = next(test.batches(1))
            with kept():
                method.build(training, cpu)(clean, TRIED_SIGMA)


def of_network(name: str, network: nn.Module, path: Path) -> Method:
    """Make a method of a PyTorch network, used like the shipped networks.

    `path` is the file named in errors.
    """
    checked = Checked(network, path).eval()

    def build(training: Pictures, device: torch.device) -> Callable[[Tensor, float], Tensor]:
        # the original stays on the CPU
        here = checked if device.type == "cpu" else copy.deepcopy(checked)
        # The network takes the channels of the images. It reports by itself an input that it cannot
        # process.
        card = {"architecture": {"channels": training[0].shape[0]}}
        # `Checked` has the part of the interface of `AnySize` that float32 needs
        denoiser = engine.Denoiser(cast(AnySize, here), name, card, device, "float32")
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
    """User's network with one-line errors, and the interface of networks in `denoise`.

    Parameters
    ----------
    network : nn.Module
    path : Path
        The file of the network, named in errors.
    """

    noise_conditional, reach = (
        False,
        None,
    )  # receptive field unknown, so never tiled

    def __init__(self, network: nn.Module, path: Path) -> None:
        super().__init__()
        self.network = network
        self.path = path

    def forward(self, x: Tensor, level: float | None = None) -> Tensor:
        """Return the estimate for (N, C, H, W), same shape, float32.

        Raise ValueError if the shape differs.
        """
        given = tuple(x.shape)
        y = _guarded(lambda: self.network(x), self.path, f"the network, given {given},")
        if not isinstance(y, Tensor):
            raise ValueError(
                f"{self.path}: the network, given {given}, returned a {type(y).__name__}, "
                "not a tensor"
            )
        if tuple(y.shape) != given:
            raise ValueError(
                f"{self.path}: the network, given {given}, returned {tuple(y.shape)}: it "
                "must return the same shape"
            )
        return y.float()


def checksum(network: nn.Module) -> str:
    """Compute the SHA-256 of the names, types, shapes and bytes of all tensors of the state."""
    state = network.state_dict().items()
    return tensor_files.checksum(
        {name: value for name, value in state if isinstance(value, Tensor)}
    )


def _built(path: Path, function: str) -> nn.Module:
    module = _imported(path)
    build = getattr(module, function, None)
    if not callable(build):
        offered = [
            name
            for name, thing in vars(module).items()
            if getattr(thing, "__module__", "") == module.__name__
        ]
        raise ValueError(f"{path}: {unknown('function', function, offered)}")
    network = _guarded(build, path, f"{function}()")
    if not isinstance(network, nn.Module):
        raise ValueError(
            f"{path}: {function}() returned a {type(network).__name__}, not a torch.nn.Module"
        )
    return network


def _imported(path: Path) -> ModuleType:
    """Import the file as a module with a unique name."""
    spec = importlib.util.spec_from_file_location(f"own_network:{path.resolve()}", path)
    assert spec is not None  # spec is None only for endings other than .py
    loader = spec.loader
    assert loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look up the module of their class there
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        # for imports from the file's folder; last, so that it hides no other module
        sys.path.append(folder)
    _guarded(lambda: loader.exec_module(module), path, "the file")
    return module


def _guarded(call: Callable[[], Any], path: Path, who: str) -> Any:
    """Return the result of `call`; raise an error of the user's code as a one-line ValueError."""
    try:
        return call()
    except (Exception, SystemExit) as error:  # a script without a main guard may call sys.exit
        line: int | None
        if isinstance(error, SyntaxError) and error.lineno:
            line = error.lineno
        else:
            frames = traceback.extract_tb(error.__traceback__)
            line = next(
                (
                    f.lineno
                    for f in reversed(frames)
                    if Path(f.filename).resolve() == path.resolve()
                ),
                None,
            )
        message = next((text.strip() for text in str(error).splitlines() if text.strip()), "")
        place = f" (line {line})" if line else ""
        raise ValueError(
            f"{path}{place}: {who} raised {type(error).__name__}{f': {message}' if message else ''}"
        ) from error
