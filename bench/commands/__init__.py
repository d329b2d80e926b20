"""Commands of `python -m bench`, one file per command: `main(given)` takes the parsed options."""
