"""Animations painted frame by frame, so that what stands still does not flicker.

The first frame is painted as a photo is. A later one starts from the painting before it and from what has
changed in the source since; it takes the steps of the last rung only, and is laid over the painting before
it where the source has changed and close around. A frame that shows nothing new is not painted at all.
"""

import json
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageFilter

from impasto.crossing import to_pixels, to_tensor
from impasto.easel import Easel, set_up
from impasto.errors import OptionError
from impasto.media.animation import (
    ANIMATED_SUFFIXES,
    Animation,
    Frame,
    animation_in,
    read_frames,
    writing_animation,
)
from impasto.media.picture import Picture, resize_picture, without_gps
from impasto.methods.ladder import Climbed, Earlier
from impasto.options import MAX_PIXELS, StylizeOptions
from impasto.recipes import recipe
from impasto.run import Watch, check_output, check_sides, paint_on, run
from impasto.studio import Studio
from impasto.tasks import Pixels, Progress, Result, StylizeTask

STILL: Final = 2 / 255
"""Differences up to this are the noise of a camera or a palette."""
MOVED: Final = 6 / 255
REACH: Final = 1 / 64
"""How far around a change the painting changes with it, in parts of the longer side."""


def repaint(
    task: StylizeTask,
    studio: Studio | None = None,
    stop: Callable[[], bool] = lambda: False,
    steps: Sequence[int] | None = None,
    started: float | None = None,
) -> Iterator[Progress | Result]:
    """`run`, or for an animation whose output can be one all of its frames; the result's rgb is the first.

    Parameters and errors are those of `run`; once `stop` is true, the frames so far become the result.
    OptionError for an animation with a time.
    """
    if task.output is None or not moves(task.photo, task.output, task.options.max_pixels):
        yield from run(task, studio, stop, steps, started)
        return
    if task.options.time is not None:
        raise OptionError("--time is for single pictures; give an animation a --quality or --steps")
    check_output(task)
    animation = animation_in(task.photo, max_pixels=task.options.max_pixels)
    assert animation is not None
    frames = (
        as_painted(frame, task) for frame in read_frames(task.photo, max_pixels=task.options.max_pixels)
    )
    first = next(frames)
    check_sides(task.photo, first.picture)
    easel = set_up(task, first.picture, studio or Studio(), steps)
    yield from _FrameByFrame(easel, animation, stop, started).paint(chain([first], frames), first.picture)


def moves(photo: Path, output: Path, max_pixels: int = MAX_PIXELS) -> bool:
    """Whether `photo` is an animation and `output` has the suffix of one; PictureError for no picture."""
    return (
        output.suffix.lower() in ANIMATED_SUFFIXES and animation_in(photo, max_pixels=max_pixels) is not None
    )


def as_painted(frame: Frame, task: StylizeTask) -> Frame:
    """The frame at the size it will be painted at."""
    options: StylizeOptions = task.options
    picture = resize_picture(frame.picture, min(options.size, max(frame.picture.size_px)))
    return replace(frame, picture=without_gps(picture) if options.strip_gps else picture)


@dataclass(frozen=True)
class Painted:
    """A frame's painting, and the source as it was where each of its pixels was painted last."""

    source: Picture
    painting: Pixels


def change(before: Picture, after: Picture) -> Pixels:
    """(h, w) in [0, 1]: where `after` has to be painted anew, with soft borders.

    Nothing is hidden by the softness: what differs by `MOVED` is 1.
    """
    difference = np.abs(after.rgb - before.rgb).max(2)
    if before.alpha is not None and after.alpha is not None:
        difference *= np.maximum(before.alpha, after.alpha)
    moved = np.clip((difference - STILL) / (MOVED - STILL), 0, 1)
    spread = Image.fromarray(np.rint(moved * 255).astype(np.uint8)).filter(
        ImageFilter.GaussianBlur(REACH * max(moved.shape))
    )
    around = np.clip(np.asarray(spread, np.float32) * np.float32(4 / 255), 0, 1)
    changed: Pixels = np.maximum(moved, around)
    return changed


