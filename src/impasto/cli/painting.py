"""Painting on the command line: a bar while it works, a line when it is done."""

import json
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from threading import Event
from types import FrameType
from typing import Any, Final, TypeVar

import pydantic
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from impasto.animation import moves, repaint
from impasto.cli.console import Voice, spoken
from impasto.errors import OptionError
from impasto.media.files import STANDARD, write_whole
from impasto.media.gallery import chosen
from impasto.media.picture import SUFFIXES
from impasto.options import StylizeOptions
from impasto.recipes import recipe_in
from impasto.run import check_no_input
from impasto.tasks import Colored, MaskChoice, RegionChoice, Result, StyleChoice, StylizeTask, Task
from impasto.tasks import Progress as Painted

Done = TypeVar("Done", Result, Colored)
NAMED_STYLES: Final = 3
"""In the name of a painting that has none yet."""


def stylize_task(
    photo: Path, styles: Sequence[str], output: Path | None, options: StylizeOptions
) -> StylizeTask:
    """The parsed command line; without an output, a new name in the current folder."""
    if not styles:
        raise OptionError(
            f"name a style: impasto {photo} starry-night (see them all with: impasto style list)"
        )
    choices = style_choices(styles)
    animated = not output and moves(photo, photo, options.max_pixels)
    suffix = photo.suffix if animated else SUFFIXES[options.format]
    return StylizeTask(
        photo=photo, styles=choices, output=output or free_name(photo, choices, suffix), options=options
    )


def with_masks(task: StylizeTask, regions: Sequence[str], protect: Sequence[str]) -> StylizeTask:
    """The task with what --region and --protect say; OptionError for what cannot be understood."""
    try:
        found = tuple(RegionChoice.model_validate(region) for region in regions)
    except pydantic.ValidationError as error:
        raise OptionError(
            f"--region {' '.join(regions)} cannot be understood; write MASK=STYLE, MASK=STYLE:STRENGTH or "
            "MASK=STYLE:STRENGTH:CONTENT, with a strength of up to 1"
        ) from error
    masks = tuple(MaskChoice.model_validate(mask) for mask in protect)
    return task.model_copy(update={"regions": found, "protect": masks})


def style_choices(styles: Sequence[str]) -> tuple[StyleChoice, ...]:
    """NAME or NAME:SHARE each; OptionError for a share that is none."""
    try:
        return chosen(styles)
    except pydantic.ValidationError as error:
        raise OptionError(
            f"{' '.join(styles)} has a share that is none; write NAME or NAME:SHARE, SHARE above 0"
        ) from error


def free_name(photo: Path, styles: Sequence[StyleChoice], suffix: str = ".png") -> Path:
    """photo-style.png in the current folder, numbered if that is taken."""
    sources = [photo, *(Path(style.source) for style in styles[:NAMED_STYLES])]
    stem = "-".join("piped" if source == STANDARD else source.stem for source in sources)
    if len(styles) > NAMED_STYLES:
        stem += f"-and-{len(styles) - NAMED_STYLES}-more"
    path, count = Path(f"{stem}{suffix}"), 1
    while path.exists():
        count += 1
        path = Path(f"{stem}-{count}{suffix}")
    return path


def paint(
    task: StylizeTask,
    report: Path | None,
    voice: Voice,
    steps: Sequence[int] | None = None,
    started: float | None = None,
) -> None:
    """Runs the task; Ctrl-C ends it early and keeps the painting so far, a second one gives up."""
    carry_out(task, lambda stop: repaint(task, None, stop, steps, started), report, voice)


def carry_out(
    task: Task,
    events: Callable[[Callable[[], bool]], Iterator[Painted | Done]],
    report: Path | None,
    voice: Voice,
) -> None:
    """Follows a task's events, made from how to ask whether to stop, and tells and reports their result."""
    check_standard_output(task, voice)
    if report is not None:
        check_report(task, report)
    with stop_on_interrupt() as interrupt:
        result = follow(events(interrupt.stop.is_set), voice, interrupt)
    height, width = result.rgb.shape[:2]
    frames = f"{result.report['frames']} frames, " if "frames" in result.report else ""
    voice.console.print(f"{shown(task.output)}  {width} x {height}, {frames}{spoken(result.seconds)}")
    voice.tell("result", output=task.output, **result_facts(result))
    if report is not None:
        write_report(report, result.report)


