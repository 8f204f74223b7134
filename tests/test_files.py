from pathlib import Path
from typing import BinaryIO

import pytest

from impasto.errors import OutputError, ResourceError
from impasto.media.files import write_whole


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


def test_others_may_read_it_as_the_umask_says(tmp_path: Path) -> None:
    write_whole(tmp_path / "a", lambda file: file.write(b""))
    (tmp_path / "plain").touch()
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "plain").stat().st_mode
