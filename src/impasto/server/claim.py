"""A worker's claim on a job's row, which decides: what is made counts when the worker still owns the row.

DBOS refuses the end that anybody else would write. So a job may be painted twice, after a crash, but it ends
once.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition, Event
from typing import Any, Final, Literal

from dbos import DBOS, DBOSClient, WorkflowStatus

MOST_ATTEMPTS: Final = 3
UNFINISHED: Final = ["ENQUEUED", "DELAYED", "PENDING"]

Wish = Literal["go on", "finish", "drop", "put back"]
"""finish: the painting so far becomes the result. drop: cancelled, or taken over by another worker."""


class JobError(Exception):
    """How a job failed, in one sentence; its row keeps it."""


class Dropped(Exception):  # noqa: N818 - nothing went wrong
    """The job is no longer this worker's; what it would say is not written anywhere."""


class Hands:
    """What a worker has in hand. leave: set when it shall end and put its jobs back."""

    def __init__(self, leave: Event) -> None:
        self.leave = leave
        self._count = 0
        self._changed = Condition()

    @contextmanager
    def full(self) -> Iterator[None]:
        """While the block runs, one more thing is in hand."""
        self._count_by(1)
        try:
            yield
        finally:
            self._count_by(-1)

    def wait_until_empty(self, longest_s: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._count == 0, longest_s)

    def _count_by(self, change: int) -> None:
        with self._changed:
            self._count += change
            self._changed.notify_all()


class Claim:
    """On the row `row_id`; whole: the job that it is a part of, if it is one."""

    def __init__(self, client: DBOSClient, hands: Hands, row_id: str, whole: str | None = None) -> None:
        self.client = client
        self.hands = hands
        self.row_id = row_id
        self.whole = whole

    def begin(self) -> None:
        """Writes down that the job begins, so that one which ends its worker is not tried for ever.

        Dropped when it goes back or was cancelled; JobError at the fourth time.
        """
        if self.hands.leave.is_set():
            self.put_back()
            raise Dropped
        attributes = self._row().attributes or {}
        orphan = self.whole is not None and not self._is_unfinished(self.whole)
        if attributes.get("cancelled") or orphan:  # put back by a worker that had not seen it yet
            self.client.cancel_workflow(self.row_id)
            raise Dropped
        attempts = attributes.get("attempts", 0) + 1
        if attempts > MOST_ATTEMPTS:
            raise JobError(f"it ended its worker {MOST_ATTEMPTS} times; a smaller size needs less memory")
        self._note(attempts=attempts)

    def uncount(self) -> None:
        """Takes the last beginning back: if the worker dies now, it is not of this."""
        attempts = (self._row().attributes or {}).get("attempts", 0)
        self._note(attempts=max(0, attempts - 1))

    def wish(self) -> Wish:
        """What the job's row and the worker's own end ask for."""
        if self.hands.leave.is_set():
            return "put back"
        row = self._found(self.row_id)
        if row is None or row.status != "PENDING" or row.executor_id != DBOS.executor_id:
            return "drop"
        return "finish" if (row.attributes or {}).get("stop") else "go on"

    def is_cancelled(self) -> bool:
        """Or deleted; not so when another worker has it."""
        row = self._found(self.row_id)
        return row is None or row.status == "CANCELLED"

    def put_back(self) -> None:
        """Into the queue, without counting: it was not the job that ended the worker."""
        row = self._row()
        if row.status == "PENDING":
            self.uncount()
            self.client.resume_workflow(self.row_id, queue_name=row.queue_name)

    def carried_out(
        self, work: Callable[[], dict[str, Any]], reason: Callable[[Exception], str]
    ) -> dict[str, Any]:
        """What `work` gives; JobError with the reason, Dropped when the job is another's."""
        try:
            return work()
        except (JobError, Dropped):
            raise
        except Exception as error:
            if self.wish() == "drop":  # its folder or row went while we painted
                raise Dropped from error
            raise JobError(reason(error)) from error

    def _row(self) -> WorkflowStatus:
        row = self._found(self.row_id)
        if row is None:
            raise Dropped
        return row

    def _found(self, row_id: str) -> WorkflowStatus | None:
        rows = self.client.list_workflows(workflow_ids=[row_id], load_input=False, load_output=False)
        return rows[0] if rows else None

    def _is_unfinished(self, row_id: str) -> bool:
        row = self._found(row_id)
        return row is not None and row.status in UNFINISHED

    def _note(self, **attributes: object) -> None:
        self.client.update_workflow_attributes(self.row_id, attributes, merge=True)
