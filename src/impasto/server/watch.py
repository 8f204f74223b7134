"""The client watches a job: progress and previews go out, and what the client wishes comes in."""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from dbos import DBOS

from impasto.media.picture import Picture, resize_picture, write_picture
from impasto.server.claim import Claim, Dropped
from impasto.server.store import Store
from impasto.tasks import FilmProgress, Pixels, Progress

PREVIEW_PX: Final = 720
TOO_LONG: Final = "stopped after the longest time that this server allows; a smaller size is quicker"
LOOK_S: Final = 0.5
"""How often the client hears how it goes, and is asked whether they have changed their mind."""
_PREVIEW_SHARE: Final = 0.1
"""Of the time, for previews."""


class Watch:
    """Tells the client how it goes, and the run what the client wishes. notes: what the result should say."""

    def __init__(self, claim: Claim, store: Store, preview: Path, longest_s: float) -> None:
        self.claim = claim
        self.store = store
        self.preview = preview
        self.ends_at = time.monotonic() + longest_s
        self.notes: list[str] = []
        self.previews = 0
        self._finishing = False
        self._look_at = self._preview_at = 0.0

    def finish(self) -> bool:
        """Whether what is there shall become the result."""
        return self._finishing

    def look_at_once(self) -> None:
        """The next look is not put off."""
        self._look_at = 0.0

    def see(self, told: Callable[[], dict[str, Any]], picture: Callable[[], Pixels] | None = None) -> None:
        """told: how it goes, asked now and then. picture: (h, w, 3) in [0, 1], likewise, for the preview.

        Dropped when the job is no longer this worker's, who has put it back if need be.
        """
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + LOOK_S
        wish = self.claim.wish()
        if wish == "put back":
            self.claim.put_back()
        if wish in {"put back", "drop"}:
            raise Dropped
        if picture is not None and now >= self._preview_at:
            self._show(picture)
        DBOS.set_event("progress", told() | ({"previews": self.previews} if picture else {}))
        if wish == "go on" and now > self.ends_at and not self._finishing:
            self.notes.append(TOO_LONG)
            wish = "finish"
        self._finishing |= wish == "finish"

    def _show(self, picture: Callable[[], Pixels]) -> None:
        began = time.monotonic()
        show(picture(), self.preview)
        self.store.publish(self.preview)
        self.previews += 1
        took_s = time.monotonic() - began
        self._preview_at = time.monotonic() + max(1.0, took_s / _PREVIEW_SHARE)


def show(rgb: Pixels, path: Path) -> None:
    """(h, w, 3) in [0, 1] -> a preview."""
    picture = resize_picture(Picture(rgb), min(PREVIEW_PX, max(rgb.shape[:2])))
    write_picture(path, picture, quality=85)


def of_painting(progress: Progress) -> dict[str, Any]:
    """A step, as JSON."""
    moves = progress.frames > 1
    return {
        "stage": "painting",
        "done": progress.frame - 1 if moves else None,
        "of": progress.frames if moves else None,
        "step": progress.step,
        "steps": progress.steps,
        "rung": progress.rung,
        "rungs": progress.rungs,
        "size_px": list(progress.size_px),
        "loss": _number(progress.loss),
        "seconds": round(progress.seconds, 2),
        "eta_s": _number(progress.eta_s),
        "note": progress.note,
    }


def of_film(progress: FilmProgress) -> dict[str, Any]:
    """A frame, as JSON."""
    return {
        "stage": progress.stage,
        "done": progress.done,
        "of": progress.frames,
        "seconds": round(progress.seconds, 2),
        "eta_s": None if progress.eta_s is None else round(progress.eta_s, 2),
        "note": progress.note,
    }


def _number(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None
