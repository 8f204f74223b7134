"""Painting on the command line: a bar while it works, a line when it is done."""

import json
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from types import FrameType

import pydantic
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from impasto.cli.console import plain
from impasto.errors import OptionError
from impasto.media.files import write_whole
from impasto.options import StylizeOptions
from impasto.run import check_no_input, recipe_in, run
from impasto.tasks import Progress as Painted
from impasto.tasks import Result, StyleChoice, StylizeTask


def stylize_task(
    photo: Path, styles: Sequence[str], output: Path | None, options: StylizeOptions
) -> StylizeTask:
    """The parsed command line; without an output, a new name in the current folder."""
    if not styles:
        raise OptionError(
            f"name a style: impasto {photo} starry-night (see them all with: impasto style list)"
        )
    try:
        choices = tuple(StyleChoice.model_validate(style) for style in styles)
    except pydantic.ValidationError as error:
        raise OptionError(
            f"{' '.join(styles)} has a share that is none; write NAME or NAME:SHARE, SHARE above 0"
        ) from error
    return StylizeTask(
        photo=photo, styles=choices, output=output or free_name(photo, choices), options=options
    )


def free_name(photo: Path, styles: Sequence[StyleChoice]) -> Path:
    """photo-style.png in the current folder, numbered if that is taken."""
    stem = "-".join([photo.stem, *(Path(style.source).stem for style in styles)])
    path, count = Path(f"{stem}.png"), 1
    while path.exists():
        count += 1
        path = Path(f"{stem}-{count}.png")
    return path


def paint(
    task: StylizeTask,
    report: Path | None,
    quiet: bool,
    steps: Sequence[int] | None = None,
    started: float | None = None,
) -> None:
    """Runs the task; Ctrl-C ends it early and keeps the painting so far, a second one gives up."""
    if report is not None:
        check_report(task, report)
    console = plain(stderr=True, quiet=quiet)
    with stop_on_interrupt() as interrupt:
        result = follow(run(task, None, interrupt.stop.is_set, steps, started), console, interrupt)
    height, width = result.rgb.shape[:2]
    console.print(f"{task.output}  {width} x {height}, {result.seconds:.0f} s")
    if report is not None:
        text = json.dumps(result.report, indent=2) + "\n"
        write_whole(report, lambda file: file.write(text.encode()))


def again(picture: Path, output: Path | None, quiet: bool) -> None:
    """Paints the recipe inside a picture once more."""
    task, steps = recipe_in(picture)
    output = output or free_name(picture, ())
    paint(task.model_copy(update={"output": output}), None, quiet, steps)


def check_report(task: StylizeTask, report: Path) -> None:
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


def follow(events: Iterator[Painted | Result], console: Console, interrupt: Interrupt) -> Result:
    """Draws the bar from the events until the result comes."""
    columns = (
        TextColumn("{task.fields[size]}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("step {task.fields[step]}  loss {task.fields[loss]}  {task.fields[left]}"),
    )
    told: set[str] = set()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        bar = bars.add_task("", total=None, size="reading", step=0, loss="-", left="")
        for event in events:
            if isinstance(event, Result):
                for note in event.notes:
                    if note not in told:
                        console.print(note)
                return event
            if event.note:
                console.print(event.note)
                told.add(event.note)
            interrupt.painting = True
            width, height = event.size_px
            bars.update(
                bar,
                completed=event.seconds,
                total=event.seconds + event.eta_s,
                step=f"{event.step}/{event.steps}" if event.steps else str(event.step),
                size=f"rung {event.rung}/{event.rungs}, {width} x {height}",
                loss=f"{event.loss:.4g}",
                left="finishing" if interrupt.stop.is_set() else f"{event.eta_s:.0f} s left",
            )
    raise AssertionError("a run ends with a result")
