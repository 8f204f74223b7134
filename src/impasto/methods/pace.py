"""Ending on time: each rung gets its share of what is left, and steps are counted by the clock."""

import time
from collections.abc import Callable, Sequence
from typing import Final

from impasto.methods.ladder import Rung

FINISHING_S_PER_PIXEL: Final = 4e-7
"""To write the picture."""
SETTLING_STEPS: Final = 3
"""Steps until the time of one is known."""


class Deadline:
    """Tells a climb when each rung has had its share of the time.

    shares: rungs with the steps in whose proportion the time is shared out; least: with the steps that they
    must have in any case. ends_at: on `clock`.
    """

    def __init__(
        self,
        shares: Sequence[Rung],
        least: Sequence[Rung],
        ends_at: float,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.least = least
        self.work = [_work(rung) for rung in shares]
        width, height = shares[-1].size_px
        self.ends_at = ends_at - FINISHING_S_PER_PIXEL * width * height
        self.clock = clock
        self.begun = clock()
        self.first_step = self.begun
        self.step_s = 0.0

    def enough(self, rung: int, steps: int) -> bool:
        """Asked after every step: whether the rung should end. steps: taken on it so far."""
        now = self.clock()
        if steps == 1:
            self.first_step = now
            return self.least[rung].steps <= 1 and now >= self._due(rung)
        self.step_s = (now - self.first_step) / (steps - 1)
        if steps >= self.least[rung].steps and now + self.step_s / 2 >= self._due(rung):
            self.begun = now
            return True
        return False

    def lateness(self, rung: int, steps: int) -> float:
        """Seconds by which even the fewest steps would end too late, told once, on the first rung."""
        if rung > 0 or steps != SETTLING_STEPS:
            return 0.0
        width, height = self.least[0].size_px
        left = sum(_work(one) for one in self.least) / (width * height) - steps
        return max(0.0, self.clock() + left * self.step_s - self.ends_at)

    def _due(self, rung: int) -> float:
        share = self.work[rung] / sum(self.work[rung:])
        return self.begun + (self.ends_at - self.begun) * share


def _work(rung: Rung) -> float:
    return float(rung.steps * rung.size_px[0] * rung.size_px[1])
