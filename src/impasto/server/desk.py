"""What the answers of the server are made from, opened and closed with it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from starlette.concurrency import run_in_threadpool

from impasto.options import ServeOptions, WorkerOptions
from impasto.server.admission import Bounds, Examiner
from impasto.server.database import connect, place, prepare_database
from impasto.server.fleet import Fleet
from impasto.server.jobs import Job, Jobs
from impasto.server.supervisor import Supervisor

LOOK_S: Final = 0.4
"""How often a job that clients watch is looked at, however many they are."""
_ENDED: Final = {"done", "failed", "cancelled"}


class Desk:
    """Store, jobs, workers, and who decodes uploads; ServiceError when the database is not there."""

    def __init__(self, options: ServeOptions) -> None:
        self.options = options
        self.store, url = place(options)
        prepare_database(url)
        self.client = connect(url)
        self.jobs = Jobs(self.store, self.client, options)
        self.fleet = Fleet(self.store)
        self.supervisor = Supervisor(
            options.workers,
            WorkerOptions(
                store=options.store or str(self.store.root),
                database=url,
                device=options.device,
                memory=options.memory,
            ),
        )
        self._watched: dict[str, asyncio.Task[Job]] = {}

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        self.examiner = Examiner(Bounds(self.options.max_pixels, self.options.max_frames))
        self.supervisor.start()
        try:
            yield
        finally:
            self.examiner.close()
            await run_in_threadpool(self.supervisor.close)
            self.client.destroy()

    async def watch(self, owner: str, job_id: str) -> AsyncIterator[Job]:
        """The job now, and again after each change, until it has ended."""
        last = None
        while True:
            job = await self._look(owner, job_id)
            if job != last:
                yield job
            if job.state in _ENDED:
                return
            last = job
            await asyncio.sleep(LOOK_S)

    async def _look(self, owner: str, job_id: str) -> Job:
        """One look for all who ask at the same time."""
        look = self._watched.get(job_id)
        if look is None:
            look = asyncio.create_task(run_in_threadpool(self.jobs.get, owner, job_id))
            self._watched[job_id] = look
            look.add_done_callback(lambda _: self._watched.pop(job_id, None))
        return await asyncio.shield(look)
