"""run(task): the only place where pictures from files meet the methods that paint them."""

import json
import math
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from torch import Tensor

from impasto.crossing import to_pixels
from impasto.easel import DRAFT_STEPS, HURRIED_STEPS, Easel, set_up
from impasto.errors import OptionError, PictureError, ResourceError
from impasto.media.gallery import style_path
from impasto.media.picture import (
    Picture,
    check_writable,
    read_picture,
    without_gps,
    write_picture,
)
from impasto.methods.ladder import Climbed, Earlier, Rung, climb, plan
from impasto.methods.memory import ran_out_of_memory
from impasto.methods.pace import Deadline
from impasto.networks.vgg import POOLED_STRIDE
from impasto.options import StylizeOptions
from impasto.recipes import in_words, recipe
from impasto.studio import Studio
from impasto.tasks import ColorizeTask, Progress, Result, StylizeTask, Task

LEAST_EFFORT: Final = 0.15


def run(
    task: StylizeTask,
    studio: Studio | None = None,
    stop: Callable[[], bool] = lambda: False,
    steps: Sequence[int] | None = None,
    started: float | None = None,
    photo: Picture | None = None,
) -> Iterator[Progress | Result]:
    """Paints, yielding Progress after every step and a Result at the end, when the picture is written.

    studio: what other runs have loaded already. stop: asked after every step; once it is true, the painting
    so far becomes the result. steps: how many to take on each rung, as a recipe tells. started: when the user
    began to wait, on time.perf_counter. photo: the task's, where it has been read already.
    Errors: an ImpastoError before the first step for what the user can mend; nothing is written then.
    """
    started = time.perf_counter() if started is None else started
    check_output(task)
    photo = photo or read_photo(task.photo, task.options)
    studio = studio or Studio()
    easel = set_up(task, photo, studio, steps)
    photo = replace(photo, rgb=np.empty((0, 0, 3), np.float32))  # a large one would be in the way
    made_from = recipe(easel.task, easel.network.weights)
    watch = Watch(easel, started, _deadline(easel, started) if steps is None else None)
    easel, watch, painting = yield from _painted(easel, watch, studio, stop)
    rgb = to_pixels(easel.finished(painting))
    del painting
    made_from |= {"task": in_words(easel.task), "steps": watch.steps_taken()}
    if task.output is not None:
        painted = replace(photo, rgb=rgb)
        write_picture(
            task.output,
            painted,
            recipe=json.dumps(made_from),
            quality=task.options.jpeg_quality,
            piped=task.options.format,
        )
    notes = (*photo.notes, *watch.notes)
    report = watch.report() | {"notes": notes, "recipe": made_from}
    yield Result(easel.task, rgb, report["seconds"], notes, report)


def _painted(
    easel: Easel, watch: "Watch", studio: Studio, stop: Callable[[], bool]
) -> Generator[Progress, None, tuple[Easel, "Watch", Tensor]]:
    """The painting, and what it was painted on and watched by: where time is short, not what was set up."""
    climbed = None
    for climbed in paint_on(easel, watch.enough, stop):
        if climbed.loss is not None:
            yield watch.progress(climbed, climbed.loss)
            quicker = None if stop() else watch.in_less_time(climbed.rung, studio)
            if quicker is not None:
                anew = Watch(quicker, watch.started, _deadline(quicker, watch.started), watch.notes)
                return (yield from _painted(quicker, anew, studio, stop))
    assert climbed is not None
    return easel, watch, climbed.picture


def read_photo(path: Path, options: StylizeOptions) -> Picture:
    """The photo as it will be painted; PictureError when nothing can be painted on it."""
    photo = read_picture(path, max_pixels=options.max_pixels, longest_px=options.size)
    check_sides(path, photo)
    return without_gps(photo) if options.strip_gps else photo


def check_sides(path: Path, photo: Picture) -> None:
    """PictureError for a picture that is too narrow to paint on."""
    if min(photo.size_px) < POOLED_STRIDE:
        width, height = photo.size_px
        raise PictureError(
            f"{path} is {width} x {height} pixels at this size, too narrow to paint on; "
            f"use a picture or a --size that leaves at least {POOLED_STRIDE} pixels a side"
        )


def check_output(task: Task) -> None:
    """OutputError or OptionError now, before minutes of work."""
    if task.output is None:
        return
    check_no_input(task, task.output)
    check_writable(task.output)


def check_no_input(task: Task, path: Path) -> None:
    """OptionError when writing to `path` would lose a file that the task reads."""
    inputs = [task.photo, task.options.weights, *map(style_path, task.sources)]
    inputs += task.mask_files
    if isinstance(task, ColorizeTask):
        inputs += [task.options.reference, task.painting.weights]
    if path.exists() and any(file and file.exists() and path.samefile(file) for file in inputs):
        raise OptionError(f"{path} is also an input and would be lost; choose another name")


