"""What the writers of animations share: what two frames differ in, and time in whole ticks."""

from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Box(NamedTuple):
    """A part of a frame in pixels; right and bottom are the first beyond it."""

    left: int
    top: int
    right: int
    bottom: int

    def of(self, plane: NDArray[Any]) -> NDArray[Any]:
        """(h, w, ...) -> the part, the same memory."""
        return plane[self.top : self.bottom, self.left : self.right]


def is_visible(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(h, w, 4) -> (h, w): more opaque than not."""
    return pixels[..., 3] >= 128


def changed_box(before: NDArray[np.uint8] | None, after: NDArray[np.uint8]) -> Box | None:
    """The smallest box that holds every pixel that differs; all of it after nothing, None if none does."""
    height, width = after.shape[:2]
    if before is None:
        return Box(0, 0, width, height)
    differs = (before != after).any(2)
    rows, columns = np.flatnonzero(differs.any(1)), np.flatnonzero(differs.any(0))
    if not len(rows):
        return None
    return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


class Clock:
    """Seconds in whole ticks: what is rounded is rounded from the start, so that none are lost on the way."""

    def __init__(self, ticks_per_s: int, most_ticks: int) -> None:
        self._ticks_per_s = ticks_per_s
        self._most_ticks = most_ticks
        self._now = Fraction(0)

    def ticks(self, delay_s: Fraction) -> int:
        """How many the next frame is shown for, as many as the format can hold."""
        before = round(self._now)
        self._now += delay_s * self._ticks_per_s
        return min(round(self._now) - before, self._most_ticks)
