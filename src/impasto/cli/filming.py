"""impasto video: a bar while frames are painted, a line when the film is done."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from impasto.cli.console import Voice, spoken
from impasto.cli.painting import stop_on_interrupt, style_choices
from impasto.errors import OptionError
from impasto.media.files import write_whole
from impasto.options import ColoringOptions, StylizeOptions, VideoOptions
from impasto.tasks import FilmProgress, FilmResult, VideoTask
from impasto.video import paint_film

COLORS_TAKE: Final = {"device", "precision", "max_pixels", "memory"}
"""Of the options of painting, those that hold for colouring, too."""


def film_task(
    film: Path,
    styles: Sequence[str],
    output: Path | None,
    options: VideoOptions,
    coloring: ColoringOptions | None,
) -> VideoTask:
    """The parsed command line; without an output, film-style.mp4 or film-color.mp4 in the current folder."""
    if not styles and coloring is None:
        raise OptionError(
            f"name a style: impasto video {film} great-wave (see them all with: impasto style list), "
            "or give it colours with --colorize"
        )
    for name in sorted(options.model_fields_set & StylizeOptions.model_fields.keys() - COLORS_TAKE):
        if not styles:
            instead = f", or write --coloring.{name}" if name in ColoringOptions.model_fields else ""
            raise OptionError(
                f"--{name.replace('_', '-')} is for paintings; name a style, or leave it out{instead}"
            )
    choices = style_choices(styles)
    if output is None:
        # Always the same name, so that the same command finds what it has painted.
        words = ["color"] * (coloring is not None) + [Path(style.source).stem for style in choices]
        output = Path("-".join([film.stem, *words]) + ".mp4")
    return VideoTask(film=film, styles=choices, output=output, options=options, coloring=coloring)


def paint_it(task: VideoTask, report: Path | None, voice: Voice) -> None:
    """Paints the film; Ctrl-C ends it, and the same command goes on from there."""
    if report is not None and (report.is_dir() or not report.parent.is_dir()):
        raise OptionError(f"--report {report} is no place for a file; name one in a folder that exists")
    console = voice.console
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[left]}"),
    )
    result: FilmResult | None = None
    told: set[str] = set()
    with (
        stop_on_interrupt() as interrupt,
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars,
    ):
        bar = bars.add_task("reading", total=None, left="")
        for event in paint_film(task, stop=interrupt.stop.is_set, measured=report is not None):
            if isinstance(event, FilmResult):
                result = event
                continue
            interrupt.painting = event.stage in ("coloring", "painting")
            if event.note:
                console.print(event.note)
                told.add(event.note)
            voice.tell("progress", **asdict(event))
            bars.update(
                bar, description=_what(event), completed=event.done, total=event.frames, left=_left(event)
            )
    if result is None:
        console.print(f"stopped; the same command goes on from here ({task.output}.work-...)")
        raise KeyboardInterrupt
    for note in result.notes:
        if note not in told:
            console.print(note)
    console.print(f"{task.output}  {result.frames} frames, {spoken(result.seconds)}")
    voice.tell("result", output=task.output, frames=result.frames, seconds=result.seconds, notes=result.notes)
    if report is not None:
        text = json.dumps(result.report, indent=2) + "\n"
        write_whole(report, lambda file: file.write(text.encode()))


def _what(event: FilmProgress) -> str:
    return f"{event.stage} {event.done}" + (f"/{event.frames}" if event.frames else "")


def _left(event: FilmProgress) -> str:
    return "" if event.eta_s is None else f"{spoken(event.eta_s)} left"