def _deadline(easel: Easel, started: float) -> Deadline | None:
    options = easel.task.options
    if options.time is None:
        return None
    top = easel.rungs[-1].size_px
    usual, least = (plan(top, max(top), options.rungs, None, effort) for effort in (1.0, LEAST_EFFORT))
    if easel.painter is not None and len(least) == 1:
        least = [Rung(top, HURRIED_STEPS)]
    return Deadline(usual, least, started + float(options.time))


def paint_on(
    easel: Easel,
    enough: Callable[[int, int], bool],
    stop: Callable[[], bool],
    earlier: Earlier | None = None,
) -> Iterator[Climbed]:
    """The climb up the easel's rungs, as `climb` has it; ResourceError when memory runs out."""
    options, scene = easel.task.options, easel.scene
    if options.strength == 0 and not easel.task.regions:
        yield Climbed(0, None, scene.photo, None)
        return
    try:
        yield from climb(
            easel.network.vgg, scene, easel.rungs, easel.manner, easel.spaces, enough, stop, earlier
        )
    except RuntimeError as error:
        if not ran_out_of_memory(error):
            raise
        height, width = scene.size
        raise ResourceError(
            f"memory ran out while painting {width} x {height} pixels; use a smaller --size"
        ) from error


class Watch:
    """Times the climb, foretells its end, and keeps what the report will say.

    notes: what has been told before it.
    """

    def __init__(
        self, easel: Easel, started: float, deadline: Deadline | None, notes: Sequence[str] = ()
    ) -> None:
        self.easel = easel
        self.rungs = rungs = easel.rungs
        self.started = started
        self.deadline = deadline
        self.climbing_since = time.perf_counter()
        self.losses: list[list[float]] = [[] for _ in rungs]
        self.notes = [*notes]

    def enough(self, rung: int, steps: int) -> bool:
        return self.deadline is not None and self.deadline.enough(rung, steps)

    def steps_taken(self) -> list[int]:
        return [len(losses) for losses in self.losses]

    def progress(self, climbed: Climbed, loss: float) -> Progress:
        self.losses[climbed.rung].append(loss)
        note = climbed.note or self._lateness(climbed.rung)
        if note:
            self.notes.append(note)
        now = time.perf_counter()
        picture = climbed.picture
        return Progress(
            step=sum(self.steps_taken()),
            steps=None if self.deadline else sum(rung.steps for rung in self.rungs),
            rung=climbed.rung + 1,
            rungs=len(self.rungs),
            size_px=self.rungs[climbed.rung].size_px,
            loss=loss,
            seconds=now - self.started,
            eta_s=self._left_s(climbed.rung, now),
            note=note,
            preview=lambda: to_pixels(self.easel.finished(picture.clamp(0, 1))),
        )

    def in_less_time(self, rung: int, studio: Studio) -> Easel | None:
        """Asked after every step: what to paint on instead, if the ladder would end too late."""
        deadline, steps = self.deadline, len(self.losses[rung])
        if deadline is None or deadline.lateness(rung, steps) <= 0 or not self.easel.may_hurry:
            return None
        searched = deadline.late_with(DRAFT_STEPS + HURRIED_STEPS, rung, steps) <= 0
        return self.easel.hurried(studio.painter(self.easel.network), searched=searched)

    def _lateness(self, rung: int) -> str | None:
        if self.deadline is None:
            return None
        steps = len(self.losses[rung])
        late_s = self.deadline.lateness(rung, steps)
        if late_s > 0 and self.easel.may_hurry:
            late_s = self.deadline.late_with(DRAFT_STEPS, rung, steps)
        asked_s = self.deadline.ends_at - self.started
        if late_s <= 0.1 * asked_s:
            return None
        return (
            f"the quickest painting of this size takes about {asked_s + late_s:.0f} s here, "
            "longer than asked; a smaller --size is quicker"
        )

    def _left_s(self, rung: int, now: float) -> float:
        if self.deadline is not None:
            return self.deadline.left_s(rung, len(self.losses[rung]))
        return (now - self.climbing_since) * self._work_left(rung) / self._work_done()

    def report(self) -> dict[str, Any]:
        """Seconds in all, and steps and losses of each rung that was reached; JSON."""
        return {
            "seconds": round(time.perf_counter() - self.started, 3),
            "rungs": [
                {
                    "size_px": rung.size_px,
                    "steps": len(losses),
                    "first_loss": _number(losses[0]),
                    "last_loss": _number(losses[-1]),
                }
                for rung, losses in zip(self.rungs, self.losses, strict=True)
                if losses
            ],
        }

    def _work_done(self) -> float:
        return sum(
            len(losses) * rung.size_px[0] * rung.size_px[1]
            for rung, losses in zip(self.rungs, self.losses, strict=True)
        )

    def _work_left(self, current: int) -> float:
        return sum(
            (rung.steps - len(losses)) * rung.size_px[0] * rung.size_px[1]
            for rung, losses in zip(self.rungs[current:], self.losses[current:], strict=True)
        )


def _number(loss: float) -> float | None:
    return loss if math.isfinite(loss) else None
