"""API help for programs: runnable code with the address of the page."""

from __future__ import annotations

import re

ADDRESS = "http://127.0.0.1:7860/"
CURL = """\
file=$(curl -s -F files=@digit.png {address}gradio_api/upload | tr -d '[]')
picture='{{"path": '$file', "meta": {{"_type": "gradio.FileData"}}}}'
call=$(curl -s {address}gradio_api/call/compare -H 'Content-Type: application/json' -d '{{"data": [
  '"$picture"', "gaussian", true, 0.4, 0, "mnist", ["nearest", "transposed_k3"], "pictures"]}}' | cut -d '"' -f 4)
curl -s {address}gradio_api/call/compare/$call
"""
COMPARE = """\
from gradio_client import Client, handle_file

page = Client("{address}")
html, scores = page.predict(
    handle_file("digit.png"), noise="gaussian", clip=True, sigma=0.4, seed=0, family="mnist",
    chosen=["nearest", "transposed_k3"], view="pictures", api_name="/compare",
)
print({{name: row["psnr"] for name, row in scores.items()}})
"""
CLEAN = """\
from gradio_client import Client, handle_file

html, about, file = Client("{address}").predict(
    handle_file("photo.jpg"), task="clean", kind="photograph", sigma=0, seed=0, api_name="/clean"
)
print(about, "lossless:", file)
"""
TEXT = """\
Programs can call Compare and Photo with the settings of the tabs; an invalid setting gives an error
message. Run `pip install gradio_client`, then a comparison:

```python
{compare}```

a photograph or a scanned page, denoised at full size:

```python
{clean}```

or a comparison without Python, as a stream of events:

```bash
{curl}```
"""


def text(address: str = ADDRESS) -> str:
    """Return the API documentation in Markdown, for the page at that address."""
    if not re.fullmatch(r"https?://[\w.:/~-]+", str(address)):
        address = ADDRESS
    parts = {"compare": COMPARE, "clean": CLEAN, "curl": CURL}
    return TEXT.format(**{name: part.format(address=address) for name, part in parts.items()})
