"""Standard input and output, JSON lines, the config file, completion: impasto among other programs."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest
from PIL import Image

from impasto.cli import main
from impasto.media.files import standard_input
from impasto.media.picture import read_picture

MakePicture = Callable[..., Path]
Piped = Callable[..., tuple[int, bytes, bytes]]
QUICK = ["--size", "64", "--steps", "2"]


@pytest.fixture
def photo(picture_file: MakePicture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return picture_file("photo")


@pytest.fixture
def piped(photo: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]) -> Piped:
    def run(*words: str, given: bytes = b"") -> tuple[int, bytes, bytes]:
        standard_input.cache_clear()
        monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(given)))
        return main(list(words)), *capsysbinary.readouterr()

    return run


@pytest.mark.parametrize("format_", ["png", "jpeg", "webp", "tiff", "bmp", "avif"])
def test_a_picture_goes_in_and_out_through_pipes(photo: Path, piped: Piped, format_: str) -> None:
    words = ["-", "scream", *QUICK, "-o", "-", "--format", format_, "--strength", "0"]
    code, out, err = piped(*words, given=photo.read_bytes())
    assert code == 0
    with Image.open(BytesIO(out)) as picture:
        assert (picture.format, picture.size) == (format_.upper(), (64, 48))
    assert b"standard output  64 x 48" in err


def test_pipes_carry_the_same_bytes_as_files(photo: Path, piped: Piped) -> None:
    assert main(["photo.png", "scream", *QUICK, "-q", "-o", "whole.png"]) == 0
    assert piped("photo.png", "scream", *QUICK, "-q", "-o", "-") == (0, Path("whole.png").read_bytes(), b"")


def test_a_style_may_be_piped_too(photo: Path, piped: Piped) -> None:
    assert piped("photo.png", "-", *QUICK, "-q", given=photo.read_bytes())[0] == 0
    assert Path("photo-piped.png").exists()


def test_a_piped_photo_is_painted_again_when_it_is_piped_again(photo: Path, piped: Piped) -> None:
    _, first, _ = piped("-", "scream", *QUICK, "-q", "-o", "-", given=photo.read_bytes())
    Path("out.png").write_bytes(first)
    assert piped("rerun", "out.png", "-q", "-o", "-", given=photo.read_bytes()) == (0, first, b"")
    code, _, err = piped("rerun", "out.png", "-q", "-o", "-")
    assert code == 2
    assert b"pipe the same photo in again" in err


def test_nothing_and_nonsense_from_a_pipe_are_one_sentence(piped: Piped) -> None:
    for given in (b"", b"This is no picture."):
        code, out, err = piped("-", "scream", *QUICK, "-o", "-", given=given)
        assert code == 2
        assert out == b""
        assert err.startswith(b"impasto: ")
        assert err.count(b"\n") == 1


def test_a_terminal_is_no_place_for_a_picture(photo: Path) -> None:
    screen, terminal = os.openpty()
    command = [sys.executable, "-m", "impasto", "photo.png", "scream", *QUICK, "-o", "-"]
    done = subprocess.run(command, stdout=terminal, stderr=subprocess.PIPE, check=False)
    os.close(terminal)
    os.close(screen)
    assert done.returncode == 2
    assert b"is a terminal" in done.stderr


def test_a_reader_that_leaves_is_no_defect(photo: Path) -> None:
    command = [sys.executable, "-m", "impasto", "photo.png", "scream", *QUICK, "-q", "-o", "-"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.close()
    assert child.stderr.read() == b""
    child.stderr.close()
    assert child.wait() == 141


def events(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_json_tells_every_step_and_the_result(photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["photo.png", "scream", *QUICK, "-o", "out.png", "--json"]) == 0
    first, second, result = events(capsys)
    assert [first["step"], second["step"], second["eta_s"]] == [1, 2, 0]
    assert result["event"] == "result"
    assert result["output"] == "out.png"
    assert result["size_px"] == [64, 48]
    assert main(["photo.png", "scream", *QUICK, "-o", "out.png", "--json", "--quiet"]) == 0
    assert [event["event"] for event in events(capsys)] == ["result"]


def test_json_tells_of_mistakes(photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["photo.png", "starry-nite", "--json"]) == 2
    (error,) = events(capsys)
    assert error["event"] == "error"
    assert error["exit_code"] == 2
    assert "starry-night" in str(error["message"])
    assert main(["photo.png", "scream", "--json", "-o", "-"]) == 2
    assert main(["photo.png", "scream", "--size", "many", "--json"]) == 2


def test_json_tells_what_tables_tell(photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "photo.png", "photo.png", "photo.png", "--json"]) == 0
    (row,) = events(capsys)
    assert row == {
        "event": "comparison",
        "painting": "photo.png",
        "squeezenet": {"style": 0, "content": 0},
        "vgg16": {"style": 0, "content": 0},
        "color": 0,
    }
    assert main(["style", "list", "--json"]) == 0
    assert "starry-night" in {style["name"] for style in events(capsys)}
    assert main(["models", "list", "--json"]) == 0
    assert {"vgg16", "squeezenet", "vgg19"} <= {model["name"] for model in events(capsys)}


def test_verbose_tells_what_was_settled_on(photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["photo.png", "scream", *QUICK, "-o", "out.png", "-v", "--precision", "float32"]) == 0
    err = capsys.readouterr().err
    assert "vgg16 in float32 on" in err
    assert "64 x 48: 2 steps, loss" in err
    assert main(["photo.png", "scream", "-v", "-q"]) == 2


def test_the_config_file_gives_defaults_that_the_command_line_overrides(
    photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("mine.toml").write_text('size = 32\nsteps = 1\nformat = "bmp"\njpeg-quality = 40\n')
    assert main(["photo.png", "scream", "-q", "--config", "mine.toml"]) == 0
    assert read_picture(Path("photo-scream.bmp")).size_px == (32, 24)
    monkeypatch.setenv("IMPASTO_CONFIG", "mine.toml")
    assert main(["batch", "photo.png", "scream", "-q", "-o", "out", "--size", "48"]) == 0
    assert read_picture(Path("out/photo.bmp")).size_px == (48, 36)
    assert main(["photo.png", "scream", "-q", "--size", "32", "--time", "0.01", "-o", "timed.png"]) == 0
    monkeypatch.delenv("IMPASTO_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(Path("home").absolute()))
    assert main(["photo.png", "scream", *QUICK, "-q", "-o", "out.png"]) == 0
    Path("home/impasto").mkdir(parents=True)
    Path("mine.toml").rename("home/impasto/config.toml")
    assert main(["photo.png", "scream", "-q", "-o", "out.png"]) == 0
    assert read_picture(Path("out.png")).size_px == (32, 24)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("strenght = 0.3", "mine.toml sets strenght, which is no option; did you mean strength?"),
        ("strength = 7", "in mine.toml, strength must be less than or equal to 1, not 7"),
        ("size: 7", "mine.toml is no TOML"),
        (None, "mine.toml cannot be read"),
    ],
)
def test_a_config_file_with_a_mistake_is_one_sentence(
    photo: Path, capsys: pytest.CaptureFixture[str], text: str | None, says: str
) -> None:
    if text is not None:
        Path("mine.toml").write_text(text)
    assert main(["photo.png", "scream", "--config", "mine.toml"]) == 2
    err = capsys.readouterr().err
    assert says in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_completes_commands_and_options(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "batch" in script
    assert "strength" in script
