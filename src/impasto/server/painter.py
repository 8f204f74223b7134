"""One job in a worker: painted, watched by its client, and ended once.

Whatever happens, the job's row decides: a painting counts when its worker still owns the row, and DBOS
refuses the end that anybody else would write. So a job may be painted twice, after a crash, but it ends once.
"""

import json
import logging
import math
import time
from contextlib import chdir, closing
from pathlib import Path
from threading import Event
from typing import Any, Final, Literal

from dbos import DBOS, DBOSClient
from pydantic import ValidationError

from impasto.errors import ImpastoError
from impasto.media.files import write_whole
from impasto.media.picture import Picture, resize_picture, write_picture
from impasto.options import WorkerOptions
from impasto.run import run
from impasto.server.database import QUEUE
from impasto.server.store import OUTCOME, PREVIEW, Store, read_outcome
from impasto.studio import Studio
from impasto.tasks import Pixels, Progress, Result, StylizeTask

MOST_ATTEMPTS: Final = 3
PREVIEW_PX: Final = 720
TOO_LONG: Final = "stopped after the longest time that this server allows; a smaller size is quicker"
LOOK_S: Final = 0.5
"""How often the client hears how it goes, and is asked whether they have changed their mind."""
_PREVIEW_SHARE: Final = 0.1
"""Of the time, for previews."""

Wish = Literal["go on", "finish", "drop", "put back"]
"""finish: the painting so far becomes the result. drop: cancelled, or taken over by another worker."""

log = logging.getLogger("impasto.worker")


class JobError(Exception):
    """How a job failed, in one sentence; its row keeps it."""


class Dropped(Exception):  # noqa: N818 - nothing went wrong
    """The job is no longer this worker's; what it would say is not written anywhere."""


