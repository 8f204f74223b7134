"""Shots made one after the other here, or several at once by other processes."""

import multiprocessing
import queue
import signal
from collections.abc import Callable, Iterator
from multiprocessing.context import SpawnProcess
from multiprocessing.queues import Queue
from multiprocessing.sharedctypes import Synchronized
from typing import Any, Final

import torch

from impasto.errors import ImpastoError, ResourceError
from impasto.studio import Studio
from impasto.tasks import VideoTask
from impasto.video.assignment import Assignment, assign
from impasto.video.colors import color_shot
from impasto.video.folder import Folder, Made, Survey
from impasto.video.shot import paint_shot

LISTEN_S: Final = 1.0
"""Between looks whether the workers are alive."""


def make_shots(job: Assignment, task: VideoTask, stop: Callable[[], bool]) -> Iterator[Made]:
    """Every frame of every shot as it is made or found; once `stop` says so, no further ones."""
    workers = min(job.options.workers, len(job.survey.shots))
    if workers > 1:
        yield from _side_by_side(job, task, stop, workers)
        return
    for start, end in job.survey.shots:
        yield from make_shot(job, range(start, end), stop)
        if stop():
            return


def make_shot(job: Assignment, shot: range, stop: Callable[[], bool] = lambda: False) -> Iterator[Made]:
    """The frames of a shot in colour, then painted, as far as either is wanted."""
    if job.coloring is not None:
        yield from color_shot(job, job.coloring, shot, stop)
    if job.easel is not None and not (job.coloring and stop()):
        yield from paint_shot(job, job.easel, shot, stop)


def _side_by_side(job: Assignment, task: VideoTask, stop: Callable[[], bool], workers: int) -> Iterator[Made]:
    context = multiprocessing.get_context("spawn")
    news: Queue[Any] = context.Queue()
    next_shot = context.Value("i", 0)
    crew = [
        context.Process(
            target=_work, args=(task, job.folder, job.survey, job.size_px, next_shot, news), daemon=True
        )
        for _ in range(workers)
    ]
    for worker in crew:
        worker.start()
    try:
        yield from _listen(crew, news, stop)
    finally:
        for worker in crew:
            worker.terminate()
            worker.join()


def _listen(crew: list[SpawnProcess], news: "Queue[Any]", stop: Callable[[], bool]) -> Iterator[Made]:
    at_work = len(crew)
    while at_work and not stop():
        try:
            said = news.get(timeout=LISTEN_S)
        except queue.Empty:
            if any(worker.exitcode not in (None, 0) for worker in crew):
                raise ResourceError(
                    "a worker was ended, by lack of memory perhaps; give the same command again, "
                    "with fewer --workers, and it goes on."
                ) from None
            continue
        if isinstance(said, Exception):
            raise said
        if said is None:
            at_work -= 1
        else:
            yield said


def _work(
    task: VideoTask,
    folder: Folder,
    survey: Survey,
    size_px: tuple[int, int],
    next_shot: "Synchronized[int]",
    news: "Queue[Any]",
) -> None:
    """A worker's life: one shot after the other, until there is none, or no one to paint for."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever gave the work
    torch.set_num_threads(max(1, torch.get_num_threads() // task.options.workers))
    parent = multiprocessing.parent_process()

    def orphaned() -> bool:
        return parent is not None and not parent.is_alive()

    try:
        job = assign(task, survey, size_px, folder, Studio())
        while not orphaned():
            with next_shot.get_lock():
                index = next_shot.value
                next_shot.value += 1
            if index >= len(survey.shots):
                break
            for made in make_shot(job, range(*survey.shots[index]), orphaned):
                news.put(made)
        news.put(None)
    except ImpastoError as error:
        news.put(error)
