"""The commands, and the door: every mistake a user can mend becomes one line and exit code 2."""

import os
import sys
import time
from collections.abc import Sequence
from difflib import get_close_matches
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, CycloptsError, Parameter

from impasto.cli import models, styles, training
from impasto.cli.config import Config, with_defaults
from impasto.cli.console import AsJson, Voice, plain, print_json
from impasto.cli.exits import Exit
from impasto.cli.sentences import sentence
from impasto.errors import ImpastoError, OptionError, PictureError
from impasto.options import (
    MAX_PIXELS,
    ColoringOptions,
    ColorizeOptions,
    QueueOptions,
    ServeOptions,
    StylizeOptions,
    VideoOptions,
    WorkerOptions,
)

Output = Annotated[
    Path | None,
    Parameter(
        name=["--output", "-o"],
        help="Where the result goes; the suffix is its format, and - is standard output.",
    ),
]
Options = Annotated[StylizeOptions, Parameter(name="*")]
Regions = Annotated[
    tuple[str, ...],
    Parameter(
        name="--region",
        negative="",
        show_default=False,
        help="A part of the photo with a style of its own: MASK=STYLE, with a strength and a content weight "
        "if you like, as sky.png=great-wave:0.8:1.5. The mask is a picture that is white there; not:sky.png "
        "is all the rest. May be given several times.",
    ),
]
Protect = Annotated[
    tuple[str, ...],
    Parameter(
        negative="",
        show_default=False,
        help="A mask of what stays as photographed, or faces. May be given several times.",
    ),
]
Report = Annotated[Path | None, Parameter(help="Write what happened, as JSON, to this file.")]

app = App(
    name="impasto",
    help="Repaints photos with the brush of any painting. Try: impasto photo.jpg starry-night",
    usage="Usage: impasto PHOTO STYLE... [OPTIONS], or impasto COMMAND ...",
    version=lambda: version("impasto"),
    help_format="plaintext",
    suppress_keyboard_interrupt=False,  # main tells of it
    default_parameter=Parameter(negative_iterable=""),
)
app.command(styles.app)
app.command(models.app)
app.command(training.app)


@app.default
def stylize(  # noqa: PLR0913 - the words of the command line
    photo: Path,
    /,
    *style: str,
    output: Output = None,
    region: Regions = (),
    protect: Protect = (),
    report: Report = None,
    config: Config = None,
    voice: Voice = Voice(),  # noqa: B008 - frozen
    options: Options = StylizeOptions(),  # noqa: B008 - frozen
) -> None:
    """Repaint a photo.

    Parameters
    ----------
    photo
        The photo: JPEG, PNG, WebP, TIFF, BMP and most others; - is standard input.
    style
        A built-in style (see: impasto style list), a painting, a folder of paintings or a .style file.
        Several are blended, each with a share if you like: monet.jpg klimt.jpg:0.3
    """
    started = time.perf_counter()  # before torch is imported, for which the user waits, too
    _check_there(photo, [name for name in app if name[0] != "-"])
    from impasto.cli.painting import paint, stylize_task, with_masks

    task = stylize_task(photo, style, output, with_defaults(options, config))
    task = with_masks(task, region, protect)
    paint(task, report, voice, started=started)


@app.command
def colorize(  # noqa: PLR0913 - two models of options
    photo: Path,
    /,
    *,
    style: Annotated[tuple[str, ...], Parameter(negative="", show_default=False)] = (),
    output: Output = None,
    report: Report = None,
    config: Config = None,
    voice: Voice = Voice(),  # noqa: B008 - frozen
    options: Annotated[ColorizeOptions, Parameter(name="*")] = ColorizeOptions(),  # noqa: B008 - frozen
    painting: Annotated[StylizeOptions, Parameter(name="painting", group="With --style")] = StylizeOptions(),  # noqa: B008
) -> None:
    """Colour a black-and-white photo.

    Parameters
    ----------
    photo
        The photo: grey, sepia or faded; what colours it has are ignored.
    style
        Then repaint it in this style; see: impasto style list. Several are blended.
    painting
        How it is repainted: the options of impasto PHOTO STYLE.
    """
    started = time.perf_counter()
    _check_there(photo)
    from impasto.cli.colorizing import colorize, colorize_task

    task = colorize_task(photo, style, output, options, with_defaults(painting, config))
    colorize(task, report, voice, started=started)


@app.command
def video(  # noqa: PLR0913 - two models of options
    film: Path,
    /,
    *style: str,
    colorize: Annotated[bool, Parameter(negative="")] = False,
    output: Output = None,
    report: Report = None,
    config: Config = None,
    voice: Voice = Voice(),  # noqa: B008 - frozen
    options: Annotated[VideoOptions, Parameter(name="*")] = VideoOptions(),  # noqa: B008 - frozen
    coloring: Annotated[ColoringOptions, Parameter(name="coloring", group="With --colorize")] = (
        ColoringOptions()  # noqa: B008 - frozen
    ),
) -> None:
    """Repaint a film, or colour it, or both. Ended at any moment, the same command goes on.

    Parameters
    ----------
    film
        Any film: MP4, MOV, MKV, WebM, AVI, GIF; a folder of pictures; or their pattern, frames/%04d.png
    style
        A built-in style (see: impasto style list), a painting or a .style file; several are blended.
    colorize
        Give a black-and-white film its colours, before it is painted if a style is named.
    coloring
        How it is coloured: the options of impasto colorize.
    report
        Write what happened to this file, as JSON: how steady each frame is, and the worst frames.
    """
    from impasto.cli.filming import film_task, paint_it

    if coloring != ColoringOptions() and not colorize:
        raise OptionError("--coloring says how a film gets its colours; add --colorize, or leave it out")
    task = film_task(film, style, output, options, coloring if colorize else None)
    paint_it(task.model_copy(update={"options": with_defaults(options, config)}), report, voice)


