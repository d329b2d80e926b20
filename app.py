"""Entry of the page and of a Hugging Face Space: `python app.py`."""

from demo.page import build, launch_options

demo = build()

if __name__ == "__main__":
    demo.launch(**launch_options())
