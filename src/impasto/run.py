"""run(task): the only place where pictures from files meet the methods that paint them."""

import json
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pydantic
import torch

from impasto.crossing import to_pixels, to_tensor
from impasto.errors import OptionError, PictureError
from impasto.media.cards import sha256_of
from impasto.media.gallery import builtin_styles, style_path
from impasto.media.picture import (
    Picture,
    check_writable,
    read_picture,
    read_recipe,
    resize_picture,
    write_picture,
)
from impasto.methods.devices import check_memory, choose_device, choose_precision
from impasto.methods.ladder import Climbed, Rung, climb, plan
from impasto.methods.objective import Wishes
from impasto.methods.styles import StyleAt, blend
from impasto.networks.vgg import POOLED_STRIDE, Vgg, VggWeights, set_compute_type
from impasto.networks.weights import vgg_weights
from impasto.stylebook import load_style
from impasto.tasks import Progress, Result, StylizeTask


def never() -> bool:
    return False


def run(task: StylizeTask, stop: Callable[[], bool] = never) -> Iterator[Progress | Result]:
    """Paints, yielding Progress after every step and a Result at the end, when the picture is written.

    stop: asked after every step; once it is true, the painting so far becomes the result.
    Errors: an ImpastoError before the first step for what the user can mend; nothing is written then.
    """
    started = time.perf_counter()
    if task.output is not None:
        check_output(task)
    options = task.options
    photo = read_photo(task.photo, options.size, options.max_pixels)
    device = choose_device(options.device)
    dtype = choose_precision(options.precision, device)
    check_memory(photo.size_px, dtype, device)
    weights = vgg_weights(options.backbone, options.weights)
    vgg = set_compute_type(Vgg(weights).to(device), dtype)
    style = blend(
        [load_style(choice.source, vgg, weights, options.max_pixels) for choice in task.styles],
        [choice.weight for choice in task.styles],
    )
    rungs = plan(photo.size_px, options.size, options.rungs, options.steps)
    settled = options.model_copy(
        update={
            "device": device.type,
            "precision": str(dtype).removeprefix("torch."),
            "size": max(photo.size_px),
        }
    )
    task = task.model_copy(update={"options": settled})
    watch = _Watch(rungs, started)
    rgb = photo.rgb
    for climbed in _paint(task, photo, vgg, style, rungs, stop):
        if climbed.loss is not None:
            yield watch.progress(climbed, climbed.loss)
        rgb = to_pixels(climbed.picture)
    report = watch.report() | {"notes": [*photo.notes, *watch.notes], "recipe": recipe(task, weights)}
    if task.output is not None:
        write_picture(
            task.output,
            replace(photo, rgb=rgb),
            recipe=json.dumps(report["recipe"]),
            quality=options.jpeg_quality,
        )
    yield Result(task, rgb, report["seconds"], tuple(report["notes"]), report)


def read_photo(path: Path, longest_px: int, max_pixels: int) -> Picture:
    """The photo at the size it will be painted at; PictureError when nothing can be painted on it."""
    photo = read_picture(path, max_pixels=max_pixels)
    photo = resize_picture(photo, min(longest_px, max(photo.size_px)))
    if min(photo.size_px) < POOLED_STRIDE:
        width, height = photo.size_px
        raise PictureError(
            f"{path} is {width} x {height} pixels at this size, too narrow to paint on; "
            f"use a picture or a --size that leaves at least {POOLED_STRIDE} pixels a side"
        )
    return photo


def check_output(task: StylizeTask) -> None:
    """OutputError or OptionError now, before minutes of work."""
    if task.output is None:
        return
    inputs = [task.photo, *(style_path(choice.source) for choice in task.styles)]
    if any(path.exists() and task.output.resolve() == path.resolve() for path in inputs):
        raise OptionError(f"{task.output} is also an input and would be lost; choose another name with -o")
    check_writable(task.output)


def recipe(task: StylizeTask, weights: VggWeights) -> dict[str, Any]:
    """All that it takes to make the same pixels again."""
    files = [task.photo, *(style_path(choice.source) for choice in task.styles)]
    return {
        "impasto": version("impasto"),
        "torch": torch.__version__,
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads",
        "task": task.model_dump(mode="json", exclude={"output"}),
        "sha256": {path.name: sha256_of(path) for path in files} | {weights.architecture: weights.sha256},
    }


