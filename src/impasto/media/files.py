"""Files appear whole or not at all."""

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from impasto.errors import ImpastoError, OutputError


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Give `path` the bytes that `write` puts into a file, all of them or none.

    They are written beside it under a temporary name and renamed at the end, so that a reader sees the
    old file or the new one. A link stays a link: what it points to is replaced. Where `write` or the disk
    fails, the temporary file is removed, the old file stays, and OutputError says why.
    """
    target = path.resolve()
    beside = target.with_name(f".impasto-{secrets.token_hex(8)}.part")
    try:
        # Not tempfile: its files are private to the user, and the finished one should follow the umask.
        with beside.open("x+b") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
    except ImpastoError:
        raise
    except OSError as reason:
        trouble = (reason.strerror or str(reason)).lower()
        raise OutputError(f"{path} could not be written ({trouble}); choose another place.") from reason
    except Exception as reason:
        raise OutputError(f"{path} could not be written ({reason}); try another format.") from reason
    finally:
        with suppress(OSError):
            beside.unlink()
