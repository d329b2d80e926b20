"""`python -m denoise.train`."""

from denoise import cli
from denoise.train.loop import main


def command() -> None:
    """Run the console script `denoise-train`."""
    cli.run(main)


if __name__ == "__main__":
    command()
