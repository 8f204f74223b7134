"""Who is painting: each worker holds a name by a lock and says every few seconds that it is alive.

Names are taken up again by the next worker on the machine, since DBOS gives a worker that starts the jobs
that one of its name left behind. Where none starts, the first of the living brings back the jobs of the dead.
"""

import json
import platform
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from impasto.errors import ServiceError
from impasto.media.files import write_whole
from impasto.server.store import Store

BEAT_S: Final = 3.0
DEAD_AFTER_S: Final = 20.0
_MOST_ON_A_MACHINE: Final = 1000


@dataclass(frozen=True)
class Beat:
    """A sign of life; seen_s is how long ago, by the clock of the store."""

    name: str
    machine: str
    job: str | None
    painted: int
    seen_s: float = 0.0

    @property
    def alive(self) -> bool:
        return self.seen_s < DEAD_AFTER_S


class Fleet:
    """The workers of a store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.remote = store.remote
        self.folder = store.root / "workers"
        self.folder.mkdir(exist_ok=True)
        self.machine = re.sub(r"[^A-Za-z0-9._-]", "-", platform.node()) or "worker"
        if self.remote:  # no lock keeps machines of the same name apart
            self.machine += f"-{uuid.getnode() & 0xFFFFFF:06x}"

    def take_name(self, wanted: str | None) -> tuple[str, FileLock]:
        """A name, and the lock that holds it for as long as this process lives.

        ServiceError when a worker of the wanted name is alive.
        """
        names = (
            [wanted] if wanted else [f"{self.machine}-{number}" for number in range(1, _MOST_ON_A_MACHINE)]
        )
        for name in names:
            lock = FileLock(self.folder / f"{name}.lock", thread_local=False)
            with suppress(Timeout):
                lock.acquire(blocking=False)
                return name, lock
        raise ServiceError(
            f"a worker named {wanted or self.machine} is at work already; choose another --name"
        )

    def own_store(self, name: str) -> Store:
        """That of a worker, whose name nobody else has: of a remote, it pulls into a folder of its own."""
        if self.remote is None:
            return self.store
        folder = self.store.root.parent / name
        shutil.rmtree(folder, ignore_errors=True)  # of one that was killed
        return Store(folder, self.remote)

    def beat(self, beat: Beat) -> None:
        text = json.dumps(asdict(beat)).encode()
        if self.remote:
            self.remote.write(f"workers/{beat.name}.json", text)
        else:
            write_whole(self._path(beat.name), lambda file: file.write(text))

    def leave(self, name: str) -> None:
        if self.remote:
            self.remote.remove(f"workers/{name}.json")
        self._path(name).unlink(missing_ok=True)

    def beats(self) -> Iterator[Beat]:
        """The last sign of each worker that has not left; one file's clock serves for all machines."""
        if self.remote:
            self.remote.write("workers/clock", b"")
            now = self.remote.written("workers/clock")
            for name in self.remote.names("workers"):
                with suppress(FileNotFoundError, ValueError, TypeError):
                    if name.endswith(".json"):
                        seen_s = now - self.remote.written(f"workers/{name}")
                        yield Beat(**(json.loads(self.remote.read(f"workers/{name}")) | {"seen_s": seen_s}))
            return
        clock = self.folder / "clock"
        clock.touch()
        now = clock.stat().st_mtime
        for path in sorted(self.folder.glob("*.json")):
            with suppress(FileNotFoundError, ValueError, TypeError):
                seen_s = now - path.stat().st_mtime
                yield Beat(**(json.loads(path.read_bytes()) | {"seen_s": seen_s}))

    def living(self) -> list[Beat]:
        return [beat for beat in self.beats() if beat.alive]

    def bury(self, age_s: float) -> None:
        """Forgets workers that nobody has heard of for long."""
        for beat in self.beats():
            if beat.seen_s > age_s:
                self.leave(beat.name)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"
