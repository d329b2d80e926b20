"""Entry point of the page, also in a Hugging Face Space: `python app.py`."""

from demo.opening import early

first = early.start() if __name__ == "__main__" else None  # answers during the imports below

from demo.compute import zerogpu  # noqa: E402, F401  isort: skip  it may have to come before torch
import signal  # noqa: E402

from demo.page import build, launch_options, prepare  # noqa: E402

demo = build()

if __name__ == "__main__":
    # otherwise, uploads of visitors would outlive the page
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    port = first.close() if first else None
    demo.launch(**launch_options(), server_port=port, prevent_thread_lock=True)
    prepare()
    demo.block_thread()
