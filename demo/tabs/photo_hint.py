"""Hint in Compare for an uploaded photograph: a button opens it in the Photo tab."""

from __future__ import annotations

import json
from typing import NamedTuple

import gradio as gr
import numpy as np

from demo.compute.draws import SMALL
from demo.tabs import photo, photo_events
from demo.widgets import before_after
from demo.widgets.controls import LIVE, PRIVATE

# of the 256 gray levels: wide enough for JPEG, narrow enough to separate flat ink from shading
BINS = 64
FLAT = 0.5  # fraction of the pixels
"""Enlarged digits and letters have at least this fraction in their two fullest bins.

The bins are ink and background. One in a hundred photographs of BSD68, Set12 and BSDS500 reaches
this fraction.
"""

TEXT = """**This looks like a photograph.** The networks of this tab are trained only on digits and
letters. The networks of the Photo tab are trained on photographs and scanned pages."""
INSTEAD = (
    "This looks like a photograph: open it in Photo, or compare it anyway, with the buttons below "
    "the image."
)


class PhotoHint(NamedTuple):
    """Components of the hint: its row, the kept uploaded file, and two buttons."""

    row: gr.Column
    original: photo.Photograph
    opener: gr.Button
    anyway: gr.Button


def is_photograph(image: np.ndarray) -> bool:
    """Classify an image as a photograph or scan, in contrast to digits and letters.

    Parameters
    ----------
    image : numpy.ndarray
        (H, W) uint8.

    Returns
    -------
    bool
        True if a side has more than `SMALL` pixels and the two fullest of `BINS` bins of gray hold
        less than `FLAT`.
    """
    if max(image.shape) <= SMALL:
        return False
    counts = np.bincount(image.ravel() // (256 // BINS), minlength=BINS)
    return bool(np.sort(counts)[-2:].sum() < FLAT * image.size)


def place(upload: gr.Image) -> PhotoHint:
    """Add the hidden hint below the upload component, whose original file it keeps."""
    original = photo.Photograph(visible=False)
    with gr.Column(visible=False) as row:
        gr.Markdown(TEXT)
        with gr.Row():
            opener = gr.Button("Open it in Photo", variant="primary", size="md", min_width=120)
            anyway = gr.Button("Compare it anyway", size="md", min_width=120)
    # In the browser, because the server passes on only the small gray image.
    upload.upload(None, upload, original, js="(file) => file")
    return PhotoHint(row, original, opener, anyway)


def connect(hint: PhotoHint, cleaned: photo.Photo, tabs: gr.Tabs) -> None:
    """Connect the button, which opens the kept file in the Photo tab and denoises it as it is."""
    picture, *settings = cleaned.inputs
    # The line is not empty, so that the tab does not open with its first result.
    busy = f"(file) => [file, {json.dumps(before_after.status(''))}]"
    hint.opener.click(None, hint.original, [picture, cleaned.line], js=busy).then(
        lambda: gr.Tabs(selected="photo"), None, tabs, queue=False, **PRIVATE, **LIVE
    ).success(
        photo_events.arrived,
        picture,
        [*settings, *cleaned.outputs],
        **photo.QUEUE,
        **PRIVATE,
        **LIVE,
    )
