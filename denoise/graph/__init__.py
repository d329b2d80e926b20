"""Rewrites of a network's graph: fusion, polyphase form, and CUDA graphs."""
