"""The commands, and the door: every mistake a user can mend becomes one line and exit code 2."""

import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import pydantic
from cyclopts import App, CycloptsError, Parameter

from impasto.cli import models, styles
from impasto.cli.console import plain
from impasto.errors import ImpastoError
from impasto.options import MAX_PIXELS, StylizeOptions

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

EXIT_MISTAKE = 2
EXIT_INTERRUPTED = 130

Output = Annotated[
    Path | None, Parameter(name=["--output", "-o"], help="Where the result goes; the suffix is its format.")
]
Quiet = Annotated[bool, Parameter(name=["--quiet", "-q"], negative="", help="Say nothing but errors.")]
Report = Annotated[Path | None, Parameter(help="Write what happened, as JSON, to this file.")]

app = App(
    name="impasto",
    help="Repaints photos with the brush of any painting. Try: impasto photo.jpg starry-night",
    version=lambda: version("impasto"),
    help_format="plaintext",
)
app.command(styles.app)
app.command(models.app)


@app.default
def stylize(
    photo: Path,
    *style: str,
    output: Output = None,
    report: Report = None,
    quiet: Quiet = False,
    options: Annotated[StylizeOptions, Parameter(name="*")] = StylizeOptions(),  # noqa: B008 - frozen
) -> None:
    """Repaint a photo.

    Parameters
    ----------
    photo
        The photo: JPEG, PNG, WebP, TIFF, BMP and most others.
    style
        A built-in style (see: impasto style list), a painting or a .style file. Several are blended,
        each with a share if you like: monet.jpg klimt.jpg:0.3
    """
    started = time.perf_counter()  # before torch is imported, for which the user waits, too
    from impasto.cli.painting import paint, stylize_task

    paint(stylize_task(photo, style, output, options), report, quiet, started=started)


@app.command
def rerun(picture: Path, *, output: Output = None, quiet: Quiet = False) -> None:
    """Make a painting again from the recipe inside it: the same pixels, on the same machine.

    Parameters
    ----------
    picture
        A picture that impasto made.
    """
    from impasto.cli.painting import again

    again(picture, output, quiet)


@app.command
def compare(photo: Path, style: Path, *painting: Path, max_pixels: int = MAX_PIXELS) -> None:
    """Measure paintings: style 1 is the photo and 0 the style, content 0 is the photo and 1 the style.

    Parameters
    ----------
    photo
        The photo they were made from.
    style
        The style picture.
    painting
        The results to measure.
    max_pixels
        Refuse pictures with more pixels than this.
    """
    from impasto.cli.comparing import show_comparison

    show_comparison(photo, style, painting, max_pixels)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 done, 2 a mistake the user can mend, told in one line, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a name that cannot be shown is no reason to fail
    try:
        app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    except (ImpastoError, CycloptsError) as error:
        plain(stderr=True).print(f"impasto: {sentence(error)}")
        return EXIT_MISTAKE
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return 0


def sentence(error: ImpastoError | CycloptsError) -> str:
    """What went wrong, in one line."""
    cause = error.__cause__
    if isinstance(error, CycloptsError) and isinstance(cause, pydantic.ValidationError):
        return "; ".join(_complaint(detail) for detail in cause.errors())
    return " ".join(str(error).split()).removesuffix(".")


def _complaint(detail: "ErrorDetails") -> str:
    name = "--" + str(detail["loc"][-1]).replace("_", "-") if detail["loc"] else "an argument"
    message = detail["msg"].replace("Input should be", "must be").removeprefix("Value error, ")
    # Our own sentences say it all.
    return (
        f"{name} {message}" if detail["type"] == "value_error" else f"{name} {message}, not {detail['input']}"
    )