def task_of(picture: Path) -> StylizeTask:
    """The task whose recipe rides in a picture; the files it names are looked for beside it, too.

    OptionError when the picture has no recipe, or when a file of it is gone or has changed.
    """
    text = read_recipe(picture)
    try:
        found = json.loads(text or "")
        task = StylizeTask.model_validate(found["task"])
        hashes = dict(found["sha256"])
    except (ValueError, KeyError, TypeError, pydantic.ValidationError) as error:
        raise OptionError(
            f"{picture} carries no recipe of impasto; give a picture that impasto made"
        ) from error
    photo = _found_again(task.photo, picture, hashes)
    styles = tuple(
        choice
        if choice.source in builtin_styles()
        else choice.model_copy(update={"source": str(_found_again(Path(choice.source), picture, hashes))})
        for choice in task.styles
    )
    return task.model_copy(update={"photo": photo, "styles": styles})


def _found_again(path: Path, picture: Path, hashes: dict[str, str]) -> Path:
    for place in (path, picture.parent / path.name):
        if place.is_file():
            if sha256_of(place) == hashes.get(path.name):
                return place
            raise OptionError(f"{place} is not the file that {picture} was made from; put the old one there")
    raise OptionError(f"{picture} was made from {path}, which is gone; put it there or beside the picture")


def _paint(
    task: StylizeTask, photo: Picture, vgg: Vgg, style: StyleAt, rungs: list[Rung], stop: Callable[[], bool]
) -> Iterator[Climbed]:
    options = task.options
    canvas = to_tensor(photo.rgb).to(vgg.mean.device)
    if options.strength == 0:
        yield Climbed(0, None, canvas, None)
        return
    wishes = Wishes(
        options.objective, options.strength, options.content_weight, options.style_weight, options.smoothness
    )
    noise = torch.Generator().manual_seed(options.seed) if options.start == "noise" else None
    yield from climb(vgg, canvas, style, rungs, wishes, options.optimizer, noise, stop)


class _Watch:
    """Times the climb, foretells its end, and keeps what the report will say."""

    def __init__(self, rungs: list[Rung], started: float) -> None:
        self.rungs = rungs
        self.started = started
        self.climbing_since = time.perf_counter()
        self.steps_done = [0] * len(rungs)
        self.losses: list[list[float]] = [[] for _ in rungs]
        self.notes: list[str] = []

    def progress(self, climbed: Climbed, loss: float) -> Progress:
        self.steps_done[climbed.rung] += 1
        self.losses[climbed.rung].append(loss)
        if climbed.note:
            self.notes.append(climbed.note)
        rung = self.rungs[climbed.rung]
        before = sum(earlier.steps for earlier in self.rungs[: climbed.rung])
        now = time.perf_counter()
        return Progress(
            step=before + self.steps_done[climbed.rung],
            steps=sum(rung.steps for rung in self.rungs),
            rung=climbed.rung + 1,
            rungs=len(self.rungs),
            size_px=rung.size_px,
            loss=loss,
            seconds=now - self.started,
            eta_s=(now - self.climbing_since) * self._left(climbed.rung) / self._done(),
            preview=lambda: to_pixels(climbed.picture),
        )

    def report(self) -> dict[str, Any]:
        return {
            "seconds": round(time.perf_counter() - self.started, 3),
            "rungs": [
                {"size_px": rung.size_px, "steps": done, "first_loss": losses[0], "last_loss": losses[-1]}
                for rung, done, losses in zip(self.rungs, self.steps_done, self.losses, strict=True)
                if losses
            ],
        }

    def _done(self) -> float:
        return sum(steps * _area(rung) for steps, rung in zip(self.steps_done, self.rungs, strict=True))

    def _left(self, current: int) -> float:
        return sum(
            (rung.steps - done) * _area(rung)
            for rung, done in zip(self.rungs[current:], self.steps_done[current:], strict=True)
        )


def _area(rung: Rung) -> int:
    return rung.size_px[0] * rung.size_px[1]
