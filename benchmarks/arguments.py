"""What the benchmarks are told on the command line."""

import argparse
from pathlib import Path


def parser(description: str | None, *, writes_sheet: bool) -> argparse.ArgumentParser:
    """Folders of photos and paintings, and the sheet to write."""
    arguments = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--photos", type=Path, required=True)
    arguments.add_argument("--paintings", type=Path, required=True)
    if writes_sheet:
        arguments.add_argument("-o", "--output", type=Path, required=True)
    return arguments
