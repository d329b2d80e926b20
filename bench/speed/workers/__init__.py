"""Worker processes of the compared systems: this package's engine, and third-party systems.

Only `ours` imports the package or PyTorch, so that `peers` runs in its own environment.
"""
