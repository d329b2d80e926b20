"""Common parts of the command lines: options from a dataclass, and errors in one line."""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn


class Parser(argparse.ArgumentParser):
    """Argument parser that raises ValueError, so that `run` prints one line without the usage."""

    def error(self, message: str) -> NoReturn:
        """Raise ValueError with the parser's message."""
        raise ValueError(message)


def let_threads_sleep() -> None:
    """Let idle OpenMP threads sleep soon; by default they spin long, and slow down other processes.

    Call before torch is imported, which reads the variables once. Values of the user stay.
    docs/speed-log.md has the measurements behind the number.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "10000")


def need(extra: str, *packages: str) -> None:
    """Raise ValueError if packages of an extra are not installed; imports none of them."""
    if missing := [name for name in packages if importlib.util.find_spec(name) is None]:
        raise ValueError(
            f"{', '.join(missing)} not installed: pip install 'denoise-decoders[{extra}]'"
        )


def option(default: Any, help: str, **extra: Any) -> Any:
    """Define a dataclass field that is also a command-line option.

    `parse` in `extra` converts the text.
    """
    return dataclasses.field(default=default, metadata={"help": help, **extra})


def levels(text: str) -> tuple[float, float]:
    """Parse "0.4" (one sigma) or "0:0.6" (blind over a range)."""
    low, _, high = text.partition(":")
    try:
        return float(low), float(high or low)
    except ValueError:
        raise ValueError(f"sigma is {text!r}; valid: a number (0.4) or a range (0:0.6)") from None


def whole_numbers(text: str) -> tuple[int, ...]:
    """Parse integers, "32,16"."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"{text!r} is not a list of integers; valid: for example 32,16") from None


TEXTS: dict[Callable[[str], Any] | None, Callable[[Any], str]] = {
    levels: lambda pair: ":".join(map(str, pair)),
    whole_numbers: lambda numbers: ",".join(map(str, numbers)),
}
"""Inverse of each parser: from a parsed value to its text."""


def add_options(
    parser: argparse.ArgumentParser, settings: type, aliases: Mapping[str, str] = {}
) -> None:
    """Add one option (`--some-field VALUE`) to `parser` for each field of a dataclass.

    `aliases` maps old names of fields to present names; their options are valid, but not in --help.
    """
    old = {new: name for name, new in aliases.items()}
    for field in dataclasses.fields(settings):
        flag = "--" + field.name.replace("_", "-")
        hidden: dict[str, Any] = {
            "dest": field.name, "default": argparse.SUPPRESS, "help": argparse.SUPPRESS
        }  # fmt: skip
        text = field.metadata["help"]
        if isinstance(field.default, bool):
            parser.add_argument(
                flag, action=argparse.BooleanOptionalAction, default=field.default, help=text
            )
            if field.name in old:
                parser.add_argument(
                    f"--{old[field.name]}", action=argparse.BooleanOptionalAction, **hidden
                )
        else:
            convert = field.metadata.get("parse") or type(field.default)
            shown = field.metadata.get("shown", field.default)
            parser.add_argument(
                flag,
                type=_one_line(convert),
                default=field.default,
                help=f"{text} (default: {shown})",
            )
            if field.name in old:
                parser.add_argument(f"--{old[field.name]}", type=_one_line(convert), **hidden)


def from_options(arguments: argparse.Namespace, settings: type) -> Any:
    """Build the dataclass from the options of `add_options`.

    Its own checks may raise ValueError.
    """
    return settings(
        **{field.name: getattr(arguments, field.name) for field in dataclasses.fields(settings)}
    )


def words(settings: Any) -> list[str]:
    """Return the arguments for all options that differ from their defaults.

    For example ["--width", "16", "--no-bias"].
    """
    found: list[str] = []
    for field in dataclasses.fields(settings):
        value, flag = getattr(settings, field.name), field.name.replace("_", "-")
        if value == field.default:
            continue
        if isinstance(value, bool):
            found.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            found += [f"--{flag}", TEXTS.get(field.metadata.get("parse"), str)(value)]
    return found


def one_line(message: BaseException | str) -> str:
    """Return an error's message or a text without line breaks and control characters.

    An empty message becomes the name of the error's type. File names may hold control characters,
    which could write anywhere on a terminal.
    """
    text = " ".join(line.strip() for line in str(message).splitlines()) or type(message).__name__
    return "".join(
        sign if sign.isprintable() or sign.isspace() else ascii(sign)[1:-1] for sign in text
    ).strip()


def run(
    main: Callable[[Sequence[str] | None], int | None], arguments: Sequence[str] | None = None
) -> None:
    r"""Run a command; print a ValueError or OSError as one line on stderr and exit with code 2.

    Characters that the console cannot show, for example in a file name, are written as escapes
    ("\u65e5").
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = main(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has closed the pipe (`| head`); the buffered rest is discarded.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except (ValueError, OSError) as error:
        print(f"error: {one_line(error)}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt as stop:  # a training adds its progress and the signal
        print(one_line(stop) if stop.args else "stopped", file=sys.stderr)
        sys.exit(getattr(stop, "code", 130))
    sys.exit(code or 0)


def _one_line(convert: Callable[[str], Any]) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        try:
            return convert(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return parse
