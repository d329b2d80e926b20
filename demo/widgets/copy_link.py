"""The button that copies a permalink, and the script that opens the tab of a permalink at once."""

from __future__ import annotations

from demo.widgets.templates import read

TABS = "tabs"  # element id of the page's tabs, which `preselect.js` looks for


def element() -> str:
    """Return the button as HTML."""
    return "<copy-link></copy-link>"


def template() -> str:
    """Return the template that the button copies into its shadow DOM, as for `labs`."""
    return f'<script type="text/html" id="copy-link">\n{read("widgets/copy_link.html")}</script>\n'


def preselect() -> str:
    """Return the script for the end of the page's head.

    Gradio reads its settings after the head: a tab that Python selected later would flash.
    """
    return f"<script>\n{read('widgets/preselect.js')}</script>\n"
