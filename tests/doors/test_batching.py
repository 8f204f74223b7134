"""impasto batch as a person meets it."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from impasto.batch import Ended, open_ledger
from impasto.cli import main
from impasto.cli.batching import planned
from impasto.media.picture import read_picture, read_recipe
from impasto.options import QueueOptions, StylizeOptions
from impasto.server.sending import have_painted
from tests.served import opened, process

MakePicture = Callable[..., Path]
QUICK = ["--size", "64", "--steps", "2", "-o", "out"]


@pytest.fixture
def photos(picture_file: MakePicture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("photos/sub").mkdir(parents=True)
    for name, size in (("a.png", (64, 48)), ("b.png", (40, 80)), ("sub/a.png", (96, 64))):
        picture_file("photo", f"photos/{name}", size)
    return Path("photos")


def made() -> list[str]:
    return sorted(path.as_posix() for path in Path("out").rglob("*.*") if not path.name.startswith("."))


def test_a_folder_and_a_style_are_all_it_takes(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["batch", "photos", "scream", *QUICK]) == 0
    assert made() == ["out/a.png", "out/b.png"]
    assert "2 painted" in capsys.readouterr().err
    assert main(["batch", "photos", "scream", *QUICK, "--recursive"]) == 0
    assert made() == ["out/a.png", "out/b.png", "out/sub/a.png"]
    assert "1 painted, 2 done before" in capsys.readouterr().err


def test_a_batch_paints_what_single_commands_paint(photos: Path) -> None:
    assert main(["batch", "photos", "scream", *QUICK, "--quiet"]) == 0
    assert main(["photos/b.png", "scream", *QUICK[:-1], "single.png", "--quiet"]) == 0
    assert Path("single.png").read_bytes() == Path("out/b.png").read_bytes()


def test_photos_by_styles_in_the_format_that_is_asked_for(photos: Path) -> None:
    words = ["--style", "scream", "--style", "sunrise", "--format", "jpeg"]
    assert main(["batch", "photos", *words, *QUICK, "--quiet"]) == 0
    assert made() == ["out/scream/a.jpg", "out/scream/b.jpg", "out/sunrise/a.jpg", "out/sunrise/b.jpg"]
    assert main(["batch", "photos", *words, "--blend", *QUICK[:-1], "blended", "--quiet"]) == 0
    assert [path.name for path in sorted(Path("blended").glob("*.jpg"))] == ["a.jpg", "b.jpg"]


def test_a_failure_is_told_and_the_rest_is_painted(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (photos / "a.png").write_text("This is no picture.")
    assert main(["batch", "photos", "scream", *QUICK]) == 3
    assert made() == ["out/b.png"]
    err = capsys.readouterr().err
    assert "failed: photos/a.png" in err
    assert "1 painted, 1 failed" in err


def test_a_batch_speaks_json(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (photos / "a.png").write_text("This is no picture.")
    assert main(["batch", "photos", "scream", *QUICK, "--json"]) == 3
    out, err = capsys.readouterr()
    assert err == ""
    events = [json.loads(line) for line in out.splitlines()]
    assert [event["event"] for event in events] == ["failed", "progress", "progress", "painted", "summary"]
    assert events[0]["photo"] == "photos/a.png"
    assert events[-2]["output"] == "out/b.png"
    assert events[-1]["failed"] == 1


def test_a_contact_sheet_shows_every_photo_beside_its_paintings(
    photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--style", "scream", "--style", "sunrise", "--contact-sheet", "out/sheet.png"]
    (photos / "a.png").write_text("This is no picture.")
    assert main(["batch", "photos", *words, *QUICK, "--recursive", "--quiet"]) == 3
    assert capsys.readouterr().err.count("failed: photos/a.png") == 2
    width, height = read_picture(Path("out/sheet.png")).size_px
    assert width > 6 * 240
    assert height < 2 * 240


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["photos", *QUICK], "name photos and a style"),
        (["photos", "scream", "-o", "photos"], "holds the photos"),
        (["photos", "starry-nite", *QUICK], "did you mean starry-night?"),
        (["photos", "scream", "-o", "photos/a.png"], "photos/a.png is no place for paintings"),
        (["photos", "scream", *QUICK, "--contact-sheet", "photos/a.png"], "--contact-sheet"),
        (["photos", "scream", *QUICK, "--contact-sheet", "sheet.txt"], "sheet.txt"),
        (["photos", "scream"], "--output"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_2(
    photos: Path, capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    assert main(["batch", *words]) == 2
    err = capsys.readouterr().err
    assert says in err
    assert err.count("\n") == 1
    assert made() == []


def test_interrupting_leaves_only_what_is_done_and_says_how_to_go_on(photos: Path) -> None:
    words = ["batch", "photos", "scream", "--size", "64", "--steps", "9999", "-o", "out", "--json"]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # what is ignored here, a child ignores
    child = subprocess.Popen([sys.executable, "-m", "impasto", *words], stdout=subprocess.PIPE, text=True)
    signal.signal(signal.SIGINT, before)
    assert child.stdout is not None
    child.stdout.readline()
    child.send_signal(signal.SIGINT)
    *_, last = child.stdout
    child.stdout.close()
    assert child.wait(30) == 130
    assert json.loads(last) == {"event": "error", "message": "interrupted", "exit_code": 130}
    assert list(Path("out").iterdir()) == []


def test_a_fleet_paints_a_batch_and_the_same_command_finds_it(
    photos: Path, picture_file: MakePicture, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("photos/c.png").write_text("This is no picture.")
    picture_file("photo", "photos/painting.png")  # the name of a job's own file
    words = ["batch", "photos", "scream", *QUICK, "--store", "store", "--json"]
    with opened(Path("store")) as jobs, process(jobs, "one"):
        assert main(words) == 3
        told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        outcomes = {line["photo"]: line for line in told if line["event"] in {"painted", "failed"}}
        assert [outcomes[f"photos/{name}.png"]["event"] for name in "abc"] == ["painted", "painted", "failed"]
        assert outcomes["photos/c.png"]["message"].startswith("c.png is no picture of a known format")
        assert made() == ["out/a.png", "out/b.png", "out/painting.png"]
        assert jobs.list("command-line", 10, 0) == []
    assert main(["photos/b.png", "scream", *QUICK[:-1], "single.png", "--quiet"]) == 0
    assert (read_picture(Path("single.png")).rgb == read_picture(Path("out/b.png")).rgb).all()
    recipe = json.loads(read_recipe(Path("out/b.png")) or "")
    assert recipe["task"]["photo"] == "b.png"
    assert main(["batch", "photos", "scream", *QUICK]) == 3
    assert "3 done before, 1 failed" in capsys.readouterr().err


def test_a_batch_that_was_left_in_the_queue_is_brought_home_later(photos: Path) -> None:
    options = StylizeOptions(size=64, steps=2)
    tasks = planned([photos, Path("scream")], (), Path("out"), options, blend=False, recursive=False)
    queue = QueueOptions(store="store")
    with opened(Path("store")) as jobs, process(jobs, "one"):
        next(have_painted(tasks, open_ledger(Path("out")), queue))
        events = list(have_painted(tasks, open_ledger(Path("out")), queue))
        assert jobs.list("command-line", 10, 0) == []
    assert [event.outcome for event in events if isinstance(event, Ended)][-1] == "painted"
    assert made() == ["out/a.png", "out/b.png"]
