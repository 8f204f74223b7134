"""Where the command line speaks: results on standard output, everything else on standard error."""

import json
import math
import sys
from dataclasses import dataclass
from typing import Annotated, Any, NoReturn

from cyclopts import Parameter
from rich.console import Console

from impasto.errors import OptionError


class _Console(Console):
    def on_broken_pipe(self) -> NoReturn:
        raise BrokenPipeError


def plain(*, stderr: bool = False, quiet: bool = False) -> Console:
    """A console that prints names as they are: no markup, no wrapping, no colour for numbers."""
    return _Console(stderr=stderr, quiet=quiet, markup=False, emoji=False, highlight=False, soft_wrap=True)


AsJson = Annotated[
    bool,
    Parameter(
        name="--json",
        negative="",
        show_default=False,
        help="Say it on standard output as JSON, one object a line.",
    ),
]


@Parameter(name="*")
@dataclass(frozen=True)
class Voice:
    """How much a command says, and in what form; OptionError for quiet and verbose at once."""

    quiet: Annotated[
        bool,
        Parameter(name=["--quiet", "-q"], negative="", show_default=False, help="Say nothing but errors."),
    ] = False
    verbose: Annotated[
        bool,
        Parameter(name=["--verbose", "-v"], negative="", show_default=False, help="Say more on the way."),
    ] = False
    json: AsJson = False

    def __post_init__(self) -> None:
        if self.quiet and self.verbose:
            raise OptionError("--quiet and --verbose exclude each other; leave one out")

    @property
    def console(self) -> Console:
        """Standard error; silent when quiet, or where JSON is spoken."""
        return plain(stderr=True, quiet=self.quiet or self.json)

    @property
    def errors(self) -> Console:
        """Standard error for what went wrong, which quiet does not silence."""
        return plain(stderr=True, quiet=self.json)

    def tell(self, event: str, **facts: Any) -> None:
        """A line of JSON, where that is wanted; of what is under way, quiet says nothing."""
        if self.json and not (self.quiet and event == "progress"):
            print_json(event, **facts)


def print_json(event: str, **facts: Any) -> None:
    """One object on one line of standard output, at once; a number that is none becomes null."""
    finite = {
        key: None if isinstance(fact, float) and not math.isfinite(fact) else fact
        for key, fact in facts.items()
    }
    sys.stdout.write(json.dumps({"event": event} | finite, default=str, allow_nan=False) + "\n")
    sys.stdout.flush()


def spoken(seconds: float) -> str:
    """A time as people say it: 0.4 s, 8 s, 2 min 5 s, 1 h 12 min."""
    whole = round(seconds)
    if 0 < seconds < 1:
        return f"{seconds:.1f} s"
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
