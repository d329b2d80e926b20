"""Gradio demo: the outputs of all decoders for one noisy image, side by side."""

import os

# Set before Gradio is imported: on import, Gradio requests news from its analytics server.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
# Call statistics are recomputed at each call, only for the monitoring page, which is disabled here.
os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "1")
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "1000000")
# Before NumPy is imported: the threads of its matrix products would wait for those of the networks.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
