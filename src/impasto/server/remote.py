"""The files of a store behind a URL, with the same names as in a folder: S3, and whatever fsspec reaches.

Each process keeps a folder of its own, into which it pulls what it needs, and pushes from it what it made.
A file that is there is whole: object stores have no half ones, and beside a folder one is renamed into place.
"""

import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from impasto.errors import ExtraError, ServiceError
from impasto.media.files import appearing

_MUTABLE: Final = ("preview",)
"""Beginnings of the names of files that change; all others are written once."""


class Remote:
    """The place at a URL; names are relative to it.

    ExtraError when fsspec has no driver for it, ServiceError when it cannot be reached.
    """

    def __init__(self, url: str) -> None:
        import fsspec

        try:
            self.files: Any
            self.files, self.root = fsspec.core.url_to_fs(url)
            self.files.makedirs(self.root, exist_ok=True)
        except (ImportError, ValueError) as error:
            raise ExtraError(
                f"{url} needs a driver of fsspec's ({error}); for S3: pip install 'impasto[s3]'"
            ) from error
        except Exception as error:
            raise ServiceError(f"the store {url} cannot be used ({error}); check --store") from error

    def push(self, path: Path, name: str) -> None:
        """A file, under a name."""
        self._write(name, path.read_bytes())

    def write(self, name: str, content: bytes) -> None:
        self._write(name, content)

    def pull(self, name: str, path: Path) -> bool:
        """A file's newest state into a folder that is there; whether there was one."""
        with suppress(FileNotFoundError):
            content = self.files.cat_file(self._at(name))
            path.parent.mkdir(parents=True, exist_ok=True)
            with appearing(path) as file:
                file.write(content)
            return True
        return False

    def pull_all(self, name: str, folder: Path, *, deeper: bool = True) -> None:
        """All files below a name that are not in the folder yet, and those that change."""
        for found in self.names(name, deeper=deeper):
            path = folder / found
            if not path.exists() or path.name.startswith(_MUTABLE):
                self.pull(f"{name}/{found}", path)

    def names(self, name: str, *, deeper: bool = True) -> list[str]:
        """Of the files below a name, relative to it."""
        self.files.invalidate_cache()
        start = f"{self._at(name)}/"
        with suppress(FileNotFoundError):
            found = self.files.find(self._at(name), maxdepth=None if deeper else 1)
            return [each.removeprefix(start) for each in found if not each.endswith(".part")]
        return []

    def read(self, name: str) -> bytes:
        """FileNotFoundError when there is none."""
        content: bytes = self.files.cat_file(self._at(name))
        return content

    def remove(self, name: str) -> None:
        with suppress(FileNotFoundError):
            self.files.rm(self._at(name), recursive=True)

    def age_s(self, name: str) -> float:
        """Since a file, or the newest below a name, was written; FileNotFoundError when there is none."""
        self.files.invalidate_cache()
        found = self.files.find(self._at(name))
        if not found:
            raise FileNotFoundError(name)
        return min(time.time() - self._written(each) for each in found)

    def folders(self, pattern: str) -> Iterator[tuple[str, ...]]:
        """Parts of the names of what matches."""
        self.files.invalidate_cache()
        for found in self.files.glob(self._at(pattern)):
            yield tuple(found.removeprefix(f"{self.root}/").split("/"))

    def written(self, name: str) -> float:
        """When, by the store's own clock, in seconds since 1970."""
        self.files.invalidate_cache()
        return self._written(self._at(name))

    def _written(self, path: str) -> float:
        moment: datetime = self.files.modified(path)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()

    def _write(self, name: str, content: bytes) -> None:
        path = self._at(name)
        self.files.makedirs(path.rpartition("/")[0], exist_ok=True)
        if "file" not in self.files.protocol:
            self.files.pipe_file(path, content)
            return
        beside = f"{path}.{secrets.token_hex(4)}.part"
        self.files.pipe_file(beside, content)
        self.files.mv(beside, path)

    def _at(self, name: str) -> str:
        return f"{self.root}/{name}"
