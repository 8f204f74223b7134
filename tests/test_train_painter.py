from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from impasto.errors import OptionError, WeightsError
from impasto.methods.fast import paint
from impasto.methods.styles import measure
from impasto.networks.painter_weights import load_painter
from impasto.networks.vgg import Vgg
from impasto.options import TrainPainterOptions
from impasto.pairings import Pairings
from impasto.shelf import is_held_out, photos_in
from impasto.tasks import TrainPainterTask
from impasto.train_painter import ON_CPU, ON_GPU, Workshop, recipe_for, train_painter
from tests.conftest import drawn, tensor

TINY = TrainPainterOptions(steps=3, batch=2, size=32, saved_every=2, device="cpu")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for folder, kind in (("photos", "photo"), ("paintings", "dots")):
        (tmp_path / folder).mkdir()
        for number in range(14):
            shifted = np.roll(drawn(kind, 60, 40), 3 * number, 1)
            Image.fromarray(shifted).save(tmp_path / folder / f"{number}.png")
    return tmp_path


def task_in(pictures: Path, output: str, options: TrainPainterOptions = TINY) -> TrainPainterTask:
    return TrainPainterTask(
        photos=pictures / "photos",
        paintings=pictures / "paintings",
        output=pictures / output,
        options=options,
    )


def train(task: TrainPainterTask, stop_after: int = 99) -> list[float]:
    losses: list[float] = []
    for event in train_painter(task, lambda: len(losses) + 1 >= stop_after):
        assert event.loss is not None
        losses.append(event.loss)
    return losses


def test_training_writes_a_painter_that_paints(pictures: Path, vgg: Vgg) -> None:
    assert len(train(task_in(pictures, "out"))) == 3
    names = {"checkpoint.pt", "curve.png", "painter.safetensors", "samples.png"}
    assert {path.name for path in (pictures / "out").iterdir()} == names
    file = pictures / "out/painter.safetensors"
    assert file.stat().st_size < 8e6
    painted = paint(load_painter(file).painter, tensor("photo", 50, 40), measure(vgg, tensor("dots", 64, 64)))
    assert painted.shape == (1, 3, 40, 50)


def test_an_interrupted_training_ends_with_the_same_painter(pictures: Path) -> None:
    whole = train(task_in(pictures, "whole"))
    parts = train(task_in(pictures, "parts"), stop_after=2)
    assert len(parts) == 2
    parts += train(task_in(pictures, "parts"))
    assert parts == whole
    one, other = ((pictures / name / "painter.safetensors").read_bytes() for name in ("whole", "parts"))
    assert one == other
    assert train(task_in(pictures, "whole")) == []


def test_a_training_stops_when_its_time_is_up_and_goes_on(pictures: Path) -> None:
    short = TINY.model_copy(update={"time": 1e-6})
    assert len(train(task_in(pictures, "out", short))) == 1
    assert len(train(task_in(pictures, "out"))) == 2


def test_another_training_in_the_same_folder_is_refused(pictures: Path) -> None:
    train(task_in(pictures, "out"), stop_after=1)
    with pytest.raises(OptionError, match="give another folder"):
        train(task_in(pictures, "out", TINY.model_copy(update={"content_weight": 1.0})))


def test_what_is_held_out_is_never_learnt_from(pictures: Path) -> None:
    workshop = Workshop(task_in(pictures, "out"), torch.device("cpu"))
    assert not any(map(is_held_out, [*workshop.learnt.photos, *workshop.learnt.paintings]))
    assert all(map(is_held_out, [*workshop.held_out.photos, *workshop.held_out.paintings]))
    assert {*workshop.learnt.photos, *workshop.held_out.photos} == {*photos_in(pictures / "photos")}


def test_the_recipe_is_the_devices_but_for_what_is_given() -> None:
    options = TrainPainterOptions(batch=7)
    assert recipe_for(options, torch.device("cpu")) == ON_CPU._replace(batch=7)
    assert recipe_for(options, torch.device("cuda")) == ON_GPU._replace(batch=7)


def test_reading_ahead_changes_nothing(pictures: Path) -> None:
    paths = photos_in(pictures / "photos")
    pairings = Pairings(paths, paths, 32, 3, seed=1)
    ahead = list(pairings.ahead(2, 9, readers=2))
    assert len(ahead) == 7
    for step, pairing in enumerate(ahead, start=2):
        again = Pairings(paths, paths, 32, 3, seed=1).at(step)
        assert torch.equal(pairing.photos, again.photos)
        assert torch.equal(pairing.paintings, again.paintings)
    assert not torch.equal(ahead[0].photos, ahead[1].photos)
    assert ahead[0].photos.shape == (3, 3, 32, 32)


def test_another_file_is_no_painter(pictures: Path) -> None:
    other = Path(__file__).parents[1] / "src/impasto/data/colorizer.safetensors"
    with pytest.raises(WeightsError, match="holds no painter"):
        load_painter(other)
