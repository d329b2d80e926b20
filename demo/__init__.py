"""The Gradio page: every decoder's answer to the same noisy picture, side by side."""

import os

# Before Gradio is imported: it asks its analytics server for news at import time.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
# Records of the last calls, summed up anew at each call, which only the monitoring page, switched off here, would show.
os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "1")
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "1000000")
