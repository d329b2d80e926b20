"""Fixtures for HTTP tests of the page: served page, client, uploaded image, call by name."""

import io
import json

import httpx
import numpy as np
import pytest
from PIL import Image

from demo import page

JSON = {"Content-Type": "application/json"}
SETTINGS = {  # valid settings of each API function, after the image
    "compare": ["gaussian", True, 0.4, 0, "mnist", ["nearest"], "pictures"],
    "clean": ["clean", "photograph", 0, 0, "all"],
}
NO_FILE = "The image is not an uploaded file, or was deleted since: upload it again."


@pytest.fixture(scope="module")
def blocks(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DENOISE_DATA", str(tmp_path_factory.mktemp("no-data")))
        made = page.build()
        made.launch(prevent_thread_lock=True, quiet=True, **page.launch_options())
        yield made
        made.close(verbose=False)


@pytest.fixture(scope="module")
def url(blocks):
    return blocks.local_url


@pytest.fixture(scope="module")
def web(blocks):
    # Do not reuse a connection that the server may be closing.
    with httpx.Client(
        base_url=blocks.local_url, timeout=60, limits=httpx.Limits(keepalive_expiry=1)
    ) as client:
        yield client


@pytest.fixture(scope="module")
def image(web):
    """Return an uploaded image as a call refers to it."""
    buffer = io.BytesIO()
    Image.fromarray(np.tile(np.arange(28, dtype=np.uint8) * 9, (28, 1))).save(buffer, "png")
    (path,) = web.post("gradio_api/upload", files={"files": ("a.png", buffer.getvalue())}).json()
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


@pytest.fixture
def call(web):
    """Return a function that calls an API function by name.

    It returns the status, or "event", and the response.
    """

    def call(name, data):
        asked = web.post(
            f"gradio_api/call/{name}", content=json.dumps({"data": data}), headers=JSON
        )
        if asked.status_code != 200:
            return asked.status_code, asked.text
        return "event", fetched(web, name, asked.json()["event_id"])

    return call


def fetched(web, name, event):
    """Return the response to a call, without the heartbeats that a busy machine sends."""
    return web.get(f"gradio_api/call/{name}/{event}").text.replace(
        "event: heartbeat\ndata: null\n\n", ""
    )


@pytest.fixture(autouse=True)
def quiet(capfd):
    """Check that the server, which runs in this process, prints no traceback during the test."""
    yield
    assert "Traceback" not in capfd.readouterr().err
