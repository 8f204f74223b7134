from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from impasto.easel import set_up
from impasto.errors import PictureError, StyleError
from impasto.media.cards import Card, Tuning, read_card, write_card
from impasto.media.gallery import builtin_styles
from impasto.media.picture import read_picture
from impasto.methods.fast import draft
from impasto.methods.scene import Region, Scene
from impasto.networks.fetch import MODELS, fetch_model
from impasto.networks.painter import CONDITIONED
from impasto.networks.painter_weights import load_painter
from impasto.networks.vgg import Vgg
from impasto.networks.weights import vgg_weights
from impasto.options import MAX_PIXELS, StylizeOptions, TrainStyleOptions
from impasto.studio import Studio
from impasto.stylebook import Loaded, load_style, make_card
from impasto.tasks import MaskChoice, RegionChoice, StyleChoice, StylizeTask, TrainStyleTask
from impasto.train_style import train_style
from tests.conftest import drawn, tensor

MakePicture = Callable[..., Path]


@pytest.fixture
def card(picture_file: MakePicture, tmp_path: Path) -> Path:
    path = tmp_path / "dots.style"
    write_card(path, make_card(picture_file("dots", size=(256, 200)), "Dots", "", "", ""))
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    for number in range(14):
        shifted = np.roll(drawn("photo", 60, 40), 3 * number, 1)
        Image.fromarray(shifted).save(tmp_path / "photos" / f"{number}.png")
    return tmp_path / "photos"


def task_of(style: Path | str, photos: Path, **options: float) -> TrainStyleTask:
    output = photos.parent / "taught.style"
    asked = TrainStyleOptions.model_validate({"steps": 3, "device": "cpu", **options})
    return TrainStyleTask(style=str(style), photos=photos, output=output, options=asked)


def loaded(path: Path, vgg: Vgg) -> Loaded:
    return load_style(str(path), vgg, vgg_weights(), 256, MAX_PIXELS)


def test_a_style_that_was_taught_is_painted_otherwise(card: Path, photos: Path, vgg: Vgg) -> None:
    task = task_of(card, photos)
    losses = [event.loss for event in train_style(task)]
    assert len(losses) == 3
    before, after = loaded(card, vgg), loaded(task.output, vgg)
    assert before.tuning is None
    assert after.tuning is not None
    assert after.tuning.abs().max() > 0
    painter, photo = load_painter(fetch_model("painter")).painter, tensor("photo")
    plain, taught = (
        draft(painter, Scene(photo, [Region(one.at, tuning=one.tuning)])) for one in (before, after)
    )
    assert not torch.equal(plain, taught)
    told = read_card(task.output).tuning
    assert told is not None
    assert (told.steps, told.photos) == (3, sum(path.suffix == ".png" for path in photos.iterdir()) - 2)


def test_a_training_that_is_stopped_keeps_what_was_learnt(card: Path, photos: Path) -> None:
    task = task_of(card, photos)
    assert len(list(train_style(task, stop=lambda: True))) == 1
    told = read_card(task.output).tuning
    assert told is not None
    assert told.steps == 1


def test_a_card_that_was_taught_before_goes_on_from_there(card: Path, photos: Path) -> None:
    numbers = np.linspace(-0.1, 0.1, CONDITIONED, dtype=np.float32)
    write_card(card, replace(read_card(card), tuning=Tuning(numbers, "0" * 64, 200, 9)))
    task = task_of(card, photos, learning_rate=1e-6)
    list(train_style(task))
    told = read_card(task.output).tuning
    assert told is not None
    assert (told.steps, told.painter_sha256) == (203, MODELS["painter"].checksum.removeprefix("sha256:"))
    np.testing.assert_allclose(told.numbers, numbers, atol=1e-3)


def test_what_cannot_be_taught_is_refused_before_it_begins(
    card: Path, photos: Path, picture_file: MakePicture
) -> None:
    with pytest.raises(StyleError, match="impasto style save"):
        next(train_style(task_of(picture_file("dots"), photos)))
    write_card(card.with_name("other.style"), replace(read_card(card), network_sha256="0" * 64))
    with pytest.raises(StyleError, match="another network"):
        next(train_style(task_of(card.with_name("other.style"), photos)))
    with pytest.raises(PictureError, match="too few to train on"):
        next(train_style(task_of(card, card.parent / "nowhere")))


def test_what_another_painter_was_taught_is_left_out(card: Path, vgg: Vgg) -> None:
    def with_tuning(numbers: int, sha256: str) -> Card:
        return replace(read_card(card), tuning=Tuning(np.ones(numbers, np.float32), sha256, 1, 1))

    bundled = MODELS["painter"].checksum.removeprefix("sha256:")
    write_card(card, with_tuning(CONDITIONED, bundled))
    assert loaded(card, vgg).tuning is not None
    write_card(card, with_tuning(CONDITIONED, "0" * 64))
    assert loaded(card, vgg).tuning is None
    write_card(card, with_tuning(CONDITIONED - 1, bundled))
    with pytest.raises(StyleError, match="damaged"):
        loaded(card, vgg)


def test_a_blend_has_its_shares_of_what_was_taught(picture_file: MakePicture) -> None:
    photo, mask = picture_file("photo"), picture_file("dots")
    task = StylizeTask(
        photo=photo,
        styles=(StyleChoice(source="scream", weight=3), StyleChoice(source=str(mask))),
        regions=(RegionChoice(mask=MaskChoice(path=mask), style="great-wave"),),
        options=StylizeOptions(quality="draft", device="cpu"),
    )
    below, above = set_up(task, read_picture(photo), Studio(), None).scene.regions
    scream, wave = (read_card(builtin_styles()[name]).tuning for name in ("scream", "great-wave"))
    assert below.tuning is not None
    assert above.tuning is not None
    assert scream is not None
    assert wave is not None
    np.testing.assert_allclose(below.tuning.numpy(), 0.75 * scream.numbers, rtol=1e-6)
    np.testing.assert_array_equal(above.tuning.numpy(), wave.numbers)
