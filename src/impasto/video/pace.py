"""How far a film is, and when it will be done."""

import time
from typing import Any, Final, Literal

from impasto.tasks import FilmProgress, Stage
from impasto.video.assignment import Assignment
from impasto.video.folder import COLORED, Made

TELLING_FRAMES: Final = 3
"""Frames that must have been painted before an end is foretold."""


Kind = Literal["colored", "first", "later"]
"""Of a frame that is made: in colour; painted in full, first of a shot; painted after others."""


class Clock:
    """Watches frames come: a shot's first painting takes long, and the ones after it a fraction of that."""

    def __init__(self, job: Assignment, began: float) -> None:
        self.began = began
        self.job = job
        self.firsts = {start for start, _ in job.survey.shots}
        frames = len(job.survey.indices)
        self.left: dict[Kind, int] = {"colored": 0, "first": 0, "later": 0}
        if job.coloring:
            self.left["colored"] = frames
        if job.easel:
            self.left["first"] = len(self.firsts)
            self.left["later"] = frames * job.pace.passes - len(self.firsts)
        self.taken: dict[Kind, list[float]] = {kind: [] for kind in self.left}
        self.stage: Stage = "coloring" if job.coloring else "painting"
        self.last = time.perf_counter()
        self.done = 0

    def frames_left(self) -> int:
        """To be made in the last pass."""
        last = self.job.turns[-1]
        return sum(not self.job.folder.has(n, last) for n in range(len(self.job.survey.indices)))

    def saw(self, made: Made) -> FilmProgress:
        """A frame is there; with several workers, frames come that much closer together."""
        now = time.perf_counter()
        kind = self._kind(made)
        self.left[kind] -= 1
        if not made.found:
            self.taken[kind].append(now - self.last)
        self.last = now
        self.done += 1
        self.stage = "coloring" if kind == "colored" else "painting"
        return self.progress()

    def progress(self, note: str | None = None, stage: Stage | None = None) -> FilmProgress:
        frames = len(self.job.survey.indices) * len(self.job.turns)
        seconds = time.perf_counter() - self.began
        return FilmProgress(stage or self.stage, self.done, frames, seconds, self._left_s(), note)

    def _kind(self, made: Made) -> Kind:
        if made.turn == COLORED:
            return "colored"
        return "first" if made.turn == 0 and made.number in self.firsts else "later"

    def _left_s(self) -> float | None:
        """Each kind of frame takes as long as it did; paintings not seen yet are guessed from the others."""
        usual = {kind: sum(taken) / len(taken) for kind, taken in self.taken.items() if taken}
        telling: Kind = "later" if self.job.easel else "colored"
        if len(self.taken[telling]) < min(TELLING_FRAMES, self.left[telling]):
            return None
        ratio = self.job.first_frame_cost
        if "later" not in usual and "first" in usual:
            usual["later"] = usual["first"] / ratio
        if "first" not in usual and "later" in usual:
            usual["first"] = usual["later"] * ratio
        if not usual:
            return None
        # Those that were all found take no time.
        return sum(self.left[kind] * seconds for kind, seconds in usual.items())

    def report(self) -> dict[str, Any]:
        """How long it took, as JSON."""
        seconds = time.perf_counter() - self.began
        told: dict[str, Any] = {
            "seconds": round(seconds, 3),
            "frames": len(self.job.survey.indices),
            "shots": len(self.firsts),
        }
        for kind, taken in self.taken.items():
            told[f"{kind}_frame_s"] = round(sum(taken) / len(taken), 3) if taken else None
        return told | {"frames_a_second": round(sum(map(len, self.taken.values())) / seconds, 4)}
