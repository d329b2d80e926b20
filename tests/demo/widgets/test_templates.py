"""Templates: escaping, and the files that the page reads."""

import jinja2
import pytest

from demo import page
from demo.widgets import templates


def test_a_value_in_html_is_escaped():
    html = templates.render(
        "widgets/head.html",
        **{"title": "<b>", "description": '"', "icon": "", "image": "", "alt": "&", "address": ""},
    )
    assert "<title>&lt;b&gt;</title>" in html
    assert 'name="description" content="&#34;"' in html
    assert "<b>" not in html


def test_a_missing_value_is_an_error():
    with pytest.raises(jinja2.UndefinedError):
        templates.render("widgets/drawing_pad.html")


def test_lines_of_an_html_template_leave_no_white_space_between_elements():
    html = templates.render("widgets/drawing_pad.html", side=280)
    assert "></canvas><div><button" in html
    assert "\n" not in html


def test_a_markdown_template_keeps_its_lines_and_characters():
    text = templates.render("widgets/api_help.md", address="http://x.y/")
    assert 'Client("http://x.y/")' in text
    assert '\'{"path": \'$file\', "meta"' in text
    assert text.endswith("```\n")


def test_every_style_sheet_is_on_the_page_or_in_a_component():
    sheets = {
        path.relative_to(templates.FOLDER).as_posix() for path in templates.FOLDER.rglob("*.css")
    }
    alone = {
        *(f"widgets/{name}.css" for name in ("crop_frame", "drawing_pad", "drawings")),
        *("widgets/training_board.css", "opening/opening.css", "space/static/style.css"),
        *("widgets/score_chart.css", "widgets/score_table.css"),  # loaded when their tab is opened
    }
    assert sheets == {*page.STYLES, *alone}
