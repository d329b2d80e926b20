"""Entry point of the page, also in a Hugging Face Space: `python app.py`."""

from demo.compute import zerogpu  # noqa: F401  isort: skip  first: it may have to come before torch
import signal

from demo.page import build, launch_options, prepare

demo = build()

if __name__ == "__main__":
    # otherwise, uploads of visitors would outlive the page
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    demo.launch(**launch_options(), prevent_thread_lock=True)  # the port is open from here on
    prepare()
    demo.block_thread()
