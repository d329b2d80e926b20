"""HTML head for search engines and link previews, which run no JavaScript.

Gradio's own head is fixed.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from demo import opening
from demo.compute import answer
from demo.guard import packed
from demo.guard.calls import path_within
from demo.widgets import copy_link, first_load, templates

TITLE = "Which decoder should a denoising autoencoder use?"
PREVIEW = Path(__file__).parents[2] / "docs" / "preview.png"
PREVIEW_ADDRESS = "preview.png"  # relative to the address of the page
PREVIEW_ALT = "The question, the answer, and a noisy digit beside the output of each decoder"

# A digit, half of it noisy. A `data:` URL, because Gradio's `favicon_path` opens a route that
# resizes to any size.
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path d="M0 0h16v16H0z"/>'
    '<path fill="#fff" d="M8 2h3v2H8zM11 4h2v3h-2zM8 9h3v2H8zM8 12h5v2H8zM5 2h2v1H5zM3 4h2v1H3z'
    "M6 5h1v1H6zM2 7h1v1H2zM5 8h1v1H5zM3 10h2v1H3zM6 10h1v1H6zM4 12h3v2H4zM2 13h1v1H2z"
    'M9 8h2v1H9z"/></svg>'
)
ICON_ADDRESS = "data:image/svg+xml," + quote(ICON, safe=" =:/'")

REPLACED = re.compile(
    r"""\s*(<meta\s+(property="og:|name="twitter:|name="description")[^>]*>|<title>[^<]*</title>)"""
    r"""|\s*<link\s+rel="manifest"[^>]*>"""
)
"""Tags of Gradio's head: its preview, and a manifest with its logo.

Gradio escapes each "<" in its settings.
"""

BODY = re.compile(r"<body(?P<attributes>[^>]*)>")
LOADING = "The controls load."
HOST = re.compile(rb"[A-Za-z0-9.-]+(:\d+)?|\[[0-9A-Fa-f:]+\](:\d+)?")
ROOT = re.compile(r"(/[\w.~-]+)*")


def tags(address: str) -> str:
    """Return the title, icon and preview tags of the page.

    Parameters
    ----------
    address : str
        Address of the page, with a trailing slash; empty if it is unknown.
    """
    values = {
        "title": TITLE,
        "description": answer.sentence(),
        "icon": ICON_ADDRESS,
        "image": address + PREVIEW_ADDRESS,
        "alt": PREVIEW_ALT,
        "address": address,
    }
    return templates.render("widgets/head.html", **values).replace("><", ">\n<") + "\n"


def with_tags(text: str, address: str) -> str:
    """Replace the title, icon and preview tags in the head of an HTML document by `tags`.

    Keep other text.
    """
    before, opened, after = text.partition("<head>")
    head, closed, body = after.partition("</head>")
    if not closed:
        return text
    first = REPLACED.search(head)
    # after the declaration of the charset, before the long configuration
    at = first.start() if first else len(head)
    head = f"{head[:at]}\n{tags(address)}{REPLACED.sub('', head[at:])}"
    return f"{before}{opened}{head}{closed}{body}"


def with_links(text: str, links: str) -> str:
    """Insert tags at the end of the head, behind the style sheet of Gradio's main script."""
    before, closed, after = text.partition("</head>")
    return f"{before}{links}{closed}{after}"


def with_first_view(text: str) -> str:
    """Insert the first view into the body of an HTML document, before Gradio's element."""
    view = f"<style>{opening.style()}</style>{opening.view(LOADING)}"
    text = BODY.sub(lambda body: f'<body class="opening"{body["attributes"]}>{view}', text, count=1)
    before, closed, after = text.rpartition("</body>")
    return f"{before}<script>\n{opening.handover()}</script>\n{closed}{after}"


class Head:
    """ASGI middleware that inserts tags, script and first view, and serves the preview image.

    The image is one file, read at startup: no part of a request names a file. The page is made once
    for each address: Gradio would format its settings again for each visitor.
    """

    def __init__(self, app: Any) -> None:
        self.app = app
        self.preview = PREVIEW.read_bytes() if PREVIEW.is_file() else None
        self.pages = packed.Kept()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Serve the preview and the page, pass on every other request."""
        path = path_within(scope) if scope["type"] == "http" else None
        if path == f"/{PREVIEW_ADDRESS}" and self.preview is not None:
            headers = {"cache-control": "public, max-age=86400"}
            await Response(self.preview, media_type="image/png", headers=headers)(
                scope, receive, send
            )
        elif path and path.startswith(first_load.START) and path == self._styles(scope):
            styles = first_load.bundle(self._drawn(scope))
            await Response(styles, media_type="text/css")(scope, receive, send)
        elif path == "/" and scope["method"] == "GET":
            await (await self._page(scope, receive))(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _styles(self, scope: dict[str, Any]) -> str:
        return f"/{first_load.address(self._drawn(scope))}"

    @staticmethod
    def _drawn(scope: dict[str, Any]) -> frozenset[str]:
        """Return the types of the components that the page draws first."""
        return first_load.types(scope["app"].get_blocks().config)

    async def _page(self, scope: dict[str, Any], receive: Any) -> Response:
        address, encoding = _address(scope), packed.accepted(scope)
        found = self.pages.get((address, encoding))
        if found is None:
            # The browser reads the query; of Gradio's own parameters, none changes this page.
            made = await packed.fetched(self.app, {**scope, "query_string": b""}, receive)
            if made.status_code != 200:
                return made
            text = with_first_view(with_tags(bytes(made.body).decode(), address))
            # at the end of the head: the script needs Gradio's settings, which stand in the head
            text = with_links(text, first_load.tags(self._drawn(scope)) + copy_link.preselect())
            found = await packed.encoded(packed.with_body(made, text.encode()), encoding)
            if address:
                self.pages.put((address, encoding), found)
        return found


def _address(scope: dict[str, Any]) -> str:
    """Return the requested address of the page, behind a proxy too.

    Empty if a header is invalid.
    """
    # Gradio uses the first of a repeated header: another choice would keep its page under a wrong
    # address.
    repeated = reversed(list(scope["headers"]))
    headers = {name: value.partition(b",")[0].strip() for name, value in repeated}
    host = headers.get(b"x-forwarded-host") or headers.get(b"host", b"")
    scheme = headers.get(b"x-forwarded-proto", b"").decode("latin-1") or scope["scheme"]
    root = scope.get("root_path", "")
    if not HOST.fullmatch(host) or scheme not in ("http", "https") or not ROOT.fullmatch(root):
        return ""
    return f"{scheme}://{host.decode()}{root}/"
