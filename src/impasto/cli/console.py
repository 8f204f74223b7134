"""Where the command line speaks: results on standard output, everything else on standard error."""

from rich.console import Console


def plain(*, stderr: bool = False, quiet: bool = False) -> Console:
    """A console that prints names as they are: no markup, no wrapping, no colour for numbers."""
    return Console(stderr=stderr, quiet=quiet, markup=False, emoji=False, highlight=False, soft_wrap=True)
