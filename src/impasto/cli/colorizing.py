"""Colouring on the command line: a line when it is done, a bar while a style is painted."""

from collections.abc import Sequence
from pathlib import Path

from impasto.cli.console import Voice
from impasto.cli.painting import carry_out, free_name, style_choices
from impasto.coloring import color, color_recipe_in
from impasto.media.files import STANDARD
from impasto.media.picture import SUFFIXES
from impasto.options import ColorizeOptions, StylizeOptions
from impasto.tasks import ColorizeTask


def colorize_task(
    photo: Path,
    styles: Sequence[str],
    output: Path | None,
    options: ColorizeOptions,
    painting: StylizeOptions,
) -> ColorizeTask:
    """The parsed command line; without an output, a new name in the current folder."""
    choices = style_choices(styles)
    if output is None:
        stem = "piped" if photo == STANDARD else photo.stem
        suffix = SUFFIXES[painting.format if choices else options.format]
        output = free_name(Path(f"{stem}-color.png"), choices, suffix)
    return ColorizeTask(photo=photo, output=output, options=options, styles=choices, painting=painting)


def colorize(
    task: ColorizeTask,
    report: Path | None,
    voice: Voice,
    steps: Sequence[int] | None = None,
    started: float | None = None,
) -> None:
    """Runs the task; Ctrl-C during a painting ends it early and keeps the painting so far."""
    carry_out(task, lambda stop: color(task, None, stop, steps, started), report, voice)


def colorize_again(picture: Path, output: Path | None, voice: Voice) -> None:
    """Makes the recipe inside a picture once more."""
    task, steps = color_recipe_in(picture)
    colorize(task.model_copy(update={"output": output or free_name(picture, ())}), None, voice, steps)
