"""Films and batches: split into shots and pictures, which the queue spreads over the workers, and joined.

A foreman paints nothing and waits for those who do. If its worker dies, another takes its place and finds the
parts where they are.
"""

import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from typing import Any, BinaryIO, Final

from dbos import DBOSClient, WorkflowStatus

from impasto.media.files import write_whole
from impasto.media.film import open_film
from impasto.media.frames import Timeline, read_frames
from impasto.options import WorkerOptions
from impasto.server.claim import UNFINISHED, Claim, Dropped, Hands, JobError
from impasto.server.painter import reason_of, task_in, write_outcome
from impasto.server.parts import DONE, FAILED, Parts
from impasto.server.store import PREVIEW, Store, read_outcome
from impasto.server.watch import LOOK_S, Watch, of_film, show
from impasto.server.work import BatchTask, film_in
from impasto.studio import Studio
from impasto.tasks import FilmProgress, FilmResult, VideoTask
from impasto.video import paint_film
from impasto.video.assignment import Assignment
from impasto.video.folder import Made

JOINED: Final = "paintings.zip"
NOTHING_YET: Final = "it was stopped before there was something to keep"


class Foreman:
    """Sees to films and batches, several at once."""

    def __init__(
        self, store: Store, client: DBOSClient, options: WorkerOptions, hands: Hands, studio: Studio
    ) -> None:
        self.store = store
        self.client = client
        self.options = options
        self.hands = hands
        self.studio = studio

    def see_to(self, job_id: str, payload: dict[str, Any]) -> dict[str, Any]:
        """A film or a batch to its outcome; JobError with the reason, Dropped when it is another's."""
        claim = Claim(self.client, self.hands, job_id)
        folder = self.store.at_hand(payload["owner"], job_id, deeper=True)
        parts = Parts(self.client, job_id, payload["owner"])

        def work() -> dict[str, Any]:
            found = read_outcome(folder)
            if found is not None:
                return found
            claim.begin()
            task = task_in(payload)
            if isinstance(task, BatchTask):
                return _Batch(claim, parts, self.store, payload).join(task)
            assert isinstance(task, VideoTask)
            film = _Film(claim, parts, self.store, payload)
            return film.join(film_in(folder, self.options, task), self.studio)

        with self.hands.full():
            try:
                outcome = claim.carried_out(work, lambda error: reason_of(error, job_id, folder, payload))
                self.store.let_go(folder)
                return outcome
            except Dropped:
                if claim.is_cancelled():
                    parts.cancel()
                raise
            except JobError:
                parts.cancel()
                raise


class _Whole:
    """A job in parts, and its client who watches."""

    def __init__(self, claim: Claim, parts: Parts, store: Store, payload: dict[str, Any]) -> None:
        self.claim = claim
        self.parts = parts
        self.store = store
        self.folder = store.job_folder(parts.owner, parts.job_id)
        self.payload = payload
        self.began = time.monotonic()
        self.watch = Watch(claim, store, self.folder / PREVIEW, float(payload["longest_s"]))
        self.previews: dict[int, int] = {}

    def hand_out(self, payloads: dict[int, dict[str, Any]]) -> None:
        common = {key: self.payload[key] for key in ("names", "longest_s")}
        self.parts.hand_out({number: common | own for number, own in payloads.items()})
        self.claim.uncount()  # whoever dies while we wait dies of a part, and those are counted

    def until_ended(self, told: Callable[[], dict[str, Any]]) -> Iterator[dict[int, WorkflowStatus]]:
        """The parts' rows, looked at until none is unfinished. told: how it goes with the whole."""
        while True:
            self.watch.see(lambda: told() | {"previews": sum(self.previews.values())})
            if self.watch.finish():
                self.parts.finish()
            rows = self.parts.rows()
            yield rows
            if not any(row.status in UNFINISHED for row in rows.values()):
                break
            self.claim.hands.leave.wait(LOOK_S)
        self.claim.begin()
        self.store.at_hand(self.parts.owner, self.parts.job_id, deeper=True)

    def end(self, outcome: dict[str, Any]) -> dict[str, Any]:
        """The outcome, which others see when they see all else."""
        self.store.publish(self.watch.preview, self.folder / outcome["painting"])
        self.store.publish(write_outcome(self.folder, outcome))
        return outcome

    def told_by(self, number: int) -> dict[str, Any]:
        told = self.parts.told(number)
        self.previews[number] = told.get("previews", 0)
        return told

    def seconds(self) -> float:
        return round(time.monotonic() - self.began, 2)