class Painter:
    """Paints jobs, one at a time. leave: set when the worker shall end and put its job back."""

    def __init__(self, store: Store, client: DBOSClient, options: WorkerOptions, leave: Event) -> None:
        self.store = store
        self.client = client
        self.options = options
        self.leave = leave
        self.job: str | None = None
        self.idle = Event()
        self.idle.set()
        self.painted = 0
        self.studio = Studio()

    def paint(self, job_id: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Runs a job to its outcome; JobError with the reason, Dropped when it is another's."""
        self.job = job_id
        self.idle.clear()
        folder = self.store.job_folder(payload["owner"], job_id)
        try:
            if self.leave.is_set():
                self._put_back(job_id)
                raise Dropped
            outcome = read_outcome(folder)
            if outcome is None:
                self._count_attempt(job_id)
                with chdir(folder):  # so that the recipe in the picture names no folder of this machine
                    outcome = self._painted(job_id, payload)
            self.painted += 1
            return outcome
        except (JobError, Dropped):
            raise
        except Exception as error:
            if self.wish(job_id) == "drop":  # its folder or row went while we painted
                raise Dropped from error
            raise JobError(self._reason(job_id, error, payload.get("names", {}))) from error
        finally:
            self.job = None
            self.idle.set()

    def _reason(self, job_id: str, error: Exception, names: dict[str, str]) -> str:
        """The sentence, with the name that the client knows where it begins with a file of the job."""
        if isinstance(error, ImpastoError):
            first, *others = " ".join(str(error).split()).removesuffix(".").split(" ")
            return " ".join([names.get(first, first), *others])
        log.exception("job %s met a mistake inside impasto", job_id)
        return f"a mistake inside impasto ended it ({type(error).__name__}); the worker's log tells more"

    def _count_attempt(self, job_id: str) -> None:
        """Writes down that the job begins, so that one which ends its worker is not tried for ever."""
        attributes = self._row(job_id).attributes or {}
        if attributes.get("cancelled"):  # put back by a worker that had not seen it yet
            self.client.cancel_workflow(job_id)
            raise Dropped
        attempts = attributes.get("attempts", 0) + 1
        if attempts > MOST_ATTEMPTS:
            raise JobError(f"it ended its worker {MOST_ATTEMPTS} times; a smaller size needs less memory")
        self.client.update_workflow_attributes(job_id, {"attempts": attempts}, merge=True)

    def _painted(self, job_id: str, payload: dict[str, Any]) -> dict[str, Any]:
        try:
            task = StylizeTask.model_validate(payload["task"])
        except ValidationError as error:
            raise JobError("it was accepted by another version of impasto; ask for it again") from error
        own = {"device": self.options.device, "memory": self.options.memory}
        task = task.model_copy(update={"options": task.options.model_copy(update=own)})
        watch = _Watch(self, job_id, float(payload["longest_s"]))
        with closing(run(task, self.studio, watch.finish)) as events:  # type: ignore[type-var]
            for event in events:
                if isinstance(event, Result):
                    return self._ended(job_id, watch, event)
                wish = watch.see(event)
                if wish == "put back":
                    self._put_back(job_id)
                if wish in {"put back", "drop"}:
                    raise Dropped
        raise AssertionError("a run ends with a result")

    def _ended(self, job_id: str, watch: "_Watch", result: Result) -> dict[str, Any]:
        assert result.task.output is not None
        height, width = result.rgb.shape[:2]
        outcome = {
            "painting": result.task.output.name,
            "size_px": [width, height],
            "seconds": result.seconds,
            "notes": [*result.notes, *watch.notes],
        }
        show(result.rgb)
        write_whole(Path(OUTCOME), lambda file: file.write(json.dumps(outcome).encode()))
        log.info("job %s is painted", job_id)
        return outcome

    def wish(self, job_id: str) -> Wish:
        """What the job's row and the worker's own end ask for."""
        if self.leave.is_set():
            return "put back"
        rows = self.client.list_workflows(workflow_ids=[job_id], load_input=False, load_output=False)
        if not rows or rows[0].status != "PENDING" or rows[0].executor_id != DBOS.executor_id:
            return "drop"
        return "finish" if (rows[0].attributes or {}).get("stop") else "go on"

    def _row(self, job_id: str) -> Any:
        rows = self.client.list_workflows(workflow_ids=[job_id], load_input=False, load_output=False)
        if not rows:
            raise Dropped
        return rows[0]

    def _put_back(self, job_id: str) -> None:
        """Into the queue, without counting: it was not the job that ended the worker."""
        row = self._row(job_id)
        if row.status == "PENDING":
            attempts = max(0, (row.attributes or {}).get("attempts", 0) - 1)
            self.client.update_workflow_attributes(job_id, {"attempts": attempts}, merge=True)
            self.client.resume_workflow(job_id, queue_name=QUEUE)


class _Watch:
    """Tells the client how it goes, and the run what the client wishes."""

    def __init__(self, painter: Painter, job_id: str, longest_s: float) -> None:
        self.painter = painter
        self.job_id = job_id
        self.ends_at = time.monotonic() + longest_s
        self.notes: list[str] = []
        self._finishing = False
        self._look_at = self._preview_at = 0.0
        self._previews = 0

    def finish(self) -> bool:
        return self._finishing

    def see(self, progress: Progress) -> Wish:
        now = time.monotonic()
        if now < self._look_at:
            return "go on"
        self._look_at = now + LOOK_S
        wish = self.painter.wish(self.job_id)
        if wish in {"drop", "put back"}:
            return wish
        if now >= self._preview_at:
            self._preview(progress)
        DBOS.set_event("progress", report(progress, self._previews))
        if wish == "go on" and now > self.ends_at:
            self.notes.append(TOO_LONG)
            wish = "finish"
        self._finishing |= wish == "finish"
        return wish

    def _preview(self, progress: Progress) -> None:
        began = time.monotonic()
        show(progress.preview())
        self._previews += 1
        took_s = time.monotonic() - began
        self._preview_at = time.monotonic() + max(1.0, took_s / _PREVIEW_SHARE)


def show(rgb: Pixels) -> None:
    """(h, w, 3) in [0, 1] -> the preview in the job's folder."""
    picture = resize_picture(Picture(rgb), min(PREVIEW_PX, max(rgb.shape[:2])))
    write_picture(Path(PREVIEW), picture, quality=85)


def report(progress: Progress, previews: int) -> dict[str, Any]:
    """A step, as JSON."""
    return {
        "step": progress.step,
        "steps": progress.steps,
        "rung": progress.rung,
        "rungs": progress.rungs,
        "size_px": list(progress.size_px),
        "loss": progress.loss if math.isfinite(progress.loss) else None,
        "seconds": round(progress.seconds, 2),
        "eta_s": round(progress.eta_s, 2) if math.isfinite(progress.eta_s) else None,
        "note": progress.note,
        "previews": previews,
    }
