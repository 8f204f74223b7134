"""Files appear whole or not at all; `-` is standard input or standard output."""

import os
import secrets
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final

from impasto.errors import ImpastoError, OutputError, PictureError

STANDARD: Final = Path("-")
"""Standard input where something is read, standard output where something is written."""
_MOST_PIPED_BYTES: Final = 1 << 30
_DEAD_S: Final = 60


class _Piped(BytesIO):
    name = "standard input"


@cache
def standard_input() -> bytes:
    """All that comes from standard input; PictureError for a terminal, and for over a gigabyte."""
    if sys.stdin is None or sys.stdin.isatty():
        raise PictureError("nothing comes from standard input; pipe a picture in, or name a file")
    data = sys.stdin.buffer.read(_MOST_PIPED_BYTES + 1)
    if len(data) > _MOST_PIPED_BYTES:
        raise PictureError("standard input is over a gigabyte; save the picture as a file first")
    return data


def open_input(path: Path) -> BinaryIO:
    """A file, or standard input, which is read once and can be opened as often as a file; OSError as open."""
    return _Piped(standard_input()) if path == STANDARD else path.open("rb")


def place_of(path: Path) -> Path:
    """Where `path` leads, links followed; OutputError unless a regular file is there, or nothing yet."""
    try:
        with suppress(FileNotFoundError):
            mode = path.stat().st_mode
            if stat.S_ISDIR(mode):
                raise OutputError(f"{path} is a folder; name a file in it.")
            if not stat.S_ISREG(mode):
                raise OutputError(f"{path} is a device or pipe, no regular file; choose another place.")
        return path.resolve()
    except (
        OSError,
        RuntimeError,
        ValueError,
    ) as reason:  # Path.resolve raised RuntimeError up to Python 3.12
        raise _unwritable(path, reason) from reason


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Give `path` the bytes that `write` puts into a file, all of them or none.

    They are written beside it under a temporary name and renamed at the end, so that a reader sees the
    old file or the new one. A link stays a link: what it points to is replaced. Where `write` or the disk
    fails, the temporary file is removed, the old file stays, and OutputError says why. What is there and is
    no regular file, such as a folder or a device, is refused. Standard output gets them at once.
    """
    with appearing(path) as file, writing(path):
        write(file)


@contextmanager
def appearing(path: Path) -> Iterator[BinaryIO]:
    """A file that becomes `path`, as `write_whole` has it, when the block ends; an exception undoes it."""
    if path == STANDARD:
        whole = BytesIO()
        yield whole
        with writing(path):
            sys.stdout.buffer.write(whole.getvalue())
            sys.stdout.buffer.flush()
        return
    target = place_of(path)
    beside = target.with_name(f".impasto-{secrets.token_hex(8)}.part")
    try:
        # Not tempfile: its files are private to the user, and the finished one should follow the umask.
        with writing(path):
            file = beside.open("x+b")
        with file:
            yield file
            with writing(path):
                file.flush()
                os.fsync(file.fileno())
        with writing(path):
            beside.replace(target)
    finally:
        with suppress(OSError):
            beside.unlink()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """What encoders and the disk raise inside leaves as an OutputError."""
    try:
        yield
    except (ImpastoError, BrokenPipeError):  # who reads standard output may leave; that is for the door
        raise
    except OSError as reason:
        raise _unwritable(path, reason) from reason
    except Exception as reason:
        raise OutputError(f"{path} could not be written ({reason}); try another format.") from reason


def sweep(folder: Path) -> None:
    """Removes what writers that were killed left in a folder: nobody has written to it for a minute."""
    for part in folder.glob(".impasto-*.part"):
        with suppress(OSError):
            if time.time() - part.stat().st_mtime > _DEAD_S:
                part.unlink()


def _unwritable(path: Path, reason: Exception) -> OutputError:
    trouble = str(getattr(reason, "strerror", None) or reason).lower()
    return OutputError(f"{path} could not be written ({trouble}); choose another place.")
