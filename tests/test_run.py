from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydantic
import pytest
from PIL import ExifTags, Image

import impasto
from impasto.errors import ResourceError, StyleError
from impasto.methods.pace import SETTLING_STEPS, Deadline
from impasto.networks.vgg import layer_names
from impasto.networks.weights import vgg_weights
from impasto.options import StylizeOptions
from impasto.recipes import recipe_in
from impasto.run import run
from impasto.studio import Studio
from impasto.tasks import Progress, Result, StyleChoice, StylizeTask

MakePicture = Callable[..., Path]


def test_a_painting_tells_its_progress_and_ends_with_a_result(picture_file: MakePicture) -> None:
    events = list(impasto.painting(picture_file("photo"), "great-wave", size=128, rungs=2, steps=6))
    *steps, result = events
    assert isinstance(result, Result)
    assert result.rgb.shape == (96, 128, 3)
    assert [step.step for step in steps if isinstance(step, Progress)] == [1, 2, 3, 4, 5, 6]
    last = steps[-1]
    assert isinstance(last, Progress)
    assert last.eta_s == 0
    assert last.preview().shape == (96, 128, 3)
    assert result.report["recipe"]["task"]["options"]["precision"] in {"float32", "bfloat16"}


def test_nothing_is_written_without_an_output(picture_file: MakePicture, tmp_path: Path) -> None:
    photo = picture_file("photo")
    result = impasto.stylize(photo, "great-wave", size=64, steps=1)
    assert list(tmp_path.iterdir()) == [photo]
    assert 0 <= result.rgb.min() <= result.rgb.max() <= 1


def test_a_studio_serves_several_paintings(picture_file: MakePicture) -> None:
    photo, studio = picture_file("photo"), Studio()
    first, second = (impasto.stylize(photo, "scream", studio=studio, size=64, steps=1).rgb for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_more_strength_is_further_from_the_photo(picture_file: MakePicture) -> None:
    photo = picture_file("photo")
    original = impasto.stylize(photo, "scream", size=64, strength=0).rgb
    away = [
        float(
            np.abs(
                impasto.stylize(photo, "scream", size=64, steps=20, strength=strength).rgb - original
            ).mean()
        )
        for strength in (0.1, 0.3, 0.5)
    ]
    assert 0 < away[0] < 0.8 * away[1] < 0.8 * away[2]


def test_an_option_out_of_range_is_refused(picture_file: MakePicture) -> None:
    with pytest.raises(pydantic.ValidationError, match="strength"):
        impasto.stylize(picture_file("photo"), "scream", strength=7)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"time": "soon"}, "must be a time like 30s"),
        ({"time": "-3s"}, "must be a time like 30s"),
        ({"time": 0}, "greater than 0"),
        ({"time": 5, "steps": 5}, "leave one out"),
        ({"memory": "4"}, "must be an amount of memory like 4GB"),
    ],
)
def test_times_and_memory_that_are_none_are_refused(options: dict[str, str], complaint: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=complaint):
        StylizeOptions.model_validate(options)


def test_a_time_and_memory_may_be_words_or_numbers() -> None:
    assert StylizeOptions(time="0.5m", memory="4GB") == StylizeOptions(time=30, memory=4e9)


def test_no_step_begins_after_the_time_is_over(picture_file: MakePicture) -> None:
    photo = picture_file("photo", size=(256, 192))
    events = list(impasto.painting(photo, "great-wave", size=256, time=4, rungs=1))
    steps = [event for event in events if isinstance(event, Progress)]
    assert isinstance(events[-1], Result)
    assert events[-1].seconds > 3
    assert events[-1].report["recipe"]["steps"] == [len(steps)]
    # A machine that is too busy for the fewest steps says so.
    assert steps[-2].seconds < 4 or any("longer than asked" in note for note in events[-1].notes)


def test_too_little_time_is_told_at_once_and_painted_all_the_same(picture_file: MakePicture) -> None:
    events = list(impasto.painting(picture_file("photo"), "great-wave", size=128, time=0.01))
    notes = [event.note for event in events if isinstance(event, Progress) and event.note]
    assert len(notes) == 1
    assert "longer than asked" in notes[0]
    assert isinstance(events[-1], Result)


class TooShort(Deadline):
    """A time in which the ladder cannot be climbed; there is room for a draft and, perhaps, four steps."""

    room = True

    def lateness(self, rung: int, steps: int) -> float:
        return float(rung == 0 and steps == SETTLING_STEPS)

    def late_with(self, top_steps: float, *_: int) -> float:
        return float(top_steps > 1 and not self.room)

    def enough(self, rung: int, steps: int) -> bool:
        return (rung, len(self.least), steps) == (0, 1, 4)


