"""What each command of `python -m bench` does, one file a command: `main(given)` takes the parsed options."""
