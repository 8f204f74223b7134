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
        self.ends_at = ends_at
        self.painted_at = ends_at - FINISHING_S_PER_PIXEL * width * height
        self.clock = clock
        self.begun = self.first_step = self.last_step = clock()

    def enough(self, rung: int, steps: int) -> bool:
        """Asked after every step: whether the rung should end. steps: taken on it so far."""
        now = self.clock()
        if steps == 1:
            self.begun, self.first_step = self.last_step, now  # the rung below may have stood still
        self.last_step = now
        if steps < max(2, self.least[rung].steps):
            return False
        step_s = (now - self.first_step) / (steps - 1)
        return now + step_s / 2 >= self._due(rung)

    def lateness(self, rung: int, steps: int) -> float:
        """Seconds by which even the fewest steps would end too late, told once, on the first rung."""
        if rung > 0 or steps != SETTLING_STEPS:
            return 0.0
        return max(0.0, self.clock() + self._least_s(rung, steps) - self.painted_at)

    def late_with(self, top_steps: float, rung: int, steps: int) -> float:
        """Seconds by which so many steps of the top rung's size, begun now, would end too late.

        To be asked when `lateness` is told.
        """
        top_step_s = self._step_s(steps) * _pixels(self.least[-1]) / _pixels(self.least[rung])
        return max(0.0, self.clock() + top_steps * top_step_s - self.painted_at)

    def left_s(self, rung: int, steps: int) -> float:
        """Seconds until the end: what was asked for, or what the fewest steps still take."""
        return max(0.0, self.ends_at - self.clock(), self._least_s(rung, steps))

    def _least_s(self, rung: int, steps: int) -> float:
        if steps < SETTLING_STEPS:
            return 0.0
        here = self.least[rung]
        above = sum(_work(one) for one in self.least[rung + 1 :]) / _work(here) * here.steps
        return (max(0, here.steps - steps) + above) * self._step_s(steps)

    def _step_s(self, steps: int) -> float:
        # Asked before `enough` is told of the step just taken.
        return (self.last_step - self.first_step) / (steps - 2)

    def _due(self, rung: int) -> float:
        share = self.work[rung] / sum(self.work[rung:])
        return self.begun + (self.painted_at - self.begun) * share


def _pixels(rung: Rung) -> int:
    return rung.size_px[0] * rung.size_px[1]


def _work(rung: Rung) -> float:
    return float(rung.steps * _pixels(rung))
