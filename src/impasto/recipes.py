"""The recipe that rides in a picture: all that it takes to make the same pixels again."""

import json
import platform
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from impasto.errors import OptionError
from impasto.media.cards import sha256_of
from impasto.media.files import STANDARD
from impasto.media.gallery import builtin_styles, style_path
from impasto.media.picture import read_recipe
from impasto.networks.vgg import VggWeights
from impasto.tasks import StylizeTask, Task


def recipe(task: StylizeTask, weights: VggWeights) -> dict[str, Any]:
    """As JSON; what was decided while painting is added later."""
    return provenance(task) | {"weights_sha256": weights.sha256}


def provenance(task: Task) -> dict[str, Any]:
    """What the recipes of all verbs say."""
    return {
        "impasto": version("impasto"),
        "torch": torch.__version__,
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads",
        "task": in_words(task),
        **hashes_of_inputs(task),
    }


def in_words(task: Task) -> dict[str, Any]:
    """What a recipe says of the task, as JSON: all but where the picture goes."""
    return task.model_dump(mode="json", exclude={"output"})


def hashes_of_inputs(task: Task) -> dict[str, Any]:
    """SHA-256 of the pictures and cards that a task names."""
    return {
        "photo_sha256": sha256_of(task.photo),
        "styles_sha256": [sha256_of(style_path(source)) for source in task.sources],
        "masks_sha256": [sha256_of(mask) for mask in task.mask_files],
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
        hashes = {str(task.photo): found["photo_sha256"]}
        hashes |= dict(zip(task.sources, found["styles_sha256"], strict=True))
        hashes |= dict(zip(map(str, task.mask_files), found["masks_sha256"], strict=True))
        hashes[str(task.options.weights)] = found["weights_sha256"]
        steps = [int(count) for count in found["steps"]]
    except (ValueError, KeyError, TypeError) as error:
        raise OptionError(
            f"{picture} carries no recipe that this version of impasto can read; give a picture that it made"
        ) from error
    return task.moved(whereabouts(picture, hashes)), steps


def verb_of(picture: Path) -> str:
    """What made a picture, as its recipe says; "stylize" where it says nothing."""
    try:
        return str(json.loads(read_recipe(picture) or "")["task"]["verb"])
    except (ValueError, KeyError, TypeError):
        return "stylize"


def whereabouts(picture: Path, hashes: Mapping[str, str]) -> Callable[[str], str]:
    """For the name of an input, where it is now: where it was, or beside the picture.

    hashes: SHA-256 by name. OptionError, when it is asked for what is gone or has changed.
    """

    def where(name: str) -> str:
        return name if name in builtin_styles() else str(_found_again(Path(name), picture, hashes[name]))

    return where


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
