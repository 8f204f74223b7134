"""Jobs as clients see them, over the rows that DBOS keeps."""

import hashlib
import threading
import time
from contextlib import suppress
from typing import Annotated, Any, Final, Literal

from dbos import DBOSClient, WorkflowStatus
from pydantic import BaseModel, Field

from impasto.errors import ServiceError
from impasto.options import ServeOptions
from impasto.server.claim import UNFINISHED
from impasto.server.database import JOBS, PAINT, QUEUE, VERSION, WHOLE, WHOLES
from impasto.server.parts import Parts, reason_in
from impasto.server.requests import Asked, JobRequest
from impasto.server.store import Store, new_id
from impasto.tasks import Stage

State = Literal["queued", "running", "done", "failed", "cancelled"]
STATES: Final[dict[str, State]] = {
    "ENQUEUED": "queued",
    "DELAYED": "queued",
    "PENDING": "running",
    "SUCCESS": "done",
    "ERROR": "failed",
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": "failed",
    "CANCELLED": "cancelled",
}


class JobProgress(BaseModel):
    """The last that the worker told of; null is what a job of its kind has not, or what is not known yet."""

    stage: Stage = "painting"
    done: Annotated[int | None, Field(description="Frames of a film, or paintings of a batch.")] = None
    of: Annotated[int | None, Field(description="How many there will be.")] = None
    parts: Annotated[
        list[State], Field(description="How it goes with each painting of a batch, in their order.")
    ] = []
    step: int | None = None
    steps: int | None = None
    rung: int | None = None
    rungs: int | None = None
    size_px: tuple[int, int] | None = None
    loss: float | None = None
    seconds: float | None = None
    eta_s: float | None = None
    note: str | None = None
    previews: Annotated[int, Field(description="How many pictures of it there were so far.")] = 0


class BatchPicture(BaseModel):
    """A painting of a batch; reason: why there is none."""

    name: str
    painting: str | None
    size_px: tuple[int, int] | None
    reason: str | None


class Job(BaseModel):
    """A job: what was asked, how far it is, how it ended."""

    id: str
    state: State
    task: Annotated[dict[str, Any], Field(description="What was asked, as it was sent.")]
    title: Annotated[str, Field(description="The photo's file name.")]
    created_at: Annotated[float, Field(description="Seconds since 1970.")]
    began_at: float | None
    ended_at: float | None
    attempts: Annotated[int, Field(description="How often it was begun; above 1 after a crash.")]
    progress: JobProgress | None
    reason: Annotated[str | None, Field(description="Why it failed.")]
    painting: Annotated[str | None, Field(description="File name of the result, once it is done.")]
    pictures: Annotated[list[BatchPicture], Field(description="Of a batch, once it is done.")]
    size_px: tuple[int, int] | None
    seconds: float | None
    notes: tuple[str, ...]


