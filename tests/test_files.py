import os
from pathlib import Path
from typing import BinaryIO

import pytest

from impasto.errors import OutputError, ResourceError
from impasto.media.files import sweep, write_whole


def half_then(failure: BaseException, file: BinaryIO) -> None:
    file.write(b"half")
    raise failure


def test_a_file_appears_with_all_its_bytes(tmp_path: Path) -> None:
    write_whole(tmp_path / "a", lambda file: file.write(b"all"))
    assert (tmp_path / "a").read_bytes() == b"all"
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize(
    ("failure", "raised"),
    [
        (OSError(28, "No space left on device"), OutputError),
        (ValueError("odd"), OutputError),
        (ResourceError("no memory"), ResourceError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, failure: BaseException, raised: type[BaseException]
) -> None:
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(raised):
        write_whole(tmp_path / "a", lambda file: half_then(failure, file))
    assert (tmp_path / "a").read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


def test_until_the_end_readers_see_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    seen: list[bytes] = []

    def write(file: BinaryIO) -> None:
        file.write(b"new")
        file.flush()
        seen.append((tmp_path / "a").read_bytes())

    write_whole(tmp_path / "a", write)
    assert seen == [b"old"]
    assert (tmp_path / "a").read_bytes() == b"new"


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "link").symlink_to("a")
    write_whole(tmp_path / "link", lambda file: file.write(b"new"))
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "a").read_bytes() == b"new"


def test_the_sentence_says_why(tmp_path: Path) -> None:
    with pytest.raises(
        OutputError, match=r"^.*missing/a could not be written \(no such file or directory\); .*\.$"
    ):
        write_whole(tmp_path / "missing" / "a", lambda file: file.write(b""))


def test_a_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(OutputError, match=r"a is a folder; .*\.$"):
        write_whole(tmp_path / "a", lambda file: file.write(b"new"))
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_a_pipe_is_left_alone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for name in ("pipe", "link"):
        with pytest.raises(OutputError, match=rf"{name} is a device or pipe, no regular file; .*\.$"):
            write_whole(tmp_path / name, lambda file: file.write(b"new"))
    assert (tmp_path / "pipe").is_fifo()
    assert {file.name for file in tmp_path.iterdir()} == {"pipe", "link"}


def test_a_link_to_itself_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    for name in ("loop", "loop/a", "missing/../loop"):
        with pytest.raises(OutputError, match=r"could not be written \(.*\); .*\.$"):
            write_whole(tmp_path / name, lambda file: file.write(b"new"))
    assert [file.name for file in tmp_path.iterdir()] == ["loop"]


@pytest.mark.parametrize("name", ["é" * 128, "a\0b"])
def test_a_name_that_cannot_be_gets_a_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match=r"could not be written \(.*\); .*\.$"):
        write_whole(tmp_path / name, lambda _: pytest.fail("written in vain"))


def test_others_may_read_it_as_the_umask_says(tmp_path: Path) -> None:
    write_whole(tmp_path / "a", lambda file: file.write(b""))
    (tmp_path / "plain").touch()
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_what_a_killed_writer_left_is_swept_up_and_nothing_else(tmp_path: Path) -> None:
    for name in (".impasto-dead.part", ".impasto-alive.part", "mine.part"):
        (tmp_path / name).touch()
    for name in (".impasto-dead.part", "mine.part"):
        os.utime(tmp_path / name, (0, 0))
    sweep(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {".impasto-alive.part", "mine.part"}
