"""How far a film is, and when it will be done."""

import time
from typing import Any, Final

from impasto.tasks import FilmProgress, Stage
from impasto.video.assignment import Assignment
from impasto.video.shot import Painted

TELLING_FRAMES: Final = 3
"""Frames that must have been painted before an end is foretold."""


class Clock:
    """Watches frames come: a shot's first frame takes long, and the ones after it a fraction of that."""

    def __init__(self, job: Assignment, began: float) -> None:
        self.began = began
        self.job = job
        self.firsts = {start for start, _ in job.survey.shots}
        passes = job.pace.passes
        self.left = {True: len(self.firsts), False: len(job.survey.indices) * passes - len(self.firsts)}
        self.taken: dict[bool, list[float]] = {True: [], False: []}
        self.last = time.perf_counter()
        self.done = 0

    def frames_left(self) -> int:
        """To be painted in the last pass."""
        last = self.job.pace.passes - 1
        return sum(not self.job.folder.has(n, last) for n in range(len(self.job.survey.indices)))

    def saw(self, painted: Painted) -> FilmProgress:
        """A frame is there; with several workers, frames come that much closer together."""
        now = time.perf_counter()
        first = painted.turn == 0 and painted.number in self.firsts
        self.left[first] -= 1
        if not painted.found:
            self.taken[first].append(now - self.last)
        self.last = now
        self.done += 1
        return self.progress()

    def progress(self, note: str | None = None, stage: Stage = "painting") -> FilmProgress:
        frames = len(self.job.survey.indices) * self.job.pace.passes
        seconds = time.perf_counter() - self.began
        return FilmProgress(stage, self.done, frames, seconds, self._left_s(), note)

    def _left_s(self) -> float | None:
        """Each kind of frame takes as long as it did; the kind not seen yet is guessed from the other."""
        usual = {kind: sum(taken) / len(taken) for kind, taken in self.taken.items() if taken}
        if len(self.taken[False]) < min(TELLING_FRAMES, self.left[False]):
            return None
        ratio = self.job.first_frame_cost
        if False not in usual and True in usual:
            usual[False] = usual[True] / ratio
        if True not in usual and False in usual:
            usual[True] = usual[False] * ratio
        if not usual:
            return None
        return sum(self.left[kind] * seconds for kind, seconds in usual.items())

    def report(self) -> dict[str, Any]:
        """How long painting took, as JSON."""
        seconds = time.perf_counter() - self.began
        first, later = self.taken[True], self.taken[False]
        return {
            "seconds": round(seconds, 3),
            "frames": len(self.job.survey.indices),
            "shots": len(self.firsts),
            "first_frame_s": round(sum(first) / len(first), 3) if first else None,
            "later_frame_s": round(sum(later) / len(later), 3) if later else None,
            "frames_a_second": round((len(first) + len(later)) / seconds, 4),
        }
