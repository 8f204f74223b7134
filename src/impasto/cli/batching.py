"""impasto batch: one bar for the painting at hand, one for all, and a line for each that is done."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Column

from impasto.batch import Ended, Outcome, Step, find_photos, open_ledger, paint_all, tasks_for
from impasto.cli.console import Voice, spoken
from impasto.cli.exits import Exit
from impasto.cli.painting import details, place, progress_facts, result_facts, style_choices
from impasto.cli.serving import serve_extra
from impasto.errors import OptionError
from impasto.ledger import Ledger
from impasto.media.picture import check_writable
from impasto.media.sheets import Cell, write_sheet
from impasto.options import QueueOptions, StylizeOptions
from impasto.tasks import StylizeTask

CELLS_IN_A_ROW = 6


def planned(
    words: Sequence[Path],
    named: Sequence[str],
    folder: Path,
    options: StylizeOptions,
    *,
    blend: bool,
    recursive: bool,
) -> list[StylizeTask]:
    """The tasks of a command line; without named styles, its last word is the style."""
    photos, styles = (words, named) if named else (words[:-1], [str(word) for word in words[-1:]])
    if not photos:
        raise OptionError("name photos and a style: impasto batch PHOTO-OR-FOLDER... STYLE -o FOLDER")
    choices = style_choices(styles)
    kinds = [choices] if blend else [(choice,) for choice in choices]
    return tasks_for(find_photos(photos, folder, recursive=recursive), kinds, folder, options)


def paint_batch(
    tasks: Sequence[StylizeTask],
    folder: Path,
    sheet: Path | None,
    voice: Voice,
    queue: QueueOptions = QueueOptions(),  # noqa: B008 - frozen
) -> Exit:
    """Paints what is not done, or has it painted; the exit code says whether all of it worked."""
    ledger = open_ledger(folder)
    if sheet is not None:
        _check_sheet(sheet, tasks)
    voice.console.print(_announced(tasks, folder))
    started, ended = perf_counter(), list[Ended]()
    try:
        display = _Display(len(tasks), voice)
        with display.bars:
            for event in _events(tasks, ledger, queue):
                display.show(event)
                if isinstance(event, Ended):
                    ended.append(replace(event, result=None))  # a thousand pictures would fill the memory
    except KeyboardInterrupt:
        done = sum(event.outcome != "failed" for event in ended)
        voice.console.print(
            f"stopped with {done} of {len(tasks)} painted; the same command goes on from here"
        )
        raise
    if sheet is not None:
        _write_sheet(sheet, ended)
        voice.console.print(str(sheet))
    return _sum_up(ended, perf_counter() - started, voice)


def _events(tasks: Sequence[StylizeTask], ledger: Ledger, queue: QueueOptions) -> Iterator[Step | Ended]:
    if queue == QueueOptions():
        return paint_all(tasks, ledger)
    with serve_extra():
        from impasto.server.sending import have_painted
    return have_painted(tasks, ledger, queue)


def _announced(tasks: Sequence[StylizeTask], folder: Path) -> str:
    """What is going to happen, so that a forgotten style is noticed at once."""
    count = len({task.photo for task in tasks})
    styles = dict.fromkeys(" + ".join(choice.source for choice in task.styles) for task in tasks)
    return f"{count} photo{'s' * (count != 1)} in the style of {', '.join(styles)}, to {folder}"


class _Display:
    """What is seen of a batch on the way; the bars are on the screen while it is entered."""

    def __init__(self, count: int, voice: Voice) -> None:
        self.count, self.voice, self.console = count, voice, voice.console
        self.errors = voice.errors if voice.quiet else voice.console  # above the bars, where there are some
        self.ended = 0
        self.bars = Progress(
            TextColumn(
                "{task.description}", table_column=Column(width=20, no_wrap=True, overflow="ellipsis")
            ),
            BarColumn(bar_width=None, table_column=Column(ratio=1)),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[left]}", table_column=Column(width=22, no_wrap=True)),
            console=self.console,
            transient=True,
            expand=True,
            disable=not self.console.is_terminal,
        )
        self.one = self.bars.add_task("reading", total=1, left="")
        self.all = self.bars.add_task(f"0 of {count}", total=count, left="")

    def show(self, event: Step | Ended) -> None:
        if isinstance(event, Step):
            self._move(event)
            self.voice.tell(
                "progress", **self._about(event), **progress_facts(event.progress), all_eta_s=event.eta_s
            )
            return
        self.ended += 1
        self.bars.update(self.all, completed=self.ended, description=f"{self.ended} of {self.count}")
        result = result_facts(event.result) if event.result else {}
        said = {"message": event.message} if event.message else {}
        self.voice.tell(event.outcome, **self._about(event), **said, **result)
        if event.outcome == "failed":
            photo = str(event.task.photo)
            about = "" if photo in event.message else f"{photo}: "
            self.errors.print(f"failed: {about}{event.message}")
            self.errors.print(event.trace, end="")
        elif event.result is not None:
            height, width = event.result.rgb.shape[:2]
            self.console.print(f"{event.task.output}  {width} x {height}, {spoken(event.result.seconds)}")
            for line in (*event.result.notes, *(details(event.result) if self.voice.verbose else ())):
                self.console.print(f"  {line}")
        elif self.voice.verbose:
            self.console.print(f"{event.task.output}  done before")

    def _move(self, event: Step) -> None:
        step = event.progress
        share = step.seconds / max(step.seconds + step.eta_s, 1e-9)
        self.bars.update(self.one, completed=share, description=event.task.photo.name, left=place(step))
        self.bars.update(self.all, completed=self.ended + share, left=f"{spoken(event.eta_s)} left")

    def _about(self, event: Step | Ended) -> dict[str, Any]:
        return {
            "number": event.number,
            "of": self.count,
            "photo": event.task.photo,
            "style": " ".join(map(str, event.task.model_dump()["styles"])),
            "output": event.task.output,
        }


def _sum_up(ended: Sequence[Ended], seconds: float, voice: Voice) -> Exit:
    counts: dict[Outcome, int] = {"painted": 0, "kept": 0, "failed": 0}
    for event in ended:
        counts[event.outcome] += 1
    words = {"painted": "painted", "kept": "done before", "failed": "failed"}
    told = ", ".join(f"{count} {words[outcome]}" for outcome, count in counts.items() if count)
    voice.console.print(f"{told}, {spoken(seconds)}")
    voice.tell("summary", **counts, seconds=round(seconds, 3))
    return Exit.SOME_FAILED if counts["failed"] else Exit.DONE


def _check_sheet(sheet: Path, tasks: Sequence[StylizeTask]) -> None:
    check_writable(sheet)
    files = {path.resolve() for task in tasks for path in (task.photo, task.output) if path}
    if sheet.resolve() in files:
        raise OptionError(f"--contact-sheet {sheet} is the name of a photo or a painting; choose another")


def _write_sheet(sheet: Path, ended: Sequence[Ended]) -> None:
    """Each photo with its paintings beside it, as many abreast as there is room for."""
    groups: dict[Path, list[Cell]] = {}
    for event in sorted(ended, key=lambda event: event.number):
        task = event.task
        cells = groups.setdefault(task.photo, [Cell(task.photo, task.photo.name)])
        style = ", ".join(Path(choice.source).stem for choice in task.styles)
        cells.append(Cell(None, f"{style} failed") if event.outcome == "failed" else Cell(task.output, style))
    blocks = [cells for cells in groups.values() if any(cell.path for cell in cells[1:])]
    if not blocks:
        return
    abreast = max(1, CELLS_IN_A_ROW // len(blocks[0]))
    rows = [
        [cell for block in blocks[first : first + abreast] for cell in block]
        for first in range(0, len(blocks), abreast)
    ]
    write_sheet(sheet, rows, max_pixels=ended[0].task.options.max_pixels)