def write_report(path: Path, report: dict[str, Any]) -> None:
    """What happened, as JSON."""
    text = json.dumps(report, indent=2) + "\n"
    write_whole(path, lambda file: file.write(text.encode()))


def again(picture: Path, output: Path | None, voice: Voice) -> None:
    """Paints the recipe inside a picture once more."""
    task, steps = recipe_in(picture)
    suffix = ".png" if output or not moves(task.photo, picture, task.options.max_pixels) else picture.suffix
    output = output or free_name(picture, (), suffix)
    paint(task.model_copy(update={"output": output}), None, voice, steps)


def check_standard_output(task: Task, voice: Voice) -> None:
    """OptionError when a picture would go to a terminal, or in between lines of JSON."""
    if task.output != STANDARD:
        return
    if voice.json:
        raise OptionError("--json and the picture both want standard output; name a file with --output")
    if sys.stdout.isatty():
        raise OptionError("standard output is a terminal; pipe the picture on, or name a file with --output")


def check_report(task: Task, report: Path) -> None:
    """OptionError when the report would go nowhere, or over a picture."""
    check_no_input(task, report)
    if report == task.output:
        raise OptionError(f"--report {report} is the picture's own name; choose another")
    if report.is_dir() or not report.parent.is_dir():
        raise OptionError(f"--report {report} is no place for a file; name one in a folder that exists")


class Interrupt:
    """What Ctrl-C does: nothing is kept before painting has begun, then the painting so far."""

    def __init__(self) -> None:
        self.stop = Event()
        self.painting = False

    def __call__(self, _signal: int, _frame: FrameType | None) -> None:
        if self.stop.is_set() or not self.painting:
            raise KeyboardInterrupt
        self.stop.set()


@contextmanager
def stop_on_interrupt() -> Iterator[Interrupt]:
    """Ctrl-C goes to the Interrupt for a while."""
    interrupt = Interrupt()
    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, before)


def follow(events: Iterator[Painted | Done], voice: Voice, interrupt: Interrupt) -> Done:
    """Draws the bar from the events until the result comes."""
    columns = (
        TextColumn("{task.fields[size]}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("step {task.fields[step]}  loss {task.fields[loss]}  {task.fields[left]}"),
    )
    console, told = voice.console, set[str]()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        bar = bars.add_task("", total=None, size="reading", step=0, loss="-", left="")
        for event in events:
            if isinstance(event, Result | Colored):
                for note in event.notes:
                    if note not in told:
                        console.print(note)
                if voice.verbose and isinstance(event, Result):
                    console.print("\n".join(details(event)))
                return event
            if event.note:
                console.print(event.note)
                told.add(event.note)
            interrupt.painting = True
            voice.tell("progress", **progress_facts(event))
            bars.update(
                bar,
                completed=event.seconds,
                total=event.seconds + event.eta_s,
                step=f"{event.step}/{event.steps}" if event.steps else str(event.step),
                size=place(event),
                loss=f"{event.loss:.4g}",
                left="finishing" if interrupt.stop.is_set() else f"{spoken(event.eta_s)} left",
            )
    raise AssertionError("a run ends with a result")


def place(event: Painted) -> str:
    """Where a painting is: rung 1/2, 256 x 192."""
    width, height = event.size_px
    frame = f"frame {event.frame}/{event.frames}, " if event.frames > 1 else ""
    return f"{frame}rung {event.rung}/{event.rungs}, {width} x {height}"


def details(result: Result) -> list[str]:
    """For who wants to know: what was settled on, and a line for every rung."""
    settled, machine = result.task.options, result.report["recipe"]["machine"]
    about = f"{settled.backbone} in {settled.precision} on {settled.device} ({machine}), seed {settled.seed}"
    return [
        about,
        *(
            "{size_px[0]} x {size_px[1]}: {steps} steps, loss {first_loss:.4g} to {last_loss:.4g}".format_map(
                rung
            )
            for rung in result.report["rungs"]
            if rung["last_loss"] is not None
        ),
    ]


def shown(output: Path | None) -> str:
    """An output as it is told of."""
    return "standard output" if output == STANDARD else str(output)


def progress_facts(event: Painted) -> dict[str, Any]:
    """All that a step tells, as JSON, but for the preview."""
    return {one.name: getattr(event, one.name) for one in fields(event) if one.name != "preview"}


def result_facts(result: Result | Colored) -> dict[str, Any]:
    """What a result tells, as JSON."""
    height, width = result.rgb.shape[:2]
    return {"size_px": (width, height), **result.report}