class _FrameByFrame:
    """What is kept while an animation is painted."""

    def __init__(
        self, easel: Easel, animation: Animation, stop: Callable[[], bool], started: float | None
    ) -> None:
        self.easel = easel
        self.animation = animation
        self.stop = stop
        self.started = time.perf_counter() if started is None else started
        self.first: Watch | None = None
        self.notes: dict[str, None] = {}
        self.later_s: list[float] = []

    def paint(self, frames: Iterator[Frame], like: Picture) -> Iterator[Progress | Result]:
        task = self.easel.task
        assert task.output is not None
        made_from = recipe(task, self.easel.network.weights)
        made_from["steps"] = [rung.steps for rung in self.easel.rungs]
        painted: Painted | None = None
        first, count = like.rgb, 0
        with writing_animation(
            task.output,
            like,
            self.animation.plays,
            recipe=json.dumps(made_from),
            quality=task.options.jpeg_quality,
        ) as add:
            for count, frame in enumerate(frames, start=1):
                painted = yield from self._paint_frame(count, frame.picture, painted)
                first = painted.painting if count == 1 else first
                add(replace(frame, picture=replace(frame.picture, rgb=painted.painting)))
                if self.stop():
                    break
        if count < self.animation.frames:
            self.notes[f"it has the first {count} of {self.animation.frames} frames"] = None
        assert self.first is not None
        report = self.first.report()
        report |= {"frames": count, "painted": 1 + len(self.later_s), "notes": tuple(self.notes)}
        yield Result(task, first, report["seconds"], tuple(self.notes), report | {"recipe": made_from})

    def _paint_frame(
        self, count: int, picture: Picture, before: Painted | None
    ) -> Generator[Progress, None, Painted]:
        if before is None:
            painting = yield from self._climb(count, self.easel, picture, None)
            return Painted(picture, painting)
        changed = change(before.source, picture)[..., None]
        if not changed.any():
            return before
        last = replace(self.easel, rungs=self.easel.rungs[-1:], spaces=self.easel.spaces[-1:])
        begun = time.perf_counter()
        painting = yield from self._climb(count, last, picture, before)
        self.later_s.append(time.perf_counter() - begun)
        source = before.source.rgb + changed * (picture.rgb - before.source.rgb)
        painting = before.painting + changed * (painting - before.painting)
        return Painted(replace(picture, rgb=source), painting)

    def _climb(
        self, count: int, easel: Easel, picture: Picture, before: Painted | None
    ) -> Generator[Progress, None, Pixels]:
        easel = easel.before(picture)
        watch = Watch(easel, self.started, None)
        self.first = self.first or watch
        earlier = (
            None
            if before is None
            else Earlier(
                *(to_tensor(rgb).to(easel.scene.photo) for rgb in (before.source.rgb, before.painting))
            )
        )
        climbed: Climbed | None = None
        for climbed in paint_on(easel, watch.enough, self.stop, earlier):
            if climbed.loss is not None:
                yield self._progress(count, watch.progress(climbed, climbed.loss), watch)
        assert climbed is not None
        self.notes |= dict.fromkeys((*picture.notes, *watch.notes))
        return to_pixels(easel.finished(climbed.picture))

    def _progress(self, count: int, progress: Progress, watch: Watch) -> Progress:
        """The same with the time that all frames take, as far as one can tell."""
        if self.later_s:
            later_s = sum(self.later_s) / len(self.later_s)
        else:
            this_s = time.perf_counter() - watch.climbing_since + progress.eta_s
            work = [rung.steps * rung.size_px[0] * rung.size_px[1] for rung in watch.rungs]
            later_s = this_s * work[-1] / sum(work)
        left_s = (self.animation.frames - count) * later_s
        return replace(progress, eta_s=progress.eta_s + left_s, frame=count, frames=self.animation.frames)
