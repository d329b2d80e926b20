"""The Gradio page: every decoder's answer to the same noisy picture, side by side."""

import os

# Before Gradio is imported: it asks its analytics server for news at import time.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
