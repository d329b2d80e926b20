"""Image of link previews, from the results: `python -m demo.preview docs/preview.png`."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

import gradio

from demo.compute import answer, results
from demo.compute.answers import FIRST_ARMS, compare, decibels
from demo.compute.images import data_url
from demo.compute.samples import rendered
from demo.screenshot import browser_page
from demo.tabs.compare import FIRST
from demo.widgets import templates
from demo.widgets.head import TITLE
from denoise import cli

FONTS = Path(gradio.__file__).parent / "templates/frontend/static/fonts/SourceSansPro"
SIZE = (1200, 630)  # pixels, which social sites show without cropping


def html() -> str:
    """Return the image as a document: the question, the answer, and a comparison."""
    family = results.families()[0]
    sample = next(one for one in rendered() if one.family == family)
    decoders = [arm for arm in FIRST_ARMS if arm not in results.CEILINGS]
    answers = compare(sample.image, **FIRST, family=family, chosen=decoders)
    return templates.render(
        "widgets/preview.html",
        title=TITLE,
        answer=answer.sentence(),
        answers=answers[1:],
        sigma=FIRST["sigma"],
        url=data_url,
        decibels=decibels,
        fonts={weight: _font(weight) for weight in ("Regular", "Bold")},
    )


def _font(weight: str) -> str:
    """Return a font of the page as an address that holds it."""
    file = FONTS / f"SourceSansPro-{weight}.woff2"
    return "data:font/woff2;base64," + base64.b64encode(file.read_bytes()).decode()


def take(target: Path) -> None:
    """Save the image, a PNG of `SIZE`.

    Raises
    ------
    ValueError
        As `demo.screenshot.browser_page`.
    """
    with browser_page(*SIZE) as page:
        page.set_content(html())
        page.evaluate("document.fonts.ready")
        page.screenshot(path=target)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = cli.Parser(prog="python -m demo.preview", description=__doc__)
    parser.add_argument("target", type=Path, help="output file (.png)")
    take(parser.parse_args(arguments).target)


if __name__ == "__main__":
    cli.run(main)
