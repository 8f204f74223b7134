"""run(task): the only place where pictures from files meet the methods that paint them."""

import json
import math
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from impasto.crossing import to_pixels, to_tensor
from impasto.errors import OptionError, PictureError, ResourceError
from impasto.media.cards import sha256_of
from impasto.media.files import STANDARD
from impasto.media.gallery import builtin_styles, style_path
from impasto.media.picture import (
    Picture,
    check_writable,
    read_picture,
    read_recipe,
    without_gps,
    write_picture,
)
from impasto.methods.ladder import Climbed, Earlier, Manner, Rung, climb, plan
from impasto.methods.memory import Workspace, free_bytes, ran_out_of_memory, spaces
from impasto.methods.pace import Deadline
from impasto.methods.scene import Region, Scene, Wishes
from impasto.methods.styles import StyleAt, blend
from impasto.networks.vgg import POOLED_STRIDE, VggWeights
from impasto.options import Quality, StylizeOptions
from impasto.studio import Network, Studio
from impasto.tasks import Progress, Result, StyleChoice, StylizeTask

EFFORTS: Final[dict[Quality, float]] = {"draft": 1 / 3, "good": 1.0, "best": 4.0}
LEAST_EFFORT: Final = 0.15
MOST_EFFORT: Final = 1000.0
"""More steps than any clock allows for."""
LOOK_EVERY: Final = 5
"""Steps on a GPU between looks at the loss: it works ahead meanwhile."""


def run(
    task: StylizeTask,
    studio: Studio | None = None,
    stop: Callable[[], bool] = lambda: False,
    steps: Sequence[int] | None = None,
    started: float | None = None,
) -> Iterator[Progress | Result]:
    """Paints, yielding Progress after every step and a Result at the end, when the picture is written.

    studio: what other runs have loaded already. stop: asked after every step; once it is true, the painting
    so far becomes the result. steps: how many to take on each rung, as a recipe tells. started: when the user
    began to wait, on time.perf_counter.
    Errors: an ImpastoError before the first step for what the user can mend; nothing is written then.
    """
    started = time.perf_counter() if started is None else started
    check_output(task)
    photo = read_photo(task.photo, task.options)
    easel = set_up(task, photo.size_px, studio or Studio(), steps)
    made_from = recipe(easel.task, easel.network.weights)
    watch = Watch(easel.rungs, started, _deadline(easel, started) if steps is None else None)
    canvas = to_tensor(photo.rgb).to(easel.network.device, easel.canvas_type)
    photo = replace(photo, rgb=np.empty((0, 0, 3), np.float32))  # a large one would be in the way
    climbed = None
    for climbed in paint_on(easel, canvas, watch.enough, stop):
        if climbed.loss is not None:
            yield watch.progress(climbed, climbed.loss)
    assert climbed is not None
    rgb = to_pixels(climbed.picture)
    del canvas, climbed
    made_from["steps"] = watch.steps_taken()
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


@dataclass(frozen=True)
class Easel:
    """All that painting takes; the task says what was settled on."""

    task: StylizeTask
    network: Network
    style: StyleAt
    rungs: list[Rung]
    spaces: list[Workspace]

    @property
    def canvas_type(self) -> torch.dtype:
        return torch.float16 if self.spaces[-1].lean else torch.float32


def set_up(
    task: StylizeTask, photo_px: tuple[int, int], studio: Studio, steps: Sequence[int] | None
) -> Easel:
    """Network, style and plan for a photo of (width, height); errors as `run` has them."""
    options = task.options
    network = studio.network(options)
    settled: dict[str, Any] = {
        "device": network.device.type,
        "precision": str(network.dtype).removeprefix("torch."),
        "size": max(photo_px),
    }
    styles = [
        studio.style(choice.source, network, max(photo_px), options.max_pixels) for choice in task.styles
    ]
    effort = MOST_EFFORT if options.time else EFFORTS[options.quality]
    rungs = plan(photo_px, options.size, options.rungs, options.steps, effort)
    if steps is not None:
        if len(steps) != len(rungs):
            raise OptionError(f"the recipe has steps for {len(steps)} rungs, not {len(rungs)}; paint anew")
        rungs = [rung._replace(steps=count) for rung, count in zip(rungs, steps, strict=True)]
    memory = 0.9 * free_bytes(network.device) if options.memory is None else float(options.memory)
    held_bytes = sum(style.held_bytes for style in styles)
    rooms = [Workspace()] * len(rungs)
    if options.strength > 0:
        rooms = spaces([rung.size_px for rung in rungs], network.dtype, options.optimizer, memory, held_bytes)
    if any(room != Workspace() for room in rooms):
        settled["memory"] = memory  # with more or less of it, a rerun would differ
    return Easel(
        task.model_copy(update={"options": options.model_copy(update=settled)}),
        network,
        blend([style.at for style in styles], [choice.weight for choice in task.styles]),
        rungs,
        rooms,
    )


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


def check_output(task: StylizeTask) -> None:
    """OutputError or OptionError now, before minutes of work."""
    if task.output is None:
        return
    check_no_input(task, task.output)
    check_writable(task.output)


