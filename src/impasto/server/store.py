"""The store: a folder with the files of uploads and jobs.

    OWNER/uploads/ID/original     the bytes as they came
    OWNER/uploads/ID/about.json   what was found in them: an Upload
    OWNER/uploads/ID/shown.png    the same for the eye, small and harmless
    OWNER/jobs/ID/photo, upload-1, upload-2 ..., shown.png    what the job reads, its own for good
    OWNER/jobs/ID/preview.jpg, painting.png, outcome.json     what the worker writes, each of them whole
    OWNER/jobs/ID/preview-3.jpg ...                           the same of a batch's fourth painting
    OWNER/jobs/ID/painting.mp4.work-...                       a film's painted frames, until it is written
    workers/                                                  who is alive (see fleet.py)

Every name below is ours: owners are hashes, ids are random. Nothing that a client says becomes a path.
Behind a URL are the same files; the folder is then what this process has pulled of them (see remote.py).
"""

import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from impasto.errors import OutputError, ServiceError
from impasto.media.files import write_whole
from impasto.server.remote import Remote

ID_PATTERN: Final = r"^[0-9a-f]{32}$"
ORIGINAL: Final = "original"
SHOWN: Final = "shown.png"
PREVIEW: Final = "preview.jpg"
OUTCOME: Final = "outcome.json"
_ABOUT: Final = "about.json"
_MEASURED_FOR_S: Final = 10.0


class Upload(BaseModel):
    """A file that a client sent, and what was found in it; size_px is (width, height)."""

    model_config = ConfigDict(frozen=True)

    id: str
    kind: Literal["picture", "card", "film"]
    name: str
    bytes: int
    size_px: tuple[int, int]
    notes: tuple[str, ...]
    frames: Annotated[int, Field(description="Above 1 in animations and films; of films, as they claim.")] = 1
    animated: Annotated[
        Literal["gif", "webp", "png"] | None,
        Field(description="What a painting of an animation becomes, unless the job says otherwise."),
    ] = None


def new_id() -> str:
    """128 random bits."""
    return secrets.token_hex(16)


