"""color(task): a black-and-white picture is coloured, and repainted if styles are named."""

import json
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from impasto.crossing import to_pixels, to_tensor
from impasto.errors import OptionError
from impasto.media.cards import sha256_of
from impasto.media.picture import (
    read_picture,
    read_recipe,
    resize_picture,
    without_gps,
    write_picture,
)
from impasto.methods.colorize import Hint, Taste, colorize, palette_of
from impasto.networks.cielab import to_lab
from impasto.options import ColoringOptions
from impasto.recipes import provenance, whereabouts
from impasto.run import check_output, check_sides, run
from impasto.studio import ColorStudio, Studio
from impasto.tasks import Colored, ColorizeTask, Progress, Result, StylizeTask

REFERENCE_PX: Final = 256


def color(
    task: ColorizeTask,
    studio: Studio | None = None,
    stop: Callable[[], bool] = lambda: False,
    steps: Sequence[int] | None = None,
    started: float | None = None,
) -> Iterator[Progress | Colored]:
    """Colours, yielding Progress only while a style is painted, and a Colored when the picture is written.

    Parameters and errors are those of `run`.
    """
    started = time.perf_counter() if started is None else started
    studio = studio or Studio()
    check_output(task)
    photo = read_picture(task.photo, max_pixels=task.options.max_pixels)
    if task.options.strip_gps:
        photo = without_gps(photo)
    room = studio.colorist(task.options, task.options.device, task.options.precision)
    settled = {"device": room.device.type, "precision": str(room.dtype).removeprefix("torch.")}
    task = task.model_copy(update={"options": task.options.model_copy(update=settled)})
    hints = tuple(_hint(text, photo.size_px) for text in task.options.hint)
    taste = taste_of(task.options, room, task.options.max_pixels)._replace(hints=hints)
    canvas = to_tensor(photo.rgb).to(room.device)
    photo = replace(photo, rgb=np.empty((0, 0, 3), np.float32))  # a large one would be in the way
    photo = replace(photo, rgb=to_pixels(colorize(room.colorist, canvas, taste)))
    made_from = provenance(task) | {"colorizer_sha256": room.sha256}
    if task.options.reference is not None:
        made_from["reference_sha256"] = sha256_of(task.options.reference)
    notes, report = photo.notes, dict[str, Any]()
    if task.styles:
        photo = resize_picture(photo, min(task.painting.size, max(photo.size_px)))
        check_sides(task.photo, photo)
        stylized = StylizeTask(photo=task.photo, styles=task.styles, options=task.painting)
        painted = yield from _until_done(run(stylized, studio, stop, steps, started, photo))
        photo = replace(photo, rgb=painted.rgb)
        notes, report = painted.notes, painted.report
        made_from |= {key: report["recipe"][key] for key in ("weights_sha256", "steps")}
        made_from["task"]["painting"] = report["recipe"]["task"]["options"]
    if task.output is not None:
        wanted = task.painting if task.styles else task.options
        write_picture(
            task.output,
            photo,
            recipe=json.dumps(made_from),
            quality=wanted.jpeg_quality,
            piped=wanted.format,
        )
    seconds = round(time.perf_counter() - started, 3)
    report |= {"seconds": seconds, "notes": notes, "recipe": made_from}
    yield Colored(task, photo.rgb, seconds, notes, report)


def taste_of(options: ColoringOptions, room: ColorStudio, max_pixels: int) -> Taste:
    """The options in the method's words; PictureError for the reference."""
    palette = None
    if options.reference is not None:
        reference = resize_picture(read_picture(options.reference, max_pixels=max_pixels), REFERENCE_PX)
        palette = palette_of(to_tensor(reference.rgb).to(room.device), room.colorist.centres)
    return Taste(
        options.temperature,
        options.rarity,
        options.saturation,
        options.looks,
        options.size,
        palette=palette,
    )


def color_recipe_in(picture: Path) -> tuple[ColorizeTask, list[int] | None]:
    """The task whose recipe rides in a picture, and the steps of its painting; errors as for `recipe_in`."""
    try:
        found = json.loads(read_recipe(picture) or "")
        task = ColorizeTask.model_validate(found["task"])
        hashes = {str(task.photo): found["photo_sha256"]}
        hashes |= dict(zip(task.sources, found["styles_sha256"], strict=True))
        hashes[str(task.options.weights)] = found["colorizer_sha256"]
        hashes[str(task.options.reference)] = found.get("reference_sha256")
        hashes[str(task.painting.weights)] = found.get("weights_sha256")
        steps = [int(count) for count in found["steps"]] if task.styles else None
    except (ValueError, KeyError, TypeError) as error:
        raise OptionError(
            f"{picture} carries no recipe that this version of impasto can read; give a picture that it made"
        ) from error
    return task.moved(whereabouts(picture, hashes)), steps


def _until_done(events: Iterator[Progress | Result]) -> Generator[Progress, None, Result]:
    for event in events:
        if isinstance(event, Result):
            return event
        yield event
    raise AssertionError("a run ends with a result")


def _hint(text: str, size_px: tuple[int, int]) -> Hint:
    left, top, code = text.split(",")
    column, row = int(left), int(top)
    if column >= size_px[0] or row >= size_px[1]:
        raise OptionError(
            f"--hint {text} lies outside of the picture, which is {size_px[0]} x {size_px[1]} pixels"
        )
    red, green, blue = (int(code[place : place + 2], 16) / 255 for place in (1, 3, 5))
    a, b = to_lab(torch.tensor([red, green, blue]).view(1, 3, 1, 1))[0, 1:].flatten().tolist()
    return Hint(row, column, (a, b))
