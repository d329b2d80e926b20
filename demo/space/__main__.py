"""Entry point of `python -m demo.space`."""

from demo.space.build import main
from denoise import cli

cli.run(main)