def check_no_input(task: StylizeTask, path: Path) -> None:
    """OptionError when writing to `path` would lose a file that the task reads."""
    inputs = [task.photo, task.options.weights, *(style_path(choice.source) for choice in task.styles)]
    if path.exists() and any(file and file.exists() and path.samefile(file) for file in inputs):
        raise OptionError(f"{path} is also an input and would be lost; choose another name")


def recipe(task: StylizeTask, weights: VggWeights) -> dict[str, Any]:
    """All that it takes to make the same pixels again."""
    return {
        "impasto": version("impasto"),
        "torch": torch.__version__,
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads",
        "task": task.model_dump(mode="json", exclude={"output"}),
        **hashes_of_inputs(task),
        "weights_sha256": weights.sha256,
    }


def hashes_of_inputs(task: StylizeTask) -> dict[str, Any]:
    """SHA-256 of the pictures and cards that a task names."""
    return {
        "photo_sha256": sha256_of(task.photo),
        "styles_sha256": [sha256_of(style_path(choice.source)) for choice in task.styles],
    }


def recipe_in(picture: Path) -> tuple[StylizeTask, list[int]]:
    """The task whose recipe rides in a picture, and the steps that were taken on each rung.

    Files that it names are looked for where they were, and beside the picture.
    OptionError when the picture has no recipe, or when a file of it is gone or has changed.
    """
    text = read_recipe(picture)
    try:
        found = json.loads(text or "")
        task = StylizeTask.model_validate(found["task"])
        photo = _found_again(task.photo, picture, found["photo_sha256"])
        hashes = zip(task.styles, found["styles_sha256"], strict=True)
        styles = tuple(_style_found_again(choice, picture, sha256) for choice, sha256 in hashes)
        weights = task.options.weights
        if weights is not None:
            weights = _found_again(weights, picture, found["weights_sha256"])
        options = task.options.model_copy(update={"weights": weights})
        steps = [int(count) for count in found["steps"]]
    except (ValueError, KeyError, TypeError) as error:
        raise OptionError(
            f"{picture} carries no recipe that this version of impasto can read; give a picture that it made"
        ) from error
    return task.model_copy(update={"photo": photo, "styles": styles, "options": options}), steps


def _style_found_again(choice: StyleChoice, picture: Path, sha256: str) -> StyleChoice:
    if choice.source in builtin_styles():
        return choice
    return choice.model_copy(update={"source": str(_found_again(Path(choice.source), picture, sha256))})


def _found_again(path: Path, picture: Path, sha256: str) -> Path:
    if path == STANDARD:
        if sha256_of(path) == sha256:
            return path
        raise OptionError(f"{picture} was made from standard input; pipe the same photo in again")
    places = [place for place in (path, picture.parent / path.name) if place.is_file()]
    for place in places:
        if sha256_of(place) == sha256:
            return place
    if places:
        raise OptionError(f"{places[0]} is not the file that {picture} was made from; put the old one there")
    raise OptionError(f"{picture} was made from {path}, which is gone; put it there or beside the picture")


def _deadline(easel: Easel, started: float) -> Deadline | None:
    options = easel.task.options
    if options.time is None:
        return None
    top = easel.rungs[-1].size_px
    least = plan(top, max(top), options.rungs, None, LEAST_EFFORT)
    return Deadline(easel.rungs, least, started + float(options.time))


def paint_on(
    easel: Easel,
    canvas: Tensor,
    enough: Callable[[int, int], bool],
    stop: Callable[[], bool],
    earlier: Earlier | None = None,
) -> Iterator[Climbed]:
    """The climb up the easel's rungs, as `climb` has it; ResourceError when memory runs out."""
    options = easel.task.options
    if options.strength == 0:
        yield Climbed(0, None, canvas, None)
        return
    wishes = Wishes(
        options.objective, options.strength, options.content_weight, options.style_weight, options.smoothness
    )
    look_every = 1 if canvas.device.type == "cpu" else LOOK_EVERY
    manner = Manner(options.optimizer, options.start, options.seed, look_every)
    scene = Scene(canvas, [Region(easel.style, wishes)])
    try:
        yield from climb(easel.network.vgg, scene, easel.rungs, manner, easel.spaces, enough, stop, earlier)
    except RuntimeError as error:
        if not ran_out_of_memory(error):
            raise
        height, width = canvas.shape[2:]
        raise ResourceError(
            f"memory ran out while painting {width} x {height} pixels; use a smaller --size"
        ) from error


class Watch:
    """Times the climb, foretells its end, and keeps what the report will say."""

    def __init__(self, rungs: list[Rung], started: float, deadline: Deadline | None) -> None:
        self.rungs = rungs
        self.started = started
        self.deadline = deadline
        self.climbing_since = time.perf_counter()
        self.losses: list[list[float]] = [[] for _ in rungs]
        self.notes: list[str] = []

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
            preview=lambda: to_pixels(picture),
        )

    def _lateness(self, rung: int) -> str | None:
        if self.deadline is None:
            return None
        late_s = self.deadline.lateness(rung, len(self.losses[rung]))
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