class Store:
    """The folder, made if it is not there; OutputError when it cannot be written."""

    def __init__(self, root: Path, remote: Remote | None = None) -> None:
        self.root = root.resolve()
        self.remote = remote
        self._measured: tuple[float, int] = (-_MEASURED_FOR_S, 0)
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not os.access(self.root, os.W_OK | os.X_OK):
                raise PermissionError(13, "permission denied")
        except OSError as reason:
            trouble = str(reason.strerror).lower()
            raise OutputError(
                f"the store {root} cannot be used ({trouble}); choose another --store"
            ) from reason

    def upload_folder(self, owner: str, upload_id: str) -> Path:
        return self.root / owner / "uploads" / _checked(upload_id)

    def job_folder(self, owner: str, job_id: str) -> Path:
        return self.root / owner / "jobs" / _checked(job_id)

    def at_hand(self, owner: str, job_id: str, *, deeper: bool = False) -> Path:
        """A job's folder, with all of its files; deeper: with those in folders of its own, too."""
        folder = self.job_folder(owner, job_id)
        if self.remote:
            self.remote.pull_all(self._name(folder), folder, deeper=deeper)
        return folder

    def newest(self, path: Path) -> Path:
        """A file of a job as it is now, which may be missing."""
        if self.remote:
            self.remote.pull(self._name(path), path)
        return path

    def publish(self, *paths: Path) -> None:
        """Files of a job that all others shall see, in this order; of folders, everything in them."""
        if self.remote is None:
            return
        for path in paths:
            for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
                if file.is_file() and not file.name.startswith("."):
                    self.remote.push(file, self._name(file))

    def let_go(self, folder: Path) -> None:
        """What was pulled of a job need not stay."""
        if self.remote:
            shutil.rmtree(folder, ignore_errors=True)

    def keep_upload(self, owner: str, upload: Upload, arrived: Path, shown: Path) -> None:
        """Moves an examined file in; it is there with its record or not at all."""
        folder = self.upload_folder(owner, upload.id)
        folder.parent.mkdir(parents=True, exist_ok=True)
        building = self.root / f".{upload.id}"
        building.mkdir()
        arrived.rename(building / ORIGINAL)
        shown.rename(building / SHOWN)
        write_whole(building / _ABOUT, lambda file: file.write(upload.model_dump_json().encode()))
        building.rename(folder)
        self.publish(folder)

    def upload(self, owner: str, upload_id: str) -> Upload:
        """ServiceError 404 when this owner has no such upload."""
        folder = self.upload_folder(owner, upload_id)
        if self.remote and not (folder / _ABOUT).exists():
            self.remote.pull_all(self._name(folder), folder)
        with suppress(FileNotFoundError, ValueError):
            return Upload.model_validate_json((folder / _ABOUT).read_bytes())
        raise ServiceError(f"there is no upload {upload_id}; upload the file again", 404)

    def delete_upload(self, owner: str, upload_id: str) -> None:
        self.upload(owner, upload_id)
        self._remove(self.upload_folder(owner, upload_id))

    def give(self, owner: str, upload_id: str, job_id: str, name: str) -> None:
        """Gives a job its own `name` of an upload, which may be deleted afterwards."""
        self._link(owner, upload_id, ORIGINAL, job_id, name)

    def show(self, owner: str, upload_id: str, job_id: str, number: int | None) -> None:
        """Gives a job the picture for the eye; number: of a batch's painting."""
        self._link(owner, upload_id, SHOWN, job_id, numbered(SHOWN, number))

    def _link(self, owner: str, upload_id: str, original: str, job_id: str, name: str) -> None:
        source = self.upload_folder(owner, upload_id) / original
        folder = self.job_folder(owner, job_id)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with suppress(FileExistsError):
                try:
                    os.link(source, folder / name)
                except OSError as reason:
                    if isinstance(reason, FileNotFoundError | FileExistsError):
                        raise
                    shutil.copyfile(source, folder / name)  # a file system without hard links
        except FileNotFoundError as reason:
            raise ServiceError(f"there is no upload {upload_id}; upload the file again", 404) from reason

    def delete_job(self, owner: str, job_id: str) -> None:
        self._remove(self.job_folder(owner, job_id))

    def used_bytes(self) -> int:
        """Of all files, not older than ten seconds."""
        measured_at, used = self._measured
        if time.monotonic() - measured_at > _MEASURED_FOR_S:
            used = sum(_bytes_of(path) for path in self.root.rglob("*"))
            self._measured = (time.monotonic(), used)
        return used

    def forget_size(self) -> None:
        """Measures anew at the next question."""
        self._measured = (-_MEASURED_FOR_S, 0)

    def arriving(self, suffix: str = ".part") -> Path:
        """A new name for a file that is still coming in."""
        return self.root / f".{new_id()}{suffix}"

    def uploads_older_than(self, age_s: float) -> Iterator[tuple[str, str]]:
        """(owner, id), by when they were made."""
        yield from self._older("uploads", age_s)

    def jobs_older_than(self, age_s: float) -> Iterator[tuple[str, str]]:
        """(owner, id) of job folders, by when something in them last changed."""
        yield from self._older("jobs", age_s)

    def sweep(self, age_s: float) -> None:
        """Removes what came in only half and was left behind."""
        for path in self.root.glob(".*"):
            if _age_s(path) > age_s:
                self._remove(path)

    def _name(self, path: Path) -> str:
        """Of a file or folder, in the remote."""
        return path.relative_to(self.root).as_posix()

    def remove_folder(self, path: Path) -> None:
        """One of a job's own, with all that is in it."""
        self._remove(path)

    def _remove(self, path: Path) -> None:
        """A folder vanishes under its name at once, and then from the disk."""
        if self.remote and path.is_relative_to(self.root):
            self.remote.remove(self._name(path))
        if not path.is_dir():
            path.unlink(missing_ok=True)
            return
        doomed = self.root / f".{new_id()}.gone"
        with suppress(FileNotFoundError):
            path.rename(doomed)
            shutil.rmtree(doomed, ignore_errors=True)

    def _older(self, room: str, age_s: float) -> Iterator[tuple[str, str]]:
        if self.remote:
            for found_owner, _, found_id in self.remote.folders(f"*/{room}/*"):
                with suppress(FileNotFoundError):
                    if self.remote.age_s(f"{found_owner}/{room}/{found_id}") > age_s:
                        yield found_owner, found_id
            return
        for folder in self.root.glob(f"*/{room}/*"):
            if re.match(ID_PATTERN, folder.name) and _age_s(folder) > age_s:
                yield folder.parts[-3], folder.name


def numbered(name: str, number: int | None) -> str:
    """`preview.jpg` of a job; `preview-3.jpg` of a batch's painting."""
    stem, dot, suffix = name.rpartition(".")
    return name if number is None else f"{stem}-{number}{dot}{suffix}"


def read_outcome(folder: Path, number: int | None = None) -> dict[str, Any] | None:
    """How a job, or a painting of a batch, ended, if the painting is finished and whole."""
    with suppress(FileNotFoundError, ValueError):
        found = json.loads((folder / numbered(OUTCOME, number)).read_bytes())
        if isinstance(found, dict) and (folder / str(found.get("painting"))).is_file():
            return found
    return None


def _checked(found_id: str) -> str:
    if not re.fullmatch(ID_PATTERN, found_id):
        raise ServiceError("an id is 32 characters of 0-9 and a-f; take it from an earlier answer", 404)
    return found_id


def _age_s(path: Path) -> float:
    with suppress(FileNotFoundError):
        return time.time() - path.stat().st_mtime
    return 0.0


def _bytes_of(path: Path) -> int:
    with suppress(OSError):
        found = path.lstat()
        return found.st_size // found.st_nlink  # what a job and an upload share is there once
    return 0
