"""Colouring on the command line: a line when it is done, a bar while a style is painted."""

from collections.abc import Sequence
from pathlib import Path

from impasto.cli.console import Voice, spoken
from impasto.cli.painting import (
    check_report,
    check_standard_output,
    follow,
    free_name,
    result_facts,
    shown,
    stop_on_interrupt,
    style_choices,
    write_report,
)
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
    check_standard_output(task, voice)
    if report is not None:
        check_report(task, report)
    with stop_on_interrupt() as interrupt:
        done = follow(color(task, None, interrupt.stop.is_set, steps, started), voice, interrupt)
    height, width = done.rgb.shape[:2]
    voice.console.print(f"{shown(task.output)}  {width} x {height}, {spoken(done.seconds)}")
    voice.tell("result", output=task.output, **result_facts(done))
    if report is not None:
        write_report(report, done.report)


def colorize_again(picture: Path, output: Path | None, voice: Voice) -> None:
    """Makes the recipe inside a picture once more."""
    task, steps = color_recipe_in(picture)
    colorize(task.model_copy(update={"output": output or free_name(picture, ())}), None, voice, steps)
