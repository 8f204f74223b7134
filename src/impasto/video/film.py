"""paint_film(task): a film is looked through, made shot by shot, written, and measured if asked."""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import nullcontext
from dataclasses import replace
from importlib.metadata import version
from typing import Any, Final

import torch

from impasto.crossing import to_pixels, to_tensor
from impasto.easel import Easel
from impasto.errors import FilmError, OptionError, OutputError
from impasto.media.cards import sha256_of
from impasto.media.codecs import Encoding, encoding_for
from impasto.media.files import place_of
from impasto.media.film import Film
from impasto.media.frames import chosen, glances, kept, timeline
from impasto.media.gallery import style_path
from impasto.media.muxing import write_film
from impasto.media.picture import Picture
from impasto.media.scaling import fit_within
from impasto.methods.shots import Change, changes, shots
from impasto.networks.vgg import POOLED_STRIDE
from impasto.options import ColoringOptions, VideoOptions
from impasto.studio import Studio
from impasto.tasks import FilmProgress, FilmResult, VideoTask
from impasto.video.assignment import Assignment, assign, open_task
from impasto.video.crew import make_shots
from impasto.video.folder import Made, Survey, check_room, folder_for, held
from impasto.video.measures import measure
from impasto.video.pace import Clock

TOLD_EVERY: Final = 24
Crew = Callable[[Assignment, VideoTask, Callable[[], bool]], Iterator[Made]]
"""Makes the shots of a film, as `make_shots` does."""


def paint_film(
    task: VideoTask,
    studio: Studio | None = None,
    stop: Callable[[], bool] = lambda: False,
    *,
    measured: bool = False,
    crew: Crew | None = None,
) -> Iterator[FilmProgress | FilmResult]:
    """Paints, yielding FilmProgress for every frame, and a FilmResult when the film is written.

    What was painted before by the same task is taken from its work folder. stop: asked after every frame;
    once it is true the iteration ends with no result, and the work folder stays. measured: with warp errors.
    crew: who paints the shots, if not this process; they keep others from the work folder, and a film that
    they stop is written as far as it is painted from its beginning on.
    Errors: an ImpastoError before the first frame for what the user can mend; nothing is written then.
    """
    began = time.perf_counter()
    film, encoding = _opened(task)
    folder = folder_for(task, _decides(task, film, encoding))
    folder.make()
    with nullcontext() if crew else held(folder):
        survey = folder.survey()
        if survey is None:
            survey = yield from _look(film, task.options, began)
            folder.save_survey(survey)
        job = assign(task, survey.first(task.options.preview), encoding.size_px, folder, studio or Studio())
        clock = Clock(job, began)
        check_room(folder, clock.frames_left(), _frame_bytes(film, encoding), len(job.turns))
        for note in (*film.notes, *survey.notes, *encoding.notes):
            yield clock.progress(note)
        for made in (crew or make_shots)(job, task, stop):
            yield clock.saw(made)
        if clock.frames_left():  # it was stopped
            whole = job.made_survey()
            if crew is None or not whole.indices:
                return
            job = replace(job, survey=whole)
        notes = [*film.notes, *survey.notes]
        yield clock.progress(stage="writing")
        notes += _write(task, job, encoding)
        report: dict[str, Any] = clock.report()
        if measured:
            report |= yield from measure(job, clock)
        if not task.options.keep:
            folder.remove()
    yield FilmResult(task, time.perf_counter() - began, len(job.survey.indices), tuple(notes), report)


