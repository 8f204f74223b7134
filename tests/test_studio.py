"""A studio changes how long a run takes, never what comes out."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from impasto import studio as studios
from impasto.options import StylizeOptions
from impasto.run import run
from impasto.studio import Studio
from impasto.tasks import Pixels, Result, StyleChoice, StylizeTask

MakePicture = Callable[..., Path]


def painted(task: StylizeTask, studio: Studio | None = None) -> Pixels:
    *_, result = run(task, studio)
    assert isinstance(result, Result)
    return result.rgb


def test_runs_that_share_a_studio_paint_what_runs_alone_paint(picture_file: MakePicture) -> None:
    photo, stripes, dots = (picture_file(kind) for kind in ("photo", "stripes", "dots"))
    options = StylizeOptions(size=64, steps=2)
    tasks = [
        StylizeTask(photo=photo, styles=(StyleChoice(source=str(style)),), options=options)
        for style in (stripes, dots, stripes)
    ]
    studio = Studio()
    for task in tasks:
        np.testing.assert_array_equal(painted(task, studio), painted(task))


def test_networks_and_styles_are_loaded_once() -> None:
    studio, options = Studio(), StylizeOptions(precision="float32", device="cpu")
    network = studio.network(options)
    assert studio.network(options.model_copy(update={"strength": 0.9})) is network
    assert studio.network(options.model_copy(update={"precision": "bfloat16"})) is not network
    assert studio.style("scream", network, 64, 10**6) is studio.style("scream", network, 64, 10**6)
    assert studio.judges is studio.judges


def test_a_painting_that_has_changed_is_measured_again(picture_file: MakePicture) -> None:
    studio = Studio()
    network = studio.network(StylizeOptions(precision="float32", device="cpu"))
    source = str(picture_file("stripes", "style.png"))
    before = studio.style(source, network, 64, 10**6)
    picture_file("dots", "style.png")
    assert studio.style(source, network, 64, 10**6) is not before


def test_paintings_used_long_ago_make_room(
    picture_file: MakePicture, monkeypatch: pytest.MonkeyPatch
) -> None:
    paintings = [str(picture_file(kind)) for kind in ("stripes", "dots", "photo")]
    studio = Studio()
    network = studio.network(StylizeOptions(precision="float32", device="cpu"))
    kept = [studio.style(source, network, 128, 10**6) for source in paintings]
    monkeypatch.setattr(studios, "PAINTINGS_KEPT_BYTES", kept[0].held_bytes + kept[2].held_bytes)
    assert studio.style(paintings[0], network, 128, 10**6) is kept[0]
    assert studio.style(paintings[2], network, 128, 10**6) is kept[2]
    assert studio.style(paintings[1], network, 128, 10**6) is not kept[1]
