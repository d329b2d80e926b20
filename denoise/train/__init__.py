"""Training of denoisers: settings, batches, loop, validation and checkpoints."""
