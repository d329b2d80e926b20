"""Gradio's files of the first load, found in the installed Gradio."""

import re

from demo.widgets import first_load


def test_the_files_of_a_component_are_found_in_the_installed_gradio():
    found = first_load.files(frozenset({"slider"}))
    assert all((first_load.ASSETS / name).is_file() for name in found)
    scripts = [name for name in found if name.endswith(".js")]
    assert any("range" in (first_load.ASSETS / name).read_text() for name in scripts)


def test_the_types_that_the_page_uses_first_are_all_found():
    for kind in (
        "html",
        "radio",
        "slider",
        "number",
        "checkbox",
        "checkboxgroup",
        "dropdown",
        "row",
    ):
        assert first_load.files(frozenset({kind})), kind


def test_the_bundle_holds_the_style_sheet_of_each_component_once():
    bundle = first_load.bundle(frozenset({"slider", "radio"}))
    for kind in ("slider", "radio"):
        for part in first_load.bundle(frozenset({kind})).split("}")[:3]:
            assert bundle.count(part) >= 1
    assert len(bundle) < sum(len(first_load.bundle(frozenset({k}))) for k in ("slider", "radio"))


def test_the_tags_name_the_bundle_and_mark_its_parts_as_present():
    of = frozenset({"slider"})
    tags = first_load.tags(of)
    assert tags.startswith(f'<link rel="stylesheet" href="./{first_load.address(of)}">')
    parts = re.findall(r'<link rel="stylesheet" href="./assets/([^"]+)" disabled>', tags)
    assert first_load.bundle(of) == "".join(
        (first_load.ASSETS / name).read_text() for name in parts
    )


def test_an_unknown_type_and_a_hidden_component_need_no_file():
    config = {"components": [
        {"type": "slider", "props": {"visible": False}}, {"type": "nothing", "props": {}},
    ]}  # fmt: skip
    assert first_load.types(config) == {"nothing"}
    assert first_load.tags(first_load.types(config)) == ""
