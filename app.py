"""Entry of the page and of a Hugging Face Space: `python app.py`."""

from demo import gpu  # noqa: F401  isort: skip  first: it may have to come before torch
from demo.page import build, launch_options

demo = build()

if __name__ == "__main__":
    demo.launch(**launch_options())