def _opened(task: VideoTask) -> tuple[Film, Encoding]:
    """The film, and how it will be written; refuses what cannot be painted or written."""
    options, output = task.options, task.output
    film = open_task(task)
    # The size is a painting's; in colour alone a film stays as large as it is.
    wanted = fit_within(film.size_px, min(options.size, max(film.size_px))) if task.styles else film.size_px
    encoding = encoding_for(output, film, wanted, options.codec, options.crf)
    if min(encoding.size_px) < POOLED_STRIDE:
        width, height = encoding.size_px
        raise FilmError(f"{task.film} is {width} x {height} pixels at this size, too narrow; raise --size.")
    place = place_of(output)
    if not place.parent.is_dir():
        raise OutputError(f"The folder {place.parent} does not exist; make it or choose another.")
    if place.exists() and task.film.exists() and place.samefile(task.film):
        raise OptionError(f"{output} is the film itself and would be lost; choose another name.")
    return film, encoding


def _decides(task: VideoTask, film: Film, encoding: Encoding) -> dict[str, Any]:
    """What makes pixels beside the options."""
    files = film.pictures or (film.path,)
    coloring = task.coloring or ColoringOptions()
    named = {"weights": task.options.weights, "colorist": coloring.weights, "reference": coloring.reference}
    told = {name: path for name, path in named.items() if path}
    for path in told.values():
        if not path.is_file():
            raise OptionError(f"{path} is no file; mend its name")
    return {
        "impasto": version("impasto"),
        "torch": torch.__version__,
        "film": [sha256_of(path) for path in files],
        "styles": [sha256_of(style_path(choice.source)) for choice in task.styles],
        "size": encoding.size_px,
    } | {name: sha256_of(path) for name, path in told.items()}


def _look(film: Film, options: VideoOptions, began: float) -> Generator[FilmProgress, None, Survey]:
    """Goes through all frames once, for their times and the cuts."""
    damage: list[str] = []
    times: list[tuple[int | None, int]] = []

    def greys() -> Iterator[torch.Tensor]:
        for glance in glances(film, damage):
            times.append((glance.time, glance.duration))
            yield torch.from_numpy(glance.grey)

    found: list[Change] = []
    for change in changes(greys()):
        found.append(change)
        if len(found) % TOLD_EVERY == 0:
            yield FilmProgress("looking", len(found), None, time.perf_counter() - began)
    line = timeline(film, times)
    begin_s = float(options.begin or 0)
    indices = chosen(line, begin_s, None if options.end is None else float(options.end), options.every)
    if not indices:
        raise OptionError(
            f"{film.path} has no frame in that part; it lasts {line.seconds(len(line.times)):.2f} s"
        )
    whole = [range(len(times))] if options.loop or not options.cuts else shots(found)
    return Survey(line, tuple(indices), tuple(_among(indices, whole)), tuple(damage))


def _among(indices: list[int], found: list[range]) -> Iterator[tuple[int, int]]:
    """Shots of the film -> [start, end) among the chosen frames, where there are any."""
    for shot in found:
        inside = [number for number, index in enumerate(indices) if index in shot]
        if inside:
            yield inside[0], inside[-1] + 1


def _frame_bytes(film: Film, encoding: Encoding) -> float:
    width, height = encoding.size_px
    return width * height * (4 if film.has_alpha else 3) * (2 if film.sixteen_bit else 1)


def _write(task: VideoTask, job: Assignment, encoding: Encoding) -> list[str]:
    survey, last = job.survey, job.turns[-1]
    frames: Iterator[Picture] = (job.folder.read(number, last) for number in range(len(survey.indices)))
    if job.easel is not None and not job.easel.is_plain:
        frames = _finished(job, job.easel, frames)
    line = kept(survey.line, survey.indices)
    whole = survey.indices[0] == 0 and survey.indices[-1] + task.options.every >= len(survey.line.times)
    return write_film(task.output, job.film, line, frames, encoding, whole=whole)


def _finished(job: Assignment, easel: Easel, frames: Iterator[Picture]) -> Iterator[Picture]:
    """Painted frames in their final colours, which look at the photos once more."""
    photos = job.photos(range(len(job.survey.indices)))
    for frame, photo in zip(frames, photos, strict=True):
        x = easel.before(photo).finished(to_tensor(frame.rgb).to(easel.network.device))
        yield replace(frame, rgb=to_pixels(x))
