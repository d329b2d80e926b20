"""`python -m denoise.train`."""

from denoise import cli


def command() -> None:
    """Run the console script `denoise-train`."""
    cli.let_threads_sleep()
    from denoise.train.loop import main  # after the policy is set, as it imports torch

    cli.run(main)


if __name__ == "__main__":
    command()
