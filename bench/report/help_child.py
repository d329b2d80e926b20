"""Process that prints the `--help` of every command as JSON, for `bench.report.help_texts`.

    python -m bench.report.help_child ROOT MODULE...

ROOT is cut from default paths, so that the text is the same in every folder.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import io
import json
import runpy
import sys
from typing import Any
from unittest.mock import patch


def shown(module: str, *words: str) -> str:
    """Return the text of `python -m MODULE WORDS --help`."""
    sys.argv = [module, *words, "--help"]
    with contextlib.redirect_stdout(io.StringIO()) as text, contextlib.suppress(SystemExit):
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    return text.getvalue()


def main(root: str, modules: list[str]) -> None:
    """Print the texts by command; commands within a module are found in its parser."""
    found: list[str] = []
    expand = argparse.HelpFormatter._expand_help

    def help_of(self: argparse.Action, parser: argparse.ArgumentParser, *rest: Any) -> None:
        for action in parser._subparsers._group_actions if parser._subparsers else ():
            found.extend(action.choices or ())
        parser.print_help()
        parser.exit()

    def relative(self: argparse.HelpFormatter, action: argparse.Action) -> str:
        return expand(self, action).replace(root, "")

    # before the lines are wrapped: their breaks would depend on the length of the root
    patch.object(
        argparse.HelpFormatter, "_expand_help", functools.update_wrapper(relative, expand)
    ).start()
    patch.object(argparse._HelpAction, "__call__", help_of).start()
    texts = {}
    for module in modules:
        found.clear()
        texts[module] = shown(module)
        texts |= {f"{module} {name}": shown(module, name) for name in tuple(found)}
    print(json.dumps(texts))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
