"""Many photos in one or several styles: what is done is left alone, and what fails does not stop the rest."""

import os
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from impasto.animation import repaint
from impasto.errors import ImpastoError, OptionError, OutputError, PictureError
from impasto.ledger import Ledger, fingerprint
from impasto.media.decoders import readable_suffixes
from impasto.media.files import sweep
from impasto.media.gallery import style_path
from impasto.media.picture import SUFFIXES, read_recipe
from impasto.options import StylizeOptions
from impasto.studio import Studio
from impasto.tasks import Progress, Result, StyleChoice, StylizeTask

Outcome = Literal["painted", "kept", "failed"]


class Photo(NamedTuple):
    """A photo, and the name under which its paintings are kept: its path below the folder it was found in."""

    path: Path
    name: Path


@dataclass(frozen=True)
class Step:
    """One step of one painting. number: of the painting, from 1; eta_s: until the last one is done."""

    number: int
    task: StylizeTask
    progress: Progress
    eta_s: float


@dataclass(frozen=True)
class Ended:
    """What became of a painting; "kept" was done before.

    message: why it failed; trace: set when that is a defect of impasto.
    """

    number: int
    task: StylizeTask
    outcome: Outcome
    result: Result | None = None
    message: str = ""
    trace: str = ""


def find_photos(inputs: Sequence[Path], folder: Path, *, recursive: bool) -> list[Photo]:
    """The photos among files and in folders, each once, in the order given and sorted within a folder.

    folder: where the paintings will go, in which no photos are looked for. Hidden files are left out.
    Where there are several folders, what was found in each keeps the folder's name.
    PictureError for what does not exist, OptionError when there is no photo or the folder is an input.
    """
    photos: dict[Path, Photo] = {}
    several = sum(path.is_dir() for path in inputs) > 1
    for path in inputs:
        if not path.is_dir():
            if not path.exists():
                raise PictureError(f"There is no file or folder {path}; check its name")
            found = [Photo(path, Path(path.name))]
        elif folder.exists() and path.samefile(folder):
            raise OptionError(f"{folder} holds the photos; choose another folder for the paintings")
        else:
            home = Path(path.resolve().name) if several else Path()
            files = _pictures_in(path, folder, recursive)
            found = [Photo(file, home / file.relative_to(path)) for file in files]
        for photo in found:
            photos.setdefault(photo.path.resolve(), photo)
    if not photos:
        deeper = "" if recursive else "; to look into sub-folders, too, add --recursive"
        raise OptionError(f"there are no pictures in {', '.join(map(str, inputs))}{deeper}")
    return list(photos.values())


def tasks_for(
    photos: Sequence[Photo],
    styles: Sequence[Sequence[StyleChoice]],
    folder: Path,
    options: StylizeOptions,
) -> list[StylizeTask]:
    """A task for every photo and style, all photos of a style in turn; each style is a blend of choices.

    Several styles have a folder each. StyleError for a style that does not exist, OptionError when a painting
    would take the place of a photo.
    """
    taken: set[str] = set()
    suffix = SUFFIXES[options.format]
    originals = {photo.path.resolve() for photo in photos}
    names = _names([photo.name for photo in photos], suffix)
    tasks = []
    for choices in styles:
        for choice in choices:
            style_path(choice.source)
        stem = "-".join(Path(choice.source).stem for choice in choices)
        home = folder / _free(stem, taken) if len(styles) > 1 else folder
        for photo, name in zip(photos, names, strict=True):
            output = home / name
            if output.resolve() in originals:
                raise OptionError(f"{output} is one of the photos; choose another folder for the paintings")
            tasks.append(StylizeTask(photo=photo.path, styles=tuple(choices), output=output, options=options))
    return tasks