@app.command
def rerun(picture: Path, /, *, output: Output = None, voice: Voice = Voice()) -> None:  # noqa: B008 - frozen
    """Make a picture again from the recipe inside it: the same pixels, on the same machine.

    Parameters
    ----------
    picture
        A picture that impasto made.
    """
    from impasto.cli.colorizing import colorize_again
    from impasto.cli.painting import again
    from impasto.recipes import verb_of

    (colorize_again if verb_of(picture) == "colorize" else again)(picture, output, voice)


@app.command
def compare(
    photo: Path, style: Path, /, *painting: Path, max_pixels: int = MAX_PIXELS, as_json: AsJson = False
) -> None:
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

    show_comparison(photo, style, painting, max_pixels, as_json=as_json)


@app.command(usage="Usage: impasto batch PHOTO-OR-FOLDER... STYLE --output FOLDER [OPTIONS]")
def batch(  # noqa: PLR0913 - the words of the command line
    *photo: Path,
    style: Annotated[
        tuple[str, ...],
        Parameter(negative="", show_default=False, help="A style; once for each, if there are several."),
    ] = (),
    output: Annotated[Path, Parameter(name=["--output", "-o"], help="The folder for the paintings.")],
    blend: Annotated[
        bool, Parameter(negative="", show_default=False, help="Mix the styles in one painting of each photo.")
    ] = False,
    recursive: Annotated[
        bool, Parameter(negative="", show_default=False, help="Look into sub-folders, too, and keep them.")
    ] = False,
    contact_sheet: Annotated[
        Path | None, Parameter(help="Write a picture of all photos and paintings, small, to this file.")
    ] = None,
    config: Config = None,
    voice: Voice = Voice(),  # noqa: B008 - frozen
    queue: Annotated[QueueOptions, Parameter(name="*", group="By a fleet")] = QueueOptions(),  # noqa: B008
    options: Options = StylizeOptions(),  # noqa: B008 - frozen
) -> int:
    """Repaint many photos, in one style or several. The same command again goes on where it was stopped.

    With --database, the workers of that queue paint them; docs/api.md tells of fleets.

    Parameters
    ----------
    photo
        Photos and folders of photos; the last word is the style, unless styles are named with --style.
    """
    from impasto.cli.batching import paint_batch, planned

    tasks = planned(photo, style, output, with_defaults(options, config), blend=blend, recursive=recursive)
    return paint_batch(tasks, output, contact_sheet, voice, queue)


@app.command
def doctor(*, voice: Voice = Voice()) -> int:  # noqa: B008 - frozen
    """See whether all that impasto needs is here, and works; exit code 0 if it does, else 1."""
    from impasto.cli.doctoring import show_examination

    return show_examination(voice)


@app.command
def completion(shell: Literal["bash", "zsh", "fish"]) -> None:
    """Print a script that completes impasto's commands and options in your shell.

    Parameters
    ----------
    shell
        Which shell; docs/command-line.md says where its script goes.
    """
    sys.stdout.write(app.generate_completion(shell=shell))


@app.command
def serve(
    *,
    options: Annotated[ServeOptions, Parameter(name="*")] = ServeOptions(),  # noqa: B008 - frozen
) -> None:
    """Open the web page and the REST API on this machine; docs/api.md tells more."""
    from impasto.cli.serving import serve_until_stopped

    serve_until_stopped(options)


@app.command
def worker(
    *,
    options: Annotated[WorkerOptions, Parameter(name="*")] = WorkerOptions(),  # noqa: B008 - frozen
) -> None:
    """Paint the jobs of a server's queue, on this machine or on any other that reaches database and store."""
    from impasto.cli.serving import work_until_stopped

    work_until_stopped(options)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code; an error is told in one line, with --json as JSON."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a name that cannot be shown is no reason to fail
    words = ["./-" if word == "-" else word for word in (sys.argv[1:] if arguments is None else arguments)]
    # ./- is the same path to Python, and no option to cyclopts
    try:
        return int(app(words, exit_on_error=False, print_error=False, result_action="return_value") or 0)
    except (ImpastoError, CycloptsError) as error:
        return _ended(Exit.MISTAKE, sentence(error), words)
    except KeyboardInterrupt:
        return _ended(Exit.INTERRUPTED, "interrupted", words)
    except BrokenPipeError:
        # What Python flushes at its end would complain again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.UNHEARD
    except Exception as defect:
        _ended(Exit.DEFECT, f"{type(defect).__name__}: {defect}", words)
        raise


def _check_there(photo: Path, commands: Sequence[str] = ()) -> None:
    """PictureError at once, before torch is imported, for a missing photo or a command misspelt."""
    if photo.exists() or photo == Path("-"):
        return
    for command in get_close_matches(str(photo), commands, n=1, cutoff=0.75):
        raise PictureError.no_file(photo, f"did you mean impasto {command}?")
    raise PictureError.no_file(photo)


def _ended(code: Exit, message: str, words: Sequence[str]) -> Exit:
    if "--json" in words:
        print_json("error", message=message, exit_code=code)
    if code is Exit.MISTAKE:
        plain(stderr=True).print(f"impasto: {message}")
    return code
