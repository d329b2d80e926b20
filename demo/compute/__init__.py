"""Inference of the demo: comparisons, photographs, lessons; no layout."""