class _Film(_Whole):
    def join(self, task: VideoTask, studio: Studio) -> dict[str, Any]:
        self.progress: dict[str, Any] = {"stage": "looking"}
        result = None
        with closing(paint_film(task, studio, self.watch.finish, crew=self._crew)) as events:  # type: ignore[type-var]
            for event in events:
                if isinstance(event, FilmResult):
                    result = event
                else:
                    self._tell(event)
        if result is None:
            raise JobError(NOTHING_YET)
        film = open_film(task.output)
        line = Timeline((0,), 1, film.time_base, counted=True)
        show(next(read_frames(film, line, (0,), film.size_px)).rgb, self.watch.preview)
        outcome = {
            "painting": task.output.name,
            "size_px": list(film.size_px),
            "frames": result.frames,
            "seconds": self.seconds(),
            "notes": [*result.notes, *self.watch.notes],
        }
        self.end(outcome)
        self.store.remove_folder(self.work)  # not before: who is killed here finds them again
        return outcome

    def _tell(self, event: FilmProgress) -> None:
        if event.stage != self.progress["stage"]:
            self.watch.look_at_once()
        self.progress = of_film(event)
        if event.stage != "painting":  # while frames are painted, whoever waits for them tells
            self.watch.see(lambda: self.progress | {"previews": sum(self.previews.values())})

    def _crew(self, job: Assignment, _task: VideoTask, _stop: Callable[[], bool]) -> Iterator[Made]:
        """Hands out the shots, and yields their frames as others paint them."""
        frames, most = len(job.survey.indices), self.payload["most_frames"]
        if frames > most:
            raise JobError(
                f"the film has {frames} frames, more than {most}; name a part of it by begin and end"
            )
        shots = [range(start, end) for start, end in job.survey.shots]
        self.work = job.folder.path
        self.store.publish(self.work)
        last = job.turns[-1]
        common = {"task": self.payload["task"], "work": job.folder.path.name, "size_px": list(job.size_px)}
        self.hand_out(
            {
                number: common | {"shot": number}
                for number, shot in enumerate(shots)
                if not all(job.folder.has(frame, last) for frame in shot)
            }
        )
        self.progress = {"stage": "painting", "done": 0, "of": frames * len(job.turns)}
        seen = [0] * len(shots)
        for rows in self.until_ended(lambda: self.progress):
            for number, shot in enumerate(shots):
                done = self._done(number, rows.get(number), len(shot) * len(job.turns))
                for count in range(seen[number], done):
                    turn, place = divmod(count, len(shot))
                    yield Made(shot[place], job.turns[turn], found=number not in rows)
                seen[number] = max(done, seen[number])

    def _done(self, number: int, row: WorkflowStatus | None, frames: int) -> int:
        """How many frames of a shot are painted; a shot without a row was painted before."""
        if row is None or row.status == DONE:
            return frames if row is None or not self.watch.finish() else 0
        if row.status in FAILED:
            raise JobError(self.parts.reason(number))
        return int(self.told_by(number).get("done", 0)) if row.status == "PENDING" else 0


class _Batch(_Whole):
    def join(self, task: BatchTask) -> dict[str, Any]:
        one = {
            number: {"number": number, "task": each.model_dump(mode="json")}
            for number, each in enumerate(task.tasks)
        }
        self.hand_out({n: own for n, own in one.items() if read_outcome(self.folder, n) is None})
        self.states = ["queued"] * len(one)
        self.told: dict[str, Any] = {"stage": "painting", "done": 0, "of": len(one)}
        for rows in self.until_ended(lambda: self.told):
            self._look(rows)
        pictures = [self._picture(number) for number in range(len(one))]
        if not any(picture["painting"] for picture in pictures):
            raise JobError(next((each["reason"] for each in pictures if each["reason"]), NOTHING_YET))
        write_whole(self.folder / JOINED, partial(self._zip, pictures))
        outcome = {
            "painting": JOINED,
            "pictures": pictures,
            "seconds": self.seconds(),
            "notes": [f"{each['name']}: {each['reason']}" for each in pictures if each["reason"]],
        }
        return self.end(outcome)

    def _look(self, rows: dict[int, WorkflowStatus]) -> None:
        for number in range(len(self.states)):
            row = rows.get(number)
            self.states[number] = "done" if row is None else _STATES.get(row.status, "failed")
            if row is not None and row.status == "PENDING":
                self.told_by(number)
        done = sum(state not in {"queued", "running"} for state in self.states)
        left = len(self.states) - done
        eta_s = round(self.seconds() / done * left, 2) if done else None
        self.told = {
            "stage": "painting",
            "done": done,
            "of": len(self.states),
            "parts": list(self.states),
            "seconds": self.seconds(),
            "eta_s": eta_s,
        }

    def _picture(self, number: int) -> dict[str, Any]:
        found = read_outcome(self.folder, number) or {}
        row = self.parts.rows().get(number) if not found else None
        reason = None
        if not found:
            reason = self.parts.reason(number) if row and row.status in FAILED else "it was not begun"
        return {
            "name": self.payload["pictures"][number],
            "painting": found.get("painting"),
            "size_px": found.get("size_px"),
            "reason": reason,
        }

    def _zip(self, pictures: list[dict[str, Any]], file: BinaryIO) -> None:
        """Stored, since pictures are small already."""
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as whole:
            for picture in pictures:
                if picture["painting"]:
                    source = self.folder / picture["painting"]
                    whole.write(source, picture["name"] + source.suffix)


_STATES: Final = {
    "ENQUEUED": "queued",
    "DELAYED": "queued",
    "PENDING": "running",
    DONE: "done",
    "CANCELLED": "cancelled",
}