def open_ledger(folder: Path) -> Ledger:
    """The ledger of a folder, which is made if need be; OutputError when it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} is no place for paintings ({error.strerror}); choose another") from error
    return Ledger(folder)


def paint_all(
    tasks: Sequence[StylizeTask], ledger: Ledger, studio: Studio | None = None
) -> Iterator[Step | Ended]:
    """Paints what is not done, yielding every step and an Ended for each task; leaving it stops the batch.

    Errors: an ImpastoError before the first painting for a network or device that all of them lack.
    """
    studio = studio or Studio()
    to_do = []
    for number, task in enumerate(tasks, start=1):
        if is_done(ledger, task):
            yield Ended(number, task, "kept")
        else:
            to_do.append((number, task))
    if to_do:
        studio.network(to_do[0][1].options)
    started = time.perf_counter()
    for done, (number, task) in enumerate(to_do):
        left = len(to_do) - done - 1
        for event in _paint(number, task, ledger, studio):
            if isinstance(event, Progress):
                here_s = event.seconds + event.eta_s
                mean_s = (time.perf_counter() - started + event.eta_s) / (done + 1) if done else here_s
                yield Step(number, task, event, event.eta_s + left * mean_s)
            else:
                yield event
    for folder in {task.output.parent for task in tasks if task.output}:
        sweep(folder)


def _paint(number: int, task: StylizeTask, ledger: Ledger, studio: Studio) -> Iterator[Progress | Ended]:
    assert task.output is not None
    try:
        check_ours(task.output, ledger)
        made_from = fingerprint(task)
        task.output.parent.mkdir(parents=True, exist_ok=True)
        for event in repaint(task, studio):
            if isinstance(event, Result):
                ledger.add(task.output, made_from)
                yield Ended(number, task, "painted", event)
            else:
                yield event
    except ImpastoError as error:
        yield Ended(number, task, "failed", message=str(error))
    except Exception as defect:  # noqa: BLE001 - a night's work must not end with one photo
        trace = traceback.format_exc()
        yield Ended(number, task, "failed", message=f"{type(defect).__name__}: {defect}", trace=trace)


def is_done(ledger: Ledger, task: StylizeTask) -> bool:
    """Whether there is nothing to be painted for a task."""
    with suppress(ImpastoError):  # whoever paints it will tell
        return ledger.is_done(task)
    return False


def check_ours(output: Path, ledger: Ledger) -> None:
    """OutputError when painting would take the place of a file that impasto has not made."""
    if not output.exists() or ledger.knows(output):
        return
    recipe = None
    with suppress(PictureError):
        recipe = read_recipe(output)
    if recipe is None:
        raise OutputError(
            f"{output} is there and was not painted by impasto; move it, or choose another folder"
        )


def _pictures_in(folder: Path, apart_from: Path, recursive: bool) -> Iterator[Path]:
    suffixes = readable_suffixes()
    for place, below, files in os.walk(folder):
        here = Path(place)
        for name in sorted(files, key=_in_order):
            if not name.startswith(".") and Path(name).suffix.lower() in suffixes:
                yield here / name
        if not recursive:
            return
        below[:] = sorted(
            (name for name in below if not name.startswith(".") and not _same(here / name, apart_from)),
            key=_in_order,
        )


def _same(one: Path, other: Path) -> bool:
    return other.exists() and one.samefile(other)


def _in_order(name: str) -> tuple[str, str]:
    return name.casefold(), name


def _names(photos: Sequence[Path], suffix: str) -> list[Path]:
    """A name for each painting: the photo's with the new suffix, unless others would have it, too.

    Those keep their old suffix as well (a.jpg.png and a.gif.png), and are numbered where that is no help.
    """
    claims = Counter(_folded(photo.with_suffix("")) for photo in photos)
    taken: set[str] = set()
    names = []
    for photo in photos:
        plain = photo.with_suffix("")
        stem = photo if claims[_folded(plain)] > 1 else plain
        names.append(Path(_free(str(stem), taken) + suffix))
    return names


def _free(name: str, taken: set[str]) -> str:
    """The name, numbered from 2 if it is taken; it is then. Capitals are all one to some disks."""
    free, count = name, 1
    while _folded(free) in taken:
        count += 1
        free = f"{name}-{count}"
    taken.add(_folded(free))
    return free


def _folded(name: str | Path) -> str:
    return str(name).casefold()
