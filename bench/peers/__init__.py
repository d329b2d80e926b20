"""Systems whose speed is compared, each run in a process of its own: this package's engine, and what others offer.

Nothing here but `own` imports the package or PyTorch, so that `others` runs in an environment of its own.
"""
