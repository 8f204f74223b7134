"""The command line as a person meets it: words in, a picture or one sentence out."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from impasto.cli import main
from impasto.cli.painting import stop_on_interrupt
from impasto.media.picture import Picture, read_picture, read_recipe, write_picture
from tests.clips import make_film, moving_square

MakePicture = Callable[..., Path]
QUICK = ["--size", "64", "--steps", "2", "--quiet"]


@pytest.fixture
def photo(picture_file: MakePicture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return picture_file("photo")


def complaint(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    before = set(Path().rglob("*"))
    assert main(list(words)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("impasto: ")
    assert err.count("\n") == 1
    assert set(Path().rglob("*")) == before
    return err


def test_a_photo_and_a_built_in_style_are_all_it_takes(photo: Path) -> None:
    assert main([photo.name, "starry-night", *QUICK]) == 0
    assert main([photo.name, "starry-night", *QUICK]) == 0
    assert read_picture(Path("photo-starry-night.png")).size_px == (64, 48)
    assert Path("photo-starry-night-2.png").exists()


def test_the_result_has_taken_on_the_style(photo: Path, picture_file: MakePicture) -> None:
    picture_file("dots")
    assert (
        main([photo.name, "dots.png", "--size", "64", "--steps", "30", "-o", "out.png", "--report", "r.json"])
        == 0
    )
    rungs = json.loads(Path("r.json").read_text())["rungs"]
    assert rungs[-1]["last_loss"] < 0.7 * rungs[-1]["first_loss"]


def test_the_same_seed_makes_the_same_bytes(photo: Path) -> None:
    for name in ("a.png", "b.png"):
        assert main([photo.name, "great-wave", *QUICK, "--start", "noise", "--seed", "7", "-o", name]) == 0
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()


@pytest.mark.parametrize("name", ["out.png", "out.jpg", "out.webp", "out.tif"])
def test_a_picture_is_made_again_from_its_recipe(photo: Path, name: str) -> None:
    assert main([photo.name, "scream", "sunrise:0.3", *QUICK, "-o", name]) == 0
    assert main(["rerun", name, "-o", f"again-{name}", "--quiet"]) == 0
    assert Path(name).read_bytes() == Path(f"again-{name}").read_bytes()
    recipe = json.loads(read_recipe(Path(name)) or "")
    assert recipe["task"]["styles"] == ["scream", "sunrise:0.3"]


def test_files_of_one_name_in_several_folders_are_told_apart(photo: Path, picture_file: MakePicture) -> None:
    for folder, kind in (("a", "photo"), ("b", "dots")):
        Path(folder).mkdir()
        picture_file(kind, f"{folder}/1.png")
    assert main(["a/1.png", "b/1.png", *QUICK, "-o", "out.png"]) == 0
    assert main(["rerun", "out.png", "-o", "again.png", "--quiet"]) == 0
    assert Path("out.png").read_bytes() == Path("again.png").read_bytes()


def test_a_photo_that_lies_beside_the_picture_is_found(photo: Path, picture_file: MakePicture) -> None:
    assert main([photo.name, "scream", *QUICK, "-o", "out.png"]) == 0
    Path("kept").mkdir()
    for name in (photo.name, "out.png"):
        Path(name).rename(Path("kept") / name)
    picture_file("stripes", photo.name)  # a stranger of the same name where the photo was
    assert main(["rerun", "kept/out.png", "-o", "again.png", "--quiet"]) == 0


def test_a_recipe_whose_photo_has_changed_is_refused(
    photo: Path, picture_file: MakePicture, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([photo.name, "scream", *QUICK, "-o", "out.png"]) == 0
    picture_file("stripes", "photo.png")
    assert "is not the file" in complaint(capsys, "rerun", "out.png")
    photo.unlink()
    assert "which is gone" in complaint(capsys, "rerun", "out.png")
    picture_file("stripes", "other.png")
    assert "carries no recipe" in complaint(capsys, "rerun", "other.png")


def test_a_grey_photo_is_colored_and_made_again(sample_grey: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(sample_grey.parent)
    words = ["colorize", "grey.png", "--looks", "1", "--hint", "20,10,#4060c0", "--reference", "grey.png"]
    assert main([*words, "--report", "r.json", "--quiet"]) == 0
    assert main(["rerun", "grey-color.png", "-o", "again.png", "--quiet"]) == 0
    assert Path("grey-color.png").read_bytes() == Path("again.png").read_bytes()
    assert json.loads(Path("r.json").read_text())["recipe"]["task"]["verb"] == "colorize"


def test_a_photo_is_colored_and_repainted_in_one_go(
    sample_grey: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(sample_grey.parent)
    words = ["colorize", "grey.png", "--looks", "1", "--style", "scream", "--style", "sunrise:0.5"]
    assert main([*words, "--painting.size", "64", "--painting.steps", "2", "-o", "out.png", "--quiet"]) == 0
    assert read_picture(Path("out.png")).size_px == (64, 43)
    assert main(["rerun", "out.png", "-o", "again.png", "--quiet"]) == 0
    assert Path("out.png").read_bytes() == Path("again.png").read_bytes()


def test_a_film_is_colored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_film(Path("old.mp4"), [moving_square(number) for number in range(2)])
    words = ["--coloring.looks", "1", "--coloring.size", "64", "--report", "r.json", "--quiet"]
    assert main(["video", "old.mp4", "--colorize", *words]) == 0
    assert Path("old-color.mp4").exists()
    assert json.loads(Path("r.json").read_text())["error_of"] == "ab"


def test_a_film_wants_a_style_or_colours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    make_film(Path("old.mp4"), [moving_square(0)])
    assert "--colorize" in complaint(capsys, "video", "old.mp4")
    assert "add --colorize" in complaint(capsys, "video", "old.mp4", "scream", "--coloring.looks", "1")
    assert "--coloring.size" in complaint(capsys, "video", "old.mp4", "--colorize", "--size", "64")
    assert "--strength" in complaint(capsys, "video", "old.mp4", "--colorize", "--strength", "0.4")
    words = ("video", "old.mp4", "--colorize", "--coloring.reference", "none.jpg")
    assert "none.jpg" in complaint(capsys, *words)


def test_transparency_comes_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rgba = np.full((48, 64, 4), 255, np.uint8)
    rgba[:, :32, 3] = 0
    Image.fromarray(rgba).save("logo.png")
    assert main(["logo.png", "senecio", *QUICK, "-o", "out.png"]) == 0
    alpha = read_picture(Path("out.png")).alpha
    assert alpha is not None
    assert alpha[0, 0] == 0
    assert alpha[0, -1] == 1


def test_sixteen_bits_come_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    fine = np.linspace(0, 1, 64 * 48 * 3, dtype=np.float32).reshape(48, 64, 3)
    write_picture(Path("fine.png"), Picture(fine, None, sixteen_bit=True))
    assert main(["fine.png", "senecio", *QUICK, "-o", "out.png"]) == 0
    painted = read_picture(Path("out.png"))
    assert painted.sixteen_bit
    assert len(np.unique(np.rint(painted.rgb * 65535))) > 256


def test_strength_nothing_is_the_photo(photo: Path) -> None:
    assert main([photo.name, "scream", "--quiet", "--strength", "0", "-o", "out.png"]) == 0
    np.testing.assert_array_equal(read_picture(Path("out.png")).rgb, read_picture(photo).rgb)


def test_a_style_card_is_saved_shown_and_painted_with(
    photo: Path, picture_file: MakePicture, capsys: pytest.CaptureFixture[str]
) -> None:
    picture_file("dots", size=(300, 200))
    assert main(["style", "save", "dots.png", "-o", "dots.style", "--artist", "Nobody"]) == 0
    assert main(["style", "show", "dots.style"]) == 0
    assert "Nobody" in capsys.readouterr().out
    assert main(["style", "show", "great-wave"]) == 0
    assert "400 steps" in capsys.readouterr().out
    assert main([photo.name, "dots.style", *QUICK, "-o", "out.png"]) == 0


def test_lists_name_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["style", "list"]) == 0
    assert "starry-night" in capsys.readouterr().out
    assert main(["models", "list"]) == 0
    assert "vgg19" in capsys.readouterr().out
    assert main(["models", "verify"]) == 0
    assert main(["models", "path", "vgg16"]) == 0


def test_compare_sees_transparent_pictures_as_on_paper(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    picture_file: MakePicture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    picture_file("dots")
    with Image.open(picture_file("photo")) as photo:
        photo.putalpha(100)
        photo.save("logo.png")
    assert main(["compare", "logo.png", "dots.png", "logo.png"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[1:3] == ["1.000", "0.000"]


def test_compare_tells_the_photo_from_the_style(
    photo: Path, picture_file: MakePicture, capsys: pytest.CaptureFixture[str]
) -> None:
    picture_file("dots")
    assert main(["compare", "photo.png", "dots.png", "photo.png", "dots.png"]) == 0
    rows = [line.split()[1:] for line in capsys.readouterr().out.splitlines()[1:3]]
    assert rows[0] == ["1.000", "0.000", "1.000", "0.000", "0.0"]
    assert rows[1][:4] == ["0.000", "1.000", "0.000", "1.000"]
    assert float(rows[1][4]) > 10


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nowhere.jpg", "scream"], "nowhere.jpg"),
        (["text.jpg", "scream"], "text.jpg"),
        (["cut.jpg", "scream"], "cut.jpg"),
        (["empty.jpg", "scream"], "empty.jpg"),
        (["folder", "scream"], "folder"),
        (["dot.png", "scream"], "too narrow to paint on"),
        (["photo.png"], "name a style"),
        (["photo.png", "starry-nite"], "did you mean starry-night?"),
        (["photo.png", "text.jpg"], "text.jpg"),
        (["photo.png", "dot.png"], "too small to take a style from"),
        (["photo.png", "scream", "-o", "nowhere/out.png"], "nowhere"),
        (["photo.png", "scream", "-o", "folder"], "folder"),
        (["photo.png", "scream", "-o", "out.xyz"], "suffix"),
        (["photo.png", "scream", "-o", "photo.png"], "also an input"),
        (["photo.png", "scream", "--report", "nowhere/r.json"], "--report"),
        (["photo.png", "scream", "--report", "folder"], "--report"),
        (["photo.png", "scream", "--report", "photo.png"], "also an input"),
        (["photo.png", "scream", "-o", "o.png", "--report", "o.png"], "--report"),
        (["photo.png", "scream", "--content-weight", "0", "--style-weight", "0"], "has any weight"),
        (["photo.png", "scream", "--size", "0"], "--size must be greater than or equal to 16, not 0"),
        (["photo.png", "scream", "--strength", "7"], "--strength must be less than or equal to 1, not 7"),
        (["photo.png", "scream", "--strength", "much"], "--strength must be a valid number"),
        (["photo.png", "scream", "--optimizer", "newton"], "--optimizer"),
        (["photo.png", "scream", "--sise", "64"], "--size"),
        (["photo.png", "scream:-1"], "scream:-1 has a share that is none"),
        (["photo.png", "scream", "--weights", "text.jpg"], "text.jpg"),
        (["photo.png", "scream", "--max-pixels", "100"], "--max-pixels"),
        (["style", "show", "photo.png"], "no style card"),
        (["style", "save", "photo.png", "-o", "card.txt"], ".style"),
        (["models", "fetch", "vgg11"], "vgg11"),
        (["compare", "photo.png", "dots.png"], "name the paintings"),
        (["nowhere.jpg", "scream"], "There is no file nowhere.jpg"),
        (["colorise", "photo.png"], "did you mean impasto colorize?"),
        (["rerun", "nowhere.png"], "nowhere.png"),
        (["colorize", "nowhere.jpg"], "nowhere.jpg"),
        (["colorize", "cut.jpg"], "cut.jpg"),
        (["colorize", "photo.png", "-o", "photo.png"], "also an input"),
        (["colorize", "photo.png", "--reference", "dots.png", "-o", "dots.png"], "also an input"),
        (["colorize", "photo.png", "--reference", "text.jpg"], "text.jpg"),
        (["colorize", "photo.png", "--hint", "red"], "--hint"),
        (["colorize", "photo.png", "--hint", "999,1,#ff0000"], "lies outside of the picture"),
        (["colorize", "photo.png", "--weights", "text.jpg"], "no file of weights"),
        (["colorize", "photo.png", "--temperature", "2"], "--temperature"),
        (["colorize", "photo.png", "--style", "starry-nite"], "did you mean starry-night?"),
        (["train", "colorizer", "--photos", "folder", "-o", "out"], "too few to train on"),
        (
            ["train", "painter", "--photos", "folder", "--paintings", "folder", "-o", "out"],
            "too few to train on",
        ),
        (["train", "style", "scream", "--photos", "folder", "-o", "out.style"], "too few to train on"),
        (["train", "style", "scream", "--photos", "folder", "-o", "out.png"], "ends in .style"),
        (["train", "style", "dots.png", "--photos", "folder", "-o", "out.style"], "impasto style save"),
    ],
)
def test_a_mistake_is_one_sentence_exit_2_and_nothing_written(
    photo: Path, picture_file: MakePicture, capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    picture_file("dots")
    Path("text.jpg").write_text("This is no picture.")
    Path("empty.jpg").touch()
    Path("folder").mkdir()
    Path("cut.jpg").write_bytes(picture_file("stripes", "whole.jpg").read_bytes()[:1000])
    Image.new("RGB", (1, 1)).save("dot.png")
    assert says in complaint(capsys, *words)


def test_interrupting_keeps_the_painting_so_far(photo: Path) -> None:
    screen, terminal = os.openpty()
    words = [photo.name, "scream", "--size", "128", "--steps", "9999", "-o", "out.png", "--report", "r.json"]
    child = subprocess.Popen([sys.executable, "-m", "impasto", *words], stderr=terminal)
    os.close(terminal)
    seen = b""
    while b" left" not in seen:
        seen += os.read(screen, 1000)
    child.send_signal(signal.SIGINT)
    with suppress(OSError):  # how Linux says that the terminal is no longer written to
        while os.read(screen, 1000):
            pass
    os.close(screen)
    assert child.wait(30) == 0
    assert read_picture(Path("out.png")).size_px == (128, 96)
    assert json.loads(Path("r.json").read_text())["rungs"][0]["steps"] < 9999
    assert main(["rerun", "out.png", "-o", "again.png", "--quiet"]) == 0
    assert Path("out.png").read_bytes() == Path("again.png").read_bytes()


def test_interrupting_before_there_is_a_painting_gives_up() -> None:
    with pytest.raises(KeyboardInterrupt), stop_on_interrupt():
        signal.raise_signal(signal.SIGINT)


def test_importing_and_asking_for_help_load_no_torch() -> None:
    script = (
        "import sys, impasto, impasto.tasks, impasto.media.picture; from impasto.cli import main;"
        "[main(words.split()) for words in ('--help', 'batch --help', 'doctor --help', 'completion bash')];"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    quiet = subprocess.run([sys.executable, "-c", "import impasto"], check=True, capture_output=True)
    assert quiet.stdout == quiet.stderr == b""
