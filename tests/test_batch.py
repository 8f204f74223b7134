"""A batch paints what is not done, and nothing else."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impasto.batch import Ended, Photo, Step, find_photos, open_ledger, paint_all, tasks_for
from impasto.errors import OptionError, PictureError, StyleError
from impasto.ledger import LEDGER_NAME, fingerprint
from impasto.options import StylizeOptions
from impasto.tasks import StyleChoice, StylizeTask

MakePicture = Callable[..., Path]
QUICK = StylizeOptions(size=64, steps=2, precision="float32")


def choices(*styles: str) -> list[list[StyleChoice]]:
    return [[StyleChoice.model_validate(style)] for style in styles]


@pytest.fixture
def photos(picture_file: MakePicture, tmp_path: Path) -> Path:
    """A folder of a.png, b.png and, below it, sub/a.png; sizes differ."""
    (tmp_path / "photos/sub").mkdir(parents=True)
    for name, size in (("a.png", (64, 48)), ("b.png", (40, 80)), ("sub/a.png", (96, 64))):
        picture_file("photo", f"photos/{name}", size)
    return tmp_path / "photos"


def planned(
    inputs: Sequence[Path], out: Path, *styles: str, recursive: bool = False, options: StylizeOptions = QUICK
) -> list[StylizeTask]:
    return tasks_for(find_photos(inputs, out, recursive=recursive), choices(*styles), out, options)


def names(tasks: Sequence[StylizeTask], out: Path) -> list[str]:
    return [task.output.relative_to(out).as_posix() for task in tasks if task.output]


def ended(events: Iterator[Step | Ended]) -> list[str]:
    return [event.outcome for event in events if isinstance(event, Ended)]


def painted(tasks: Sequence[StylizeTask], out: Path) -> list[str]:
    return ended(paint_all(tasks, open_ledger(out)))


def test_sub_folders_are_kept_and_styles_have_a_folder_each(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert names(planned([photos], out, "scream"), out) == ["a.png", "b.png"]
    assert names(planned([photos], out, "scream", recursive=True), out) == ["a.png", "b.png", "sub/a.png"]
    assert names(planned([photos / "a.png"], out, "scream", "sunrise"), out) == [
        "scream/a.png",
        "sunrise/a.png",
    ]


def test_no_two_paintings_have_one_name(photos: Path, picture_file: MakePicture, tmp_path: Path) -> None:
    out = tmp_path / "out"
    picture_file("photo", "photos/A.bmp")
    picture_file("photo", "photos/b.png.jpg")
    found = names(planned([photos], out, "scream"), out)
    assert found == ["A.bmp.png", "a.png.png", "b.png", "b.png.png"]
    both = names(planned([photos / "a.png", photos / "sub/a.png"], out, "scream"), out)
    assert both == ["a.png.png", "a.png-2.png"]
    (tmp_path / "more").mkdir()
    picture_file("photo", "more/a.png")
    assert names(planned([photos, tmp_path / "more"], out, "scream"), out)[-1] == "more/a.png"


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["a.jpg", "A.jpg", "a.png", "a.jpg.png", "a", "s/a.jpg", "a-2.jpg"]), max_size=9)
)
def test_names_stay_apart_whatever_the_photos_are_called(called: list[str]) -> None:
    photos = [Photo(Path(f"{number}"), Path(name)) for number, name in enumerate(called)]
    outputs = [task.output for task in tasks_for(photos, choices("scream"), Path("out"), QUICK)]
    assert len({str(output).casefold() for output in outputs}) == len(photos)


def test_a_photo_named_twice_is_painted_once(photos: Path, tmp_path: Path) -> None:
    assert len(planned([photos, photos / "a.png", photos], tmp_path / "out", "scream")) == 2


def test_paintings_and_hidden_files_are_no_photos(photos: Path, picture_file: MakePicture) -> None:
    out = photos / "painted"
    (photos / ".thumbs").mkdir()
    out.mkdir()
    for name in (".thumbs/a.png", ".hidden.png", "painted/old.png"):
        picture_file("photo", f"photos/{name}")
    (photos / "notes.txt").write_text("Buy milk.")
    assert len(planned([photos], out, "scream", recursive=True)) == 3


def test_photos_and_folders_that_are_none_are_refused(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="no file or folder"):
        planned([photos, tmp_path / "typo"], tmp_path / "out", "scream")
    (tmp_path / "empty").mkdir()
    with pytest.raises(OptionError, match="--recursive"):
        planned([tmp_path / "empty"], tmp_path / "out", "scream")
    with pytest.raises(OptionError, match="another folder"):
        planned([photos], photos, "scream")
    with pytest.raises(OptionError, match="is one of the photos"):
        planned([photos / "a.png"], photos, "scream")
    with pytest.raises(StyleError):
        painted(planned([photos], tmp_path / "out", "starry-nite"), tmp_path / "out")


def test_what_is_done_is_left_alone(photos: Path, picture_file: MakePicture, tmp_path: Path) -> None:
    out = tmp_path / "out"
    tasks = planned([photos], out, "scream")
    assert painted(tasks, out) == ["painted", "painted"]
    before = [path.stat().st_mtime_ns for path in sorted(out.glob("*.png"))]
    assert painted(tasks, out) == ["kept", "kept"]
    assert [path.stat().st_mtime_ns for path in sorted(out.glob("*.png"))] == before
    photos.rename(tmp_path / "moved")
    assert painted(planned([tmp_path / "moved"], out, "scream"), out) == ["kept", "kept"]
    (tmp_path / "moved").rename(photos)
    picture_file("dots", "photos/a.png")  # another photo of the same name
    assert painted(tasks, out) == ["kept", "painted"]
    (out / "b.png").write_bytes((out / "a.png").read_bytes())
    assert painted(tasks, out) == ["kept", "painted"]
    stronger = QUICK.model_copy(update={"strength": 0.8})
    assert painted(planned([photos], out, "scream", options=stronger), out) == ["painted", "painted"]


def test_one_failure_does_not_stop_the_rest(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (photos / "a.png").write_bytes((photos / "a.png").read_bytes()[:60])
    out.mkdir()
    (out / "strangers.png").touch()
    events = list(paint_all(planned([photos], out, "scream"), open_ledger(out)))
    failed, well = (event for event in events if isinstance(event, Ended))
    assert failed.outcome == "failed"
    assert "a.png is" in failed.message
    assert not failed.trace
    assert well.outcome == "painted"
    assert not (out / "a.png").exists()


def test_a_file_that_impasto_has_not_made_is_never_replaced(
    photos: Path, picture_file: MakePicture, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    mine = picture_file("dots", "out/a.png").read_bytes()
    assert painted(planned([photos], out, "scream"), out) == ["failed", "painted"]
    assert (out / "a.png").read_bytes() == mine


def test_a_damaged_ledger_costs_only_what_it_lost(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    tasks = planned([photos], out, "scream")
    painted(tasks, out)
    ledger = out / LEDGER_NAME
    ledger.write_text(ledger.read_text()[:-40])
    assert painted(tasks, out) == ["kept", "painted"]
    assert painted(tasks, out) == ["kept", "kept"]


def test_a_fingerprint_is_of_all_that_decides_the_pixels(photos: Path, picture_file: MakePicture) -> None:
    (task,) = planned([photos / "a.png"], photos / "out", "scream")
    same = [
        task.model_copy(update={"output": Path("elsewhere.png")}),
        task.model_copy(update={"options": QUICK.model_copy(update={"max_pixels": 10**6})}),
    ]
    other = [
        task.model_copy(update={"photo": photos / "b.png"}),
        task.model_copy(update={"styles": (StyleChoice(source="sunrise"),)}),
        task.model_copy(update={"options": QUICK.model_copy(update={"seed": 1})}),
    ]
    assert {fingerprint(one) for one in same} == {fingerprint(task)}
    assert len({fingerprint(one) for one in (task, *other)}) == 4


def test_time_left_shrinks_to_nothing(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    steps = [
        event
        for event in paint_all(planned([photos], out, "scream"), open_ledger(out))
        if isinstance(event, Step)
    ]
    assert [step.number for step in steps] == [1, 1, 2, 2]
    assert steps[0].eta_s > 0
    assert steps[-1].eta_s == 0