@pytest.mark.parametrize(
    ("room", "steps", "settled"),
    [
        (True, [4], {"start": "draft", "rungs": 1, "content_weight": 4 * 1.5, "time": 60, "quality": "good"}),
        (False, [0], {"start": "recolored", "content_weight": 1.5, "time": None, "quality": "draft"}),
    ],
)
def test_in_too_little_time_for_the_ladder_a_draft_is_painted_on(
    room: bool,
    steps: list[int],
    settled: dict[str, object],
    picture_file: MakePicture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("impasto.run.Deadline", TooShort)
    monkeypatch.setattr(TooShort, "room", room)
    out = tmp_path / "out.png"
    result = impasto.stylize(
        picture_file("photo", size=(512, 384)),
        "great-wave",
        size=512,
        time=60,
        content_weight=1.5,
        output=out,
    )
    recipe = result.report["recipe"]
    assert recipe["steps"] == steps
    assert recipe["task"]["options"] | settled == recipe["task"]["options"]
    task, kept = recipe_in(out)
    *_, again = run(task, steps=kept)
    assert isinstance(again, Result)
    np.testing.assert_array_equal(again.rgb, result.rgb)


def test_where_the_ladder_is_asked_for_it_is_climbed(
    picture_file: MakePicture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("impasto.run.Deadline", TooShort)
    result = impasto.stylize(picture_file("photo"), "great-wave", size=128, time=60, rungs=1, start="photo")
    assert result.report["recipe"]["steps"] == [4]
    assert result.report["recipe"]["task"]["options"]["start"] == "photo"


def test_a_bound_on_memory_changes_the_picture_little(picture_file: MakePicture) -> None:
    photo = picture_file("photo", size=(600, 420))
    roomy, bound = (
        impasto.stylize(photo, "great-wave", size=600, steps=6, precision="float32", memory=memory).rgb
        for memory in (None, "1.4GB")
    )
    assert 0 < np.abs(roomy - bound).mean() < 0.06


def test_no_memory_at_all_is_refused(picture_file: MakePicture) -> None:
    with pytest.raises(ResourceError, match="use --memory 2GB or more"):
        impasto.stylize(picture_file("photo"), "great-wave", memory="100MB")


def test_a_card_of_another_network_is_refused(picture_file: MakePicture, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    weights = vgg_weights()
    tensors = {name: tensor.float() * 1.01 for name, tensor in weights.tensors.items()}
    tensors["scales"] = torch.ones(len(layer_names("vgg16")))
    other = tmp_path / "other.safetensors"
    save_file(tensors, other, {"mean": "[0.5, 0.5, 0.5]", "std": "[0.5, 0.5, 0.5]", "architecture": "vgg16"})
    with pytest.raises(StyleError, match="use the painting itself"):
        impasto.stylize(picture_file("photo"), "scream", weights=other, size=64)
    impasto.stylize(picture_file("photo"), picture_file("dots"), weights=other, size=64, steps=1)


@pytest.mark.parametrize(
    ("text", "source", "weight"),
    [
        ("klimt.jpg:0.3", "klimt.jpg", 0.3),
        ("starry-night", "starry-night", 1),
        ("C:\\a.jpg", "C:\\a.jpg", 1),
        ("a:b", "a:b", 1),
    ],
)
def test_a_style_choice_reads_its_share(text: str, source: str, weight: float) -> None:
    choice = StyleChoice.model_validate(text)
    assert (choice.source, choice.weight) == (source, weight)


def test_a_task_survives_json() -> None:
    task = StylizeTask(
        photo=Path("a.jpg"), styles=(StyleChoice(source="b.jpg", weight=0.5),), output=Path("c.png")
    )
    assert StylizeTask.model_validate_json(task.model_dump_json()) == task


@pytest.mark.parametrize("strip_gps", [False, True])
def test_the_place_comes_through_unless_it_should_not(tmp_path: Path, strip_gps: bool) -> None:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (48.0, 31.0, 12.0)
    Image.new("RGB", (64, 48)).save(tmp_path / "a.jpg", exif=exif)
    impasto.stylize(
        tmp_path / "a.jpg", "great-wave", output=tmp_path / "b.webp", steps=1, strip_gps=strip_gps
    )
    with Image.open(tmp_path / "b.webp") as painted:
        assert (ExifTags.IFD.GPSInfo in painted.getexif()) != strip_gps


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_picture_of_nothing_is_painted_on_too(tmp_path: Path, level: int) -> None:
    Image.new("RGB", (64, 48), (level, level, level)).save(tmp_path / "flat.png")
    result = impasto.stylize(tmp_path / "flat.png", "great-wave", steps=20)
    assert result.notes == ()
    assert result.rgb.std() > 0.05
