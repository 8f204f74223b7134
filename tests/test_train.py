from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import impasto
from impasto.errors import OptionError, PictureError
from impasto.methods.color_lessons import crop_lightness
from impasto.options import TrainColorizerOptions
from impasto.shelf import Shelf, is_held_out, photos_in
from impasto.tasks import TrainColorizerTask
from impasto.train import train_colorizer
from tests.conftest import drawn

TINY = TrainColorizerOptions(steps=4, batch=2, size=32, views=2, saved_every=2, device="cpu")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(14):
        shifted = np.roll(drawn("photo", 60, 40), 3 * number, 1)
        Image.fromarray(shifted).save(folder / f"{number}.png")
    Image.fromarray(drawn("photo", 60, 40)).convert("L").save(folder / "grey.png")
    return folder


def train(
    photos: Path, output: Path, stop_after: int = 99, options: TrainColorizerOptions = TINY
) -> list[float]:
    losses: list[float] = []
    task = TrainColorizerTask(photos=photos, output=output, options=options)
    for event in train_colorizer(task, lambda: len(losses) + 1 >= stop_after):
        if event.loss is not None:
            losses.append(event.loss)
    return losses


def test_training_writes_a_network_that_colors(photos: Path, tmp_path: Path, sample_grey: Path) -> None:
    out = tmp_path / "out"
    assert len(train(photos, out)) == 4
    assert {path.name for path in out.iterdir()} == {
        "checkpoint.pt",
        "colorizer.safetensors",
        "curve.png",
        "samples.png",
        "shelf",
    }
    assert (out / "colorizer.safetensors").stat().st_size < 8e6
    colored = impasto.colorize(sample_grey, weights=out / "colorizer.safetensors", size=64, looks=1)
    assert colored.rgb.shape == (107, 160, 3)


def test_an_interrupted_training_ends_with_the_same_network(photos: Path, tmp_path: Path) -> None:
    whole = train(photos, tmp_path / "whole")
    parts = train(photos, tmp_path / "parts", stop_after=3)
    assert len(parts) == 3
    parts += train(photos, tmp_path / "parts")
    assert parts == whole
    one, other = ((tmp_path / name / "colorizer.safetensors").read_bytes() for name in ("whole", "parts"))
    assert one == other


def test_another_training_in_the_same_folder_is_refused(photos: Path, tmp_path: Path) -> None:
    train(photos, tmp_path / "out")
    with pytest.raises(OptionError, match="give another folder"):
        train(photos, tmp_path / "out", options=TINY.model_copy(update={"steps": 5}))


def test_vgg_can_be_trained_too(photos: Path, tmp_path: Path, sample_grey: Path) -> None:
    options = TINY.model_copy(update={"steps": 1, "finetune": True, "loss": "regression"})
    train(photos, tmp_path / "out", options=options)
    weights = tmp_path / "out/colorizer.safetensors"
    impasto.colorize(sample_grey, weights=weights, size=64, looks=1)
    weights.unlink()


def test_a_folder_without_photos_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="too few to train on"):
        photos_in(tmp_path)


def test_held_out_and_grey_photos_are_not_trained_on(photos: Path, tmp_path: Path) -> None:
    paths = photos_in(photos)
    shelf = Shelf(tmp_path / "shelf", paths, views=2, size_px=32, seed=0)
    assert list(shelf.fill(None)) == list(range(1, 31))
    assert list(shelf.fill(None)) == []
    trained = {paths[row % 15].name for row in shelf.colorful(held_out=False)}
    measured = {paths[row].name for row in shelf.colorful(held_out=True)}
    assert "grey.png" not in trained | measured
    assert trained | measured == {path.name for path in paths} - {"grey.png"}
    assert measured == {path.name for path in paths if is_held_out(path)} - {"grey.png"}


def test_old_cameras_keep_what_is_lighter_lighter() -> None:
    lab = torch.zeros(1, 3, 32, 32)
    lab[:, 0, :, 16:] = 80
    light = crop_lightness(lab, torch.Generator().manual_seed(1))
    assert light.shape == (1, 1, 32, 32)
    assert 0 <= light.min() <= light.max() <= 100
    assert light[..., 20:].mean() > light[..., :12].mean() + 30
