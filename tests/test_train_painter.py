from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from impasto.errors import OptionError, WeightsError
from impasto.methods.fast import paint
from impasto.methods.styles import measure
from impasto.networks.fetch import fetch_model
from impasto.networks.painter_weights import load_painter
from impasto.networks.vgg import Vgg
from impasto.options import TrainPainterOptions
from impasto.pairings import Pairings, ahead, turned
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
    read = list(ahead(pairings.at, 2, 9, readers=2))
    assert len(read) == 7
    for step, pairing in enumerate(read, start=2):
        again = Pairings(paths, paths, 32, 3, seed=1).at(step)
        assert torch.equal(pairing.photos, again.photos)
        assert torch.equal(pairing.paintings, again.paintings)
    assert not torch.equal(read[0].photos, read[1].photos)
    assert read[0].photos.shape == (3, 3, 32, 32)


def test_another_file_is_no_painter(pictures: Path) -> None:
    other = Path(__file__).parents[1] / "src/impasto/data/colorizer.safetensors"
    with pytest.raises(WeightsError, match="holds no painter"):
        load_painter(other)


def test_photos_and_paintings_are_turned_alike() -> None:
    pictures = torch.arange(2 * 3 * 4 * 4).view(2, 3, 4, 4)
    as_they_are, over = turned(pictures, [0, 1])
    assert torch.equal(as_they_are, pictures[0])
    assert torch.equal(over, pictures[1].mT.flip(1))
    assert torch.equal(turned(turned(pictures, [3, 2]), [1, 2]), pictures)


def test_a_painting_is_turned_as_the_photo_beside_it_is(tmp_path: Path) -> None:
    """Dark above, light below: which side of a crop is dark tells how it was turned."""
    for name in ("photo", "painting"):
        rows = np.repeat(np.linspace(0, 255, 60).astype(np.uint8)[:, None], 60, 1)
        Image.fromarray(np.stack([rows] * 3, 2)).save(tmp_path / f"{name}.png")
    pairings = Pairings([tmp_path / "photo.png"], [tmp_path / "painting.png"], 32, 16, seed=0)

    def darkest(picture: torch.Tensor) -> int:
        x = picture.float()
        sides = [x[:, 0].mean(), x[:, :, 0].mean(), x[:, -1].mean(), x[:, :, -1].mean()]
        return min(range(4), key=lambda side: sides[side].item())

    found = [[darkest(one) for one in pictures] for pictures in pairings.at(0)]
    assert found[0] == found[1]
    assert set(found[0]) == {0, 1, 2, 3}


def test_a_training_goes_on_from_another_painter(pictures: Path) -> None:
    fresh = train(task_in(pictures, "fresh"))
    bundled = train(task_in(pictures, "bundled", TINY.model_copy(update={"weights": "bundled"})))
    assert bundled[0] != fresh[0]
    file = fetch_model("painter")
    by_file = train(task_in(pictures, "by file", TINY.model_copy(update={"weights": file})))
    assert by_file == bundled
    taught_on = pictures / "by file/painter.safetensors"
    assert taught_on.read_bytes() == (pictures / "bundled/painter.safetensors").read_bytes()
    assert load_painter(file).sha256.encode() in taught_on.read_bytes()
    with pytest.raises(WeightsError, match="holds no painter"):
        train(task_in(pictures, "wrong", TINY.model_copy(update={"weights": fetch_model("vgg16")})))
