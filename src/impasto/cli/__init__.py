"""The command line: `impasto`, and `python -m impasto`, are the same program."""

from impasto.cli.app import main

__all__ = ["main"]
