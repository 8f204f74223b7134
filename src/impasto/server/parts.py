"""The parts of a job that is too long for one worker: rows of their own in the queue of paintings."""

from collections.abc import Mapping
from typing import Any, Final

from dbos import DBOSClient, WorkflowStatus

from impasto.server.claim import UNFINISHED
from impasto.server.database import PART, QUEUE, VERSION

DONE: Final = "SUCCESS"
FAILED: Final = frozenset({"ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"})


class Parts:
    """Those of one job, by number."""

    def __init__(self, client: DBOSClient, job_id: str, owner: str) -> None:
        self.client = client
        self.job_id = job_id
        self.owner = owner

    def hand_out(self, payloads: Mapping[int, dict[str, Any]]) -> None:
        """Into the queue, but for those that are there and have not come to nothing."""
        there = self.rows()
        stale = [n for n in payloads if n in there and there[n].status in {DONE, "CANCELLED"}]
        if stale:
            self.client.delete_workflows([self._id(number) for number in stale])
        for number, payload in payloads.items():
            if number in there and number not in stale:
                continue
            self.client.enqueue(
                {
                    "workflow_name": PART,
                    "queue_name": QUEUE,
                    "workflow_id": self._id(number),
                    "queue_partition_key": self.owner,
                    "authenticated_user": self.owner,
                    "app_version": VERSION,
                },
                payload | {"job": self.job_id, "owner": self.owner},
            )

    def rows(self) -> dict[int, WorkflowStatus]:
        found = self.client.list_workflows(
            workflow_id_prefix=f"{self.job_id}-", load_input=False, load_output=False
        )
        return {int(row.workflow_id.rpartition("-")[2]): row for row in found}

    def told(self, number: int) -> dict[str, Any]:
        """How it goes with a part, as its painter tells."""
        return self.client.get_event(self._id(number), "progress", timeout_seconds=0) or {}

    def reason(self, number: int) -> str:
        """Why a part failed."""
        (row,) = self.client.list_workflows(workflow_ids=[self._id(number)], load_input=False)
        return reason_in(row)

    def finish(self) -> None:
        """Those at hand end with what they have; those that wait are not begun."""
        for number, row in self.rows().items():
            if row.status == "PENDING" and not (row.attributes or {}).get("stop"):
                self.client.update_workflow_attributes(self._id(number), {"stop": True}, merge=True)
            elif row.status in UNFINISHED and row.status != "PENDING":
                self.client.cancel_workflow(self._id(number))

    def cancel(self) -> None:
        unfinished = [self._id(number) for number, row in self.rows().items() if row.status in UNFINISHED]
        if unfinished:
            self.client.cancel_workflows(unfinished)

    def forget(self) -> None:
        """Cancels what is left of them, and removes their rows."""
        self.cancel()
        if rows := self.rows():
            self.client.delete_workflows([self._id(number) for number in rows])

    def _id(self, number: int) -> str:
        return f"{self.job_id}-{number}"


def reason_in(row: WorkflowStatus) -> str:
    """Why a job or a part failed, as its row has it."""
    return str(getattr(row.error, "message", row.error) or "it was given up")
