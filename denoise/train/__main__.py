"""`python -m denoise.train`."""

from denoise import cli
from denoise.train.loop import main

cli.run(main)
