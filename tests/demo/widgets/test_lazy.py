"""Components of closed tabs and accordions wait for the first opening."""

import gradio as gr
import pytest

from demo.widgets import lazy


@pytest.fixture(scope="module")
def made():
    """Return the Blocks and their components by label."""
    with gr.Blocks() as blocks:
        gr.Textbox(label="above")
        with gr.Tabs():
            with gr.Tab("first", id="first"):
                gr.Textbox(label="at once")
                with gr.Tabs():
                    with gr.Tab("a"):
                        gr.Textbox(label="inner first")
                    with gr.Tab("b"):
                        gr.Textbox(label="inner second")
            with gr.Tab("second", id="second"):
                with gr.Row():
                    gr.Textbox(label="in a row")
                gr.Textbox(label="never", visible=False)
                with gr.Accordion("closed", open=False):
                    gr.Textbox(label="in the accordion")
        with gr.Accordion("open", open=True):
            gr.Textbox(label="in an open one")
        lazy.defer(blocks)
    return blocks


def labels(made, blocks):
    return {made.blocks[number].label for number in blocks}


def test_what_is_closed_is_left_out_and_all_else_is_drawn(made):
    shown = {
        block.label: block.visible
        for block in made.blocks.values()
        if isinstance(block, gr.Textbox)
    }
    assert shown == {
        "above": True,
        "at once": True,
        "inner first": True,
        "inner second": False,
        "in a row": False,
        "never": False,
        "in the accordion": False,
        "in an open one": True,
    }


def test_each_opening_shows_its_own_components_in_the_browser_alone(made):
    config = made.get_config_file()["dependencies"]
    shown = {frozenset(labels(made, event["outputs"])) for event in config}
    assert shown == {
        frozenset({"inner second"}),
        frozenset({"in a row"}),
        frozenset({"in the accordion"}),
    }
    assert not any(event["backend_fn"] for event in config)
    assert {name for event in config for _, name in event["targets"]} == {"select", "expand"}


def test_the_button_of_a_tab_stays(made):
    tabs = [block for block in made.blocks.values() if isinstance(block, gr.Tab)]
    assert all(tab.visible is True for tab in tabs)
