"""What a worker paints, one thing at a time: a job's picture, a picture of a batch, or a shot of a film."""

import json
import logging
from collections.abc import Iterator
from contextlib import chdir, closing
from functools import partial
from pathlib import Path
from typing import Any

from dbos import DBOSClient
from pydantic import ValidationError

from impasto.animation import repaint
from impasto.coloring import color
from impasto.errors import ImpastoError
from impasto.media.files import write_whole
from impasto.options import WorkerOptions
from impasto.server.claim import Claim, Hands, JobError
from impasto.server.store import OUTCOME, PREVIEW, Store, numbered, read_outcome
from impasto.server.watch import Watch, of_painting, show
from impasto.server.work import WORK, BatchTask, film_in, with_means_of
from impasto.studio import Studio
from impasto.tasks import Colored, ColorizeTask, Pixels, Progress, Result, StylizeTask, VideoTask
from impasto.video.assignment import Assignment, assign
from impasto.video.crew import make_shot
from impasto.video.folder import Folder

log = logging.getLogger("impasto.worker")


class Painter:
    """Paints what the queue brings. job: the row at hand."""

    def __init__(self, store: Store, client: DBOSClient, options: WorkerOptions, hands: Hands) -> None:
        self.store = store
        self.client = client
        self.options = options
        self.hands = hands
        self.job: str | None = None
        self.painted = 0
        self.studio = Studio()
        self._film: tuple[Path, Assignment] | None = None

    def paint(self, row_id: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Runs a job, or a part of one, to its outcome; JobError with the reason, Dropped if it is not ours.

        A payload with "job" is a part of that job: its "shot", or its painting "number".
        """
        claim = Claim(self.client, self.hands, row_id, payload.get("job"))
        folder = self.store.at_hand(payload["owner"], payload.get("job", row_id))
        work = self._shot if "shot" in payload else self._picture
        with self.hands.full():
            self.job = row_id
            try:
                outcome = claim.carried_out(
                    lambda: work(claim, folder, payload),
                    lambda error: reason_of(error, row_id, folder, payload),
                )
            finally:
                self.job = None
        if "job" not in payload:  # other parts of it may come
            self.store.let_go(folder)
        self.painted += 1
        return outcome

    def _picture(self, claim: Claim, folder: Path, payload: dict[str, Any]) -> dict[str, Any]:
        number = payload.get("number")
        found = read_outcome(folder, number)
        if found is not None:
            return found
        claim.begin()
        task = task_in(payload)
        assert isinstance(task, StylizeTask | ColorizeTask)
        watch = Watch(claim, self.store, folder / numbered(PREVIEW, number), float(payload["longest_s"]))
        # Inside of it, so that the recipe in the picture names no folder of this machine.
        with chdir(folder), closing(self._events(task, watch)) as events:  # type: ignore[type-var]
            for event in events:
                if isinstance(event, Progress):
                    watch.see(partial(of_painting, event), event.preview)
                else:
                    return _ended(event, watch, folder, number)
        raise AssertionError("a run ends with a result")

    def _events(
        self, task: StylizeTask | ColorizeTask, watch: Watch
    ) -> Iterator[Progress | Result | Colored]:
        task = with_means_of(self.options, task)
        if isinstance(task, ColorizeTask):
            return color(task, self.studio, watch.finish)
        return repaint(task, self.studio, watch.finish)

    def _shot(self, claim: Claim, folder: Path, payload: dict[str, Any]) -> dict[str, Any]:
        claim.begin()
        self.store.at_hand(payload["owner"], payload["job"], deeper=True)
        job = self._assignment(folder, payload)
        start, end = job.survey.shots[payload["shot"]]
        watch = Watch(claim, self.store, folder / PREVIEW, float(payload["longest_s"]))
        done = 0
        with closing(make_shot(job, range(start, end), watch.finish)) as frames:  # type: ignore[type-var]
            for done, (number, turn, _) in enumerate(frames, start=1):
                self.store.publish(*job.folder.files_of(number, turn))
                watch.see(partial(_frames, done), partial(_frame, job.folder, number, turn))
        return {"done": done}

    def _assignment(self, folder: Path, payload: dict[str, Any]) -> Assignment:
        """That of the shot before, if it was of the same film."""
        work = Folder(folder / payload["work"])
        if self._film is None or self._film[0] != work.path:
            task = task_in(payload)
            assert isinstance(task, VideoTask)
            survey = work.survey()
            if survey is None:
                raise JobError("the film's work folder is gone; ask for it again")
            task = film_in(folder, self.options, task)
            width, height = payload["size_px"]
            survey = survey.first(task.options.preview)
            self._film = work.path, assign(task, survey, (width, height), work, self.studio)
        return self._film[1]


def task_in(payload: dict[str, Any]) -> StylizeTask | ColorizeTask | VideoTask | BatchTask:
    """What a row asks for; JobError when this impasto does not know it."""
    try:
        return WORK.validate_python(payload["task"])
    except ValidationError as error:
        raise JobError("it was accepted by another version of impasto; ask for it again") from error


def reason_of(error: Exception, row_id: str, folder: Path, payload: dict[str, Any]) -> str:
    """The sentence, with the name that the client knows where it begins with a file of the job."""
    if isinstance(error, ImpastoError):
        plain = str(error).replace(f"{folder}/", "").replace(str(folder), "the store")
        first, *others = " ".join(plain.split()).removesuffix(".").split(" ")
        return " ".join([payload.get("names", {}).get(first, first), *others])
    log.exception("job %s met a mistake inside impasto", row_id)
    return f"a mistake inside impasto ended it ({type(error).__name__}); the worker's log tells more"


def _frames(done: int) -> dict[str, Any]:
    return {"done": done}


def _frame(folder: Folder, number: int, turn: int) -> Pixels:
    return folder.read(number, turn).rgb


def _ended(result: Result | Colored, watch: Watch, folder: Path, number: int | None) -> dict[str, Any]:
    assert result.task.output is not None
    height, width = result.rgb.shape[:2]
    outcome = {
        "painting": result.task.output.name,
        "size_px": [width, height],
        "seconds": result.seconds,
        "notes": [*result.notes, *watch.notes],
    }
    show(result.rgb, watch.preview)
    watch.store.publish(watch.preview, folder / result.task.output.name)
    watch.store.publish(write_outcome(folder, outcome, number))
    log.info("job %s is painted", watch.claim.row_id)
    return outcome


def write_outcome(folder: Path, outcome: dict[str, Any], number: int | None = None) -> Path:
    """What `read_outcome` finds; from then on the job, or the painting of a batch, is done."""
    text = json.dumps(outcome).encode()
    path = folder / numbered(OUTCOME, number)
    write_whole(path, lambda file: file.write(text))
    return path
