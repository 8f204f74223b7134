"""run(task): the only place where pictures from files meet the methods that paint them."""

import json
import math
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from impasto.crossing import to_pixels, to_tensor
from impasto.errors import OptionError, PictureError, ResourceError
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
from impasto.tasks import Progress, Result, StyleChoice, StylizeTask


def run(
    task: StylizeTask, stop: Callable[[], bool] = lambda: False, stop_after: int | None = None
) -> Iterator[Progress | Result]:
    """Paints, yielding Progress after every step and a Result at the end, when the picture is written.

    stop: asked after every step; once it is true, the painting so far becomes the result. stop_after: the
    same after that many steps.
    Errors: an ImpastoError before the first step for what the user can mend; nothing is written then.
    """
    started = time.perf_counter()
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
    settled = {
        "device": device.type,
        "precision": str(dtype).removeprefix("torch."),
        "size": max(photo.size_px),
    }
    task = task.model_copy(update={"options": options.model_copy(update=settled)})
    made_from = recipe(task, weights)
    watch = Watch(plan(photo.size_px, options.size, options.rungs, options.steps), started)

    def ends() -> bool:
        return stop() or watch.step == stop_after

    rgb = photo.rgb
    for climbed in _paint(task, photo, vgg, style, watch.rungs, ends):
        if climbed.loss is not None:
            yield watch.progress(climbed, climbed.loss)
        else:
            rgb = to_pixels(climbed.picture)
    if ends():
        made_from["stopped_after"] = watch.step
    if task.output is not None:
        painted = replace(photo, rgb=rgb)
        write_picture(task.output, painted, recipe=json.dumps(made_from), quality=options.jpeg_quality)
    notes = (*photo.notes, *watch.notes)
    report = watch.report() | {"notes": notes, "recipe": made_from}
    yield Result(task, rgb, report["seconds"], notes, report)


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
        "photo_sha256": sha256_of(task.photo),
        "styles_sha256": [sha256_of(style_path(choice.source)) for choice in task.styles],
        "weights_sha256": weights.sha256,
    }


def recipe_in(picture: Path) -> tuple[StylizeTask, int | None]:
    """The task whose recipe rides in a picture, and the step it was stopped after.

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
        stopped_after = found.get("stopped_after")
    except (ValueError, KeyError, TypeError) as error:
        raise OptionError(
            f"{picture} carries no recipe that this version of impasto can read; give a picture that it made"
        ) from error
    return task.model_copy(update={"photo": photo, "styles": styles, "options": options}), stopped_after


def _style_found_again(choice: StyleChoice, picture: Path, sha256: str) -> StyleChoice:
    if choice.source in builtin_styles():
        return choice
    return choice.model_copy(update={"source": str(_found_again(Path(choice.source), picture, sha256))})


def _found_again(path: Path, picture: Path, sha256: str) -> Path:
    places = [place for place in (path, picture.parent / path.name) if place.is_file()]
    for place in places:
        if sha256_of(place) == sha256:
            return place
    if places:
        raise OptionError(f"{places[0]} is not the file that {picture} was made from; put the old one there")
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
    try:
        yield from climb(vgg, canvas, style, rungs, wishes, options.optimizer, noise, stop)
    except RuntimeError as error:  # what torch raises on a GPU is one, too
        if "allocate" not in str(error) and "out of memory" not in str(error):
            raise
        width, height = photo.size_px
        raise ResourceError(
            f"memory ran out while painting {width} x {height} pixels; use a smaller --size"
        ) from error


class Watch:
    """Times the climb, foretells its end, and keeps what the report will say."""

    def __init__(self, rungs: list[Rung], started: float) -> None:
        self.rungs = rungs
        self.started = started
        self.climbing_since = time.perf_counter()
        self.step = 0
        self.losses: list[list[float]] = [[] for _ in rungs]
        self.notes: list[str] = []

    def progress(self, climbed: Climbed, loss: float) -> Progress:
        self.step += 1
        self.losses[climbed.rung].append(loss)
        if climbed.note:
            self.notes.append(climbed.note)
        now = time.perf_counter()
        picture = climbed.picture
        return Progress(
            step=sum(rung.steps for rung in self.rungs[: climbed.rung]) + len(self.losses[climbed.rung]),
            steps=sum(rung.steps for rung in self.rungs),
            rung=climbed.rung + 1,
            rungs=len(self.rungs),
            size_px=self.rungs[climbed.rung].size_px,
            loss=loss,
            seconds=now - self.started,
            eta_s=(now - self.climbing_since) * self._work_left(climbed.rung) / self._work_done(),
            preview=lambda: to_pixels(picture),
        )

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
