"""Recording of the page, for the README: `python -m demo.recording docs/demo.webp`.

The slider moves, the lens follows the pointer, and the film of the training plays.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from demo.page import build, launch_options
from demo.screenshot import SHOWN, browser_page
from denoise import cli
from denoise.files.atomic import whole_file

WIDTH, HEIGHT = 1080, 700
LEVELS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.5, 0.4)
SHORT, LONG, LAST = 200, 700, 1600  # milliseconds of a frame
LARGEST = 3_000_000  # bytes
FILM = "training-film input[type=range]"


def frames(page: Any) -> Iterator[tuple[int, Callable[[], None]]]:
    """Yield the milliseconds of each frame, and a call that brings the page there."""
    for value in LEVELS:
        yield SHORT, functools.partial(_set_level, page, value)
    image = page.locator("#board .enlarge img").nth(1)
    for step in range(8):
        place = {"x": 30 + 7 * step, "y": 40 + 8 * step}
        yield SHORT, functools.partial(image.hover, position=place)
    yield LONG, functools.partial(_open_film, page)
    film = page.locator(FILM)
    last = int(film.get_attribute("max"))
    for time in range(1, last + 1):
        yield LAST if time == last else LONG, functools.partial(film.fill, str(time))


def _set_level(page: Any, value: float) -> None:
    page.get_by_role("slider", name="Noise level sigma").first.fill(str(value))
    page.wait_for_function(
        "text => document.querySelector('#board').innerText.includes(text)",
        arg=f"sigma {value:g} ",
    )


def _open_film(page: Any) -> None:
    page.get_by_role("tab", name="Film").click()
    page.wait_for_selector(SHOWN["Film"])
    page.locator(FILM).fill("0")


def take(url: str, target: Path) -> None:
    """Save the recording of the page at `url` as an animated WebP.

    Raises
    ------
    ValueError
        As `demo.screenshot.browser_page`, or the file would exceed `LARGEST` bytes.
    """
    images, times = [], []
    with browser_page(WIDTH, HEIGHT) as page:
        page.goto(url)
        page.wait_for_selector("draw-strip")
        for milliseconds, act in frames(page):
            act()
            page.wait_for_selector("#busy", state="hidden")
            page.evaluate("scrollTo(0, 0)")
            images.append(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))
            times.append(milliseconds)
    packed = io.BytesIO()
    options = {"save_all": True, "append_images": images[1:], "duration": times, "loop": 0}
    images[0].save(packed, "webp", quality=70, method=4, **options)
    if packed.tell() > LARGEST:
        raise ValueError(f"the recording has {packed.tell():,} bytes; at most {LARGEST:,} are used")
    with whole_file(target) as partial:
        partial.write_bytes(packed.getvalue())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = cli.Parser(prog="python -m demo.recording", description=__doc__)
    parser.add_argument("target", type=Path, help="output file (.webp)")
    given = parser.parse_args(arguments)
    blocks = build()
    _, url, _ = blocks.launch(prevent_thread_lock=True, quiet=True, **launch_options())
    try:
        take(url, given.target)
    finally:
        blocks.close(verbose=False)
    print(f"wrote {given.target}")


if __name__ == "__main__":
    cli.run(main)
