"""Scores of methods: quality, conventions, checkerboard metrics, users' networks."""
