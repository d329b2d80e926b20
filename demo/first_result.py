"""The committed first result of the page: `python -m demo.first_result` computes it anew.

The page shows it until the networks are loaded.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from demo import opening, page
from demo.tabs import compare
from denoise import cli
from denoise.files.atomic import whole_file


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    cli.Parser(prog="python -m demo.first_result", description=__doc__).parse_args(arguments)
    with whole_file(opening.COMMITTED) as partial:
        partial.write_text(json.dumps(computed(), indent=1) + "\n", encoding="utf-8")
    print(f"wrote {opening.COMMITTED}")


def computed() -> dict[str, Any]:
    """Compute the first result with the weights of this copy: HTML by the name of its component."""
    board, draws = compare.first()
    return {
        "introduction": page.INTRODUCTION,
        "outputs": {opening.BOARD: board, opening.DRAWS: draws},
    }


if __name__ == "__main__":
    cli.run(main)
