"""A server's inside for tests: a store and a database in a temporary folder, and a worker in a thread."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

from PIL import Image

from impasto.options import ServeOptions, WorkerOptions
from impasto.server.database import connect, place, prepare_database
from impasto.server.jobs import Job, Jobs
from impasto.server.requests import StylizeRequest
from impasto.server.store import Upload, new_id
from impasto.server.worker import work
from tests.conftest import drawn

QUICK = {"size": 64, "steps": 2}
LONG = {"size": 64, "steps": 50_000}


@contextmanager
def opened(root: Path | str, **options: Any) -> Iterator[Jobs]:
    """The jobs of a store, and nobody who paints them."""
    settings = ServeOptions(store=str(root), **options)
    store, url = place(settings)
    prepare_database(url)
    client = connect(url)
    try:
        yield Jobs(store, client, settings)
    finally:
        client.destroy()


@contextmanager
def working(jobs: Jobs, **options: Any) -> Iterator[None]:
    """A worker in a thread; at the end it puts its job back and leaves."""
    leave = Event()
    settings = WorkerOptions(store=jobs.options.store, database=jobs.options.database, **options)
    thread = Thread(target=work, args=(settings, leave))
    thread.start()
    try:
        yield
    finally:
        leave.set()
        thread.join()


@contextmanager
def process(jobs: Jobs, name: str) -> Iterator["subprocess.Popen[str]"]:
    """A worker of its own, as the server starts it."""
    options = WorkerOptions(store=str(jobs.store.root), name=name)
    command = [sys.executable, "-m", "impasto.server.worker"]
    worker = subprocess.Popen(command, stdin=subprocess.PIPE, text=True)
    assert worker.stdin is not None
    worker.stdin.write(options.model_dump_json() + "\n")
    worker.stdin.flush()
    try:
        yield worker
    finally:
        worker.kill()
        worker.wait()
        worker.stdin.close()


def uploaded(jobs: Jobs, kind: str = "photo", owner: str = "local") -> str:
    """The id of a drawn picture."""
    arrived, shown = jobs.store.arriving(), jobs.store.arriving()
    for path in (arrived, shown):
        Image.fromarray(drawn(kind, 64, 48)).save(path, "PNG")
    upload = Upload(id=new_id(), kind="picture", name=f"{kind}.png", bytes=1, size_px=(64, 48), notes=())
    jobs.store.keep_upload(owner, upload, arrived, shown)
    return upload.id


def accepted(jobs: Jobs, options: Any = QUICK, owner: str = "local") -> Job:
    request = StylizeRequest(photo=uploaded(jobs, owner=owner), styles=("scream",), options=options)
    return jobs.create(owner, request, None)[0]


def until(jobs: Jobs, job: Job, *states: str, step: int = 0, owner: str = "local") -> Job:
    """The job once it is in one of the states, and has taken so many steps."""
    deadline = monotonic() + 60
    while monotonic() < deadline:
        now = jobs.get(owner, job.id)
        if now.state in states and (step == 0 or (now.progress and (now.progress.step or 0) >= step)):
            return now
        assert now.state in {"queued", "running"}, now
        sleep(0.05)
    raise AssertionError(f"still {now}")
