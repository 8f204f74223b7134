"""impasto batch --database: a batch painted by the workers of a queue, and brought home."""

import hashlib
import json
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from dbos import WorkflowStatus

from impasto.batch import Ended, Step, check_ours, is_done
from impasto.errors import ImpastoError, PictureError
from impasto.ledger import Ledger, fingerprint
from impasto.media.files import sweep, write_whole
from impasto.media.gallery import builtin_styles
from impasto.media.picture import read_recipe
from impasto.options import QueueOptions
from impasto.server.claim import UNFINISHED
from impasto.server.database import client_of, place
from impasto.server.jobs import enqueue
from impasto.server.parts import reason_in
from impasto.server.store import OUTCOME, PREVIEW, Store, read_outcome
from impasto.tasks import Progress, Result, StylizeTask

OWNER: Final = "command-line"
LONGEST_S: Final = 1e6
LOOK_S: Final = 0.5


@dataclass(frozen=True)
class _Sent:
    """A painting that is a job now."""

    number: int
    task: StylizeTask
    made_from: str
    job_id: str


def have_painted(
    tasks: Sequence[StylizeTask], ledger: Ledger, options: QueueOptions
) -> Iterator[Step | Ended]:
    """What is not done goes into the queue, and comes back as it is painted; events as of `paint_all`.

    Left alone, the jobs stay in the queue, and the same tasks find them again. ServiceError when the database
    or the store cannot be used.
    """
    store, url = place(options)
    sender = _Sender(store, url, ledger)
    try:
        yield from sender.send(tasks)
        yield from sender.bring_home()
    finally:
        sender.client.destroy()
    for folder in {task.output.parent for task in tasks if task.output}:
        sweep(folder)


class _Sender:
    def __init__(self, store: Store, url: str, ledger: Ledger) -> None:
        self.store = store
        self.ledger = ledger
        self.client = client_of(url)
        self.out: dict[str, _Sent] = {}
        self.began = time.monotonic()

    def send(self, tasks: Sequence[StylizeTask]) -> Iterator[Ended]:
        for number, task in enumerate(tasks, start=1):
            if is_done(self.ledger, task):
                yield Ended(number, task, "kept")
                continue
            try:
                self._send(number, task)
            except ImpastoError as error:
                yield Ended(number, task, "failed", message=str(error))

    def _send(self, number: int, task: StylizeTask) -> None:
        assert task.output is not None
        check_ours(task.output, self.ledger)
        made_from = fingerprint(task)
        where = f"{made_from}\0{task.output.resolve()}"
        sent = _Sent(number, task, made_from, hashlib.sha256(where.encode()).hexdigest()[:32])
        known = self._row(sent.job_id)
        if known is not None and known.status not in {*UNFINISHED, "SUCCESS"}:
            self._forget(sent.job_id)  # it is tried again
            known = None
        if known is None:
            payload = {
                "owner": OWNER,
                "task": self._placed(sent).model_dump(mode="json"),
                "longest_s": LONGEST_S,
                "requested": {},
                "title": task.photo.name,
                "created_at": time.time(),
            }
            self.store.publish(self.store.job_folder(OWNER, sent.job_id))
            enqueue(self.client, sent.job_id, payload, made_from)
        self.out[sent.job_id] = sent

    def _placed(self, sent: _Sent) -> StylizeTask:
        """The task in the job's folder, where its files keep their names, for the recipe tells of them."""
        folder = self.store.job_folder(OWNER, sent.job_id)
        assert sent.task.output is not None
        output = Path("painting" + sent.task.output.suffix)
        taken: dict[str, str] = {}

        def name(source: str) -> str:
            if source in builtin_styles():
                return source
            if source not in taken:
                plain = Path(source).name
                free = plain not in {*taken.values(), output.name, PREVIEW, OUTCOME}
                taken[source] = plain if free else f"{len(taken)}/{plain}"
                (folder / taken[source]).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, folder / taken[source])
            return taken[source]

        return sent.task.moved(name).model_copy(update={"output": output})

    def bring_home(self) -> Iterator[Step | Ended]:
        count = len(self.out)
        while self.out:
            rows = self.client.list_workflows(workflow_ids=list(self.out), load_input=False)
            states = {row.workflow_id: row for row in rows}
            for sent in list(self.out.values()):
                row = states.get(sent.job_id)
                if row is not None and row.status in UNFINISHED:
                    if row.status == "PENDING":
                        yield from self._step(sent, count)
                    continue
                del self.out[sent.job_id]
                yield self._ended(sent, row)
            if self.out:
                time.sleep(LOOK_S)

    def _step(self, sent: _Sent, count: int) -> Iterator[Step]:
        told = self.client.get_event(sent.job_id, "progress", timeout_seconds=0)
        if not told:
            return
        progress = Progress(
            step=told["step"],
            steps=told["steps"],
            rung=told["rung"],
            rungs=told["rungs"],
            size_px=tuple(told["size_px"]),
            loss=told["loss"] or 0.0,
            seconds=told["seconds"],
            eta_s=told["eta_s"] or 0.0,
            note=told["note"],
            preview=lambda: np.zeros((1, 1, 3), np.float32),
        )
        done = count - len(self.out)
        each_s = (time.monotonic() - self.began) / done if done else progress.seconds + progress.eta_s
        yield Step(sent.number, sent.task, progress, each_s * len(self.out))

    def _ended(self, sent: _Sent, row: WorkflowStatus | None) -> Ended:
        """The painting in its place, and the job forgotten."""
        if row is None or row.status != "SUCCESS":
            reason = reason_in(row) if row is not None and row.error else "its job was cancelled"
            self._forget(sent.job_id)
            return Ended(sent.number, sent.task, "failed", message=reason)
        try:
            result = self._home(sent)
        except ImpastoError as error:
            return Ended(sent.number, sent.task, "failed", message=str(error))
        self._forget(sent.job_id)
        return Ended(sent.number, sent.task, "painted", result)

    def _home(self, sent: _Sent) -> Result:
        output = sent.task.output
        assert output is not None
        folder = self.store.at_hand(OWNER, sent.job_id)
        found = read_outcome(folder)
        if found is None:
            raise PictureError(
                f"the painting of {sent.task.photo} is gone from the store; give the command again"
            )
        output.parent.mkdir(parents=True, exist_ok=True)
        with (folder / found["painting"]).open("rb") as painting:
            write_whole(output, lambda file: shutil.copyfileobj(painting, file))
        self.ledger.add(output, sent.made_from)
        width, height = found["size_px"]
        nothing = np.broadcast_to(np.zeros(3, np.float32), (height, width, 3))
        report: dict[str, Any] = {"seconds": found["seconds"], "notes": found["notes"], "rungs": []}
        report["recipe"] = {"machine": "a worker"} | json.loads(read_recipe(output) or "{}")
        return Result(sent.task, nothing, found["seconds"], tuple(found["notes"]), report)

    def _row(self, job_id: str) -> WorkflowStatus | None:
        rows = self.client.list_workflows(workflow_ids=[job_id], load_input=False, load_output=False)
        return rows[0] if rows else None

    def _forget(self, job_id: str) -> None:
        with suppress(FileNotFoundError):
            self.store.delete_job(OWNER, job_id)
        self.client.delete_workflow(job_id)
