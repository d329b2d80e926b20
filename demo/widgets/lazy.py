"""Components of closed tabs and accordions: the browser loads them once a visitor opens them.

Gradio draws the content of a closed tab later, but loads the code of its components at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr
from gradio.blocks import Block, BlockContext
from gradio.components import Component

from demo.widgets.controls import PRIVATE

SHOW = """() => {
  const opened = (window.openedContainers ??= new Set());
  if (opened.has(%(container)d)) return [];
  opened.add(%(container)d);
  return Array(%(count)d).fill({ __type__: "update", visible: true });
}"""


def defer(blocks: gr.Blocks) -> None:
    """Leave out the components of closed containers until the first opening of their container."""
    for container, opening in list(_closed(blocks)):
        waiting = [block for block in _content(container) if block.visible is True]
        for block in waiting:
            block.visible = False
        if waiting:
            show = SHOW % {"container": container._id, "count": len(waiting)}
            opening(None, None, waiting, js=show, queue=False, **PRIVATE)


def _closed(context: BlockContext) -> Iterator[tuple[BlockContext, Callable[..., Any]]]:
    """Yield each closed container with the listener of the event that opens it."""
    for block in context.children:
        if isinstance(block, gr.Accordion) and not block.open:
            yield block, block.expand
        if isinstance(block, gr.Tab) and block is not context.children[0]:
            yield block, block.select
        if isinstance(block, BlockContext):
            yield from _closed(block)


def _content(context: BlockContext) -> Iterator[Block]:
    """Yield the components of a container, without those of closed containers in it."""
    inner = {block for block, _ in _closed(context)}
    for block in context.children:
        if isinstance(block, Component):
            yield block
        elif isinstance(block, BlockContext) and block not in inner:
            yield from _content(block)