class Jobs:
    """What clients can do with jobs. Each owner sees only their own; another's do not exist for them."""

    def __init__(self, store: Store, client: DBOSClient, options: ServeOptions) -> None:
        self.store = store
        self.client = client
        self.options = options
        self._accepting = threading.Lock()

    def create(self, owner: str, request: JobRequest, key: str | None) -> tuple[Job, bool]:
        """A job, and whether it is new: the same key and request give the same job.

        ServiceError: 409 for a key of another request, 422 for what cannot be painted, 429 for too many.
        Once this returns, the job will end, whatever is killed.
        """
        job_id = new_id() if key is None else _id_of_key(owner, key)
        fingerprint = hashlib.sha256(request.model_dump_json().encode()).hexdigest()
        if key is not None and (known := self._row(owner, job_id)) is not None:
            if (known.attributes or {}).get("fingerprint") != fingerprint:
                raise ServiceError("this Idempotency-Key was used for another job; choose a new one", 409)
            return self._job(known), False
        asked = request.resolve(self.store, owner, self.options)
        with self._accepting:
            self._check_room(owner)
            for name, upload_id in asked.files.items():
                self.store.give(owner, upload_id, job_id, name)
            for number, upload_id in enumerate(asked.shown):
                self.store.show(owner, upload_id, job_id, number if len(asked.shown) > 1 else None)
            self.store.publish(self.store.job_folder(owner, job_id))
            payload = self._payload(owner, asked) | {
                "requested": request.model_dump(mode="json", exclude_unset=True)
            }
            enqueue(self.client, job_id, payload, fingerprint)
        return self.get(owner, job_id), True

    def _payload(self, owner: str, asked: Asked) -> dict[str, Any]:
        """What the worker will read."""
        limits = self.options
        return {
            "owner": owner,
            "task": asked.task.model_dump(mode="json"),
            "longest_s": limits.max_time
            if asked.task.verb in {"stylize", "colorize"}
            else limits.max_film_time,
            "most_frames": limits.max_frames,
            "title": asked.title,
            "names": {name: self.store.upload(owner, upload).name for name, upload in asked.files.items()},
            "pictures": asked.pictures,
            "created_at": time.time(),
        }

    def get(self, owner: str, job_id: str) -> Job:
        """ServiceError 404 when this owner has no such job."""
        return self._job(self._known(owner, job_id))

    def list(self, owner: str, limit: int, offset: int) -> list[Job]:
        """The newest first."""
        rows = self.client.list_workflows(user=owner, name=JOBS, sort_desc=True, limit=limit, offset=offset)
        return sorted(map(self._job, rows), key=lambda job: -job.created_at)

    def cancel(self, owner: str, job_id: str) -> Job:
        """Ends it in any state without a painting; one that has ended already stays as it is."""
        row = self._known(owner, job_id)
        if row.status in UNFINISHED:
            # The mark holds even where a worker that dies puts the job back at this moment.
            self.client.update_workflow_attributes(job_id, {"cancelled": True}, merge=True)
            self.client.cancel_workflow(job_id)
            self._parts(row).cancel()
        return self.get(owner, job_id)

    def stop(self, owner: str, job_id: str) -> Job:
        """Finishes it with the painting so far; ServiceError 409 when there is none yet."""
        row = self._known(owner, job_id)
        if STATES[row.status] == "queued":
            raise ServiceError("this job has not begun, so there is nothing to keep; cancel it instead", 409)
        if STATES[row.status] == "running":
            self.client.update_workflow_attributes(job_id, {"stop": True}, merge=True)
        return self.get(owner, job_id)

    def delete(self, owner: str, job_id: str) -> None:
        """Cancels it where that is still possible, and forgets it and its files."""
        self.cancel(owner, job_id)
        self._parts(self._known(owner, job_id)).forget()
        self.client.delete_workflow(job_id)
        self.store.delete_job(owner, job_id)

    def unfinished(self) -> dict[State, int]:
        """How many of everybody's jobs are queued, and running."""
        counts: dict[State, int] = {"queued": 0, "running": 0}
        for row in self.client.list_workflows(
            name=JOBS, status=UNFINISHED, load_input=False, load_output=False
        ):
            counts[STATES[row.status]] += 1
        return counts

    def clean_up(self, age_s: float) -> int:
        """Removes what is older: finished jobs, and uploads. How many."""
        removed = 0
        for owner, upload_id in list(self.store.uploads_older_than(age_s)):
            with suppress(ServiceError):
                self.store.delete_upload(owner, upload_id)
                removed += 1
        for owner, job_id in list(self.store.jobs_older_than(age_s)):
            row = self._row(owner, job_id)
            if row is None:  # its client was never told of it
                self.store.delete_job(owner, job_id)
            elif row.status not in UNFINISHED:
                self.delete(owner, job_id)
                removed += 1
        self.store.sweep(age_s)
        return removed

    def _check_room(self, owner: str) -> None:
        unfinished = self.client.list_workflows(
            user=owner, name=JOBS, status=UNFINISHED, load_input=False, load_output=False
        )
        if len(unfinished) >= self.options.jobs_per_client:
            raise ServiceError(
                f"you have {len(unfinished)} unfinished jobs, the most that one client may have; "
                "wait for one to end or cancel it",
                429,
            )

    def _row(self, owner: str, job_id: str) -> WorkflowStatus | None:
        rows = self.client.list_workflows(workflow_ids=[job_id], name=JOBS)
        return rows[0] if rows and rows[0].authenticated_user == owner else None

    def _known(self, owner: str, job_id: str) -> WorkflowStatus:
        row = self._row(owner, job_id)
        if row is None:
            raise ServiceError("there is no such job; list yours with GET /api/jobs", 404)
        return row

    def _parts(self, row: WorkflowStatus) -> Parts:
        assert row.authenticated_user is not None
        return Parts(self.client, row.workflow_id, row.authenticated_user)

    def _job(self, row: WorkflowStatus) -> Job:
        assert row.input is not None
        payload: dict[str, Any] = row.input["args"][0]
        state = STATES[row.status]
        attributes = row.attributes or {}
        outcome: dict[str, Any] = row.output or {}
        progress = None
        if state != "queued" and (attributes.get("attempts") or row.name == WHOLE):
            progress = self.client.get_event(row.workflow_id, "progress", timeout_seconds=0)
        return Job(
            id=row.workflow_id,
            state=state,
            task=payload["requested"],
            title=payload["title"],
            created_at=payload["created_at"],
            began_at=_seconds(row.dequeued_at),
            ended_at=_seconds(row.completed_at),
            attempts=attributes.get("attempts", 0),
            progress=progress,
            reason=reason_in(row) if state == "failed" else None,
            painting=outcome.get("painting"),
            pictures=outcome.get("pictures", ()),
            size_px=outcome.get("size_px"),
            seconds=outcome.get("seconds"),
            notes=outcome.get("notes", ()),
        )


def enqueue(client: DBOSClient, job_id: str, payload: dict[str, Any], fingerprint: str) -> None:
    """Accepts a job, whose files are in its folder; fingerprint: of what was asked."""
    alone = payload["task"]["verb"] in {"stylize", "colorize"}
    client.enqueue(
        {
            "workflow_name": PAINT if alone else WHOLE,
            "queue_name": QUEUE if alone else WHOLES,
            "workflow_id": job_id,
            "queue_partition_key": payload["owner"],
            "authenticated_user": payload["owner"],
            "app_version": VERSION,
            "attributes": {"fingerprint": fingerprint},
        },
        payload,
    )


def _id_of_key(owner: str, key: str) -> str:
    return hashlib.sha256(f"{owner}\0{key}".encode()).hexdigest()[:32]


def _seconds(epoch_ms: int | None) -> float | None:
    return None if epoch_ms is None else epoch_ms / 1000
