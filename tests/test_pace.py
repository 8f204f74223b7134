import pytest

from impasto.methods.ladder import Rung
from impasto.methods.pace import Deadline

SHARES = [Rung((100, 100), 300), Rung((200, 200), 100)]
LEAST = [Rung((100, 100), 8), Rung((200, 200), 4)]


class Clock:
    """A step on the rung of 200 px takes a second, on that of 100 px a quarter."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def painted(seconds: float) -> tuple[list[int], float, float]:
    """Steps on each rung, the end, and how late it was told to be."""
    clock, taken, late = Clock(), [], 0.0
    deadline = Deadline(SHARES, LEAST, seconds, clock)
    for rung, step_s in enumerate((0.25, 1.0)):
        steps = 0
        while steps == 0 or not deadline.enough(rung, steps):
            clock.now += step_s
            steps += 1
            late = max(late, deadline.lateness(rung, steps))
        taken.append(steps)
    return taken, clock.now, late


@pytest.mark.parametrize("seconds", [10, 30, 100])
def test_it_ends_within_a_step_of_the_time(seconds: float) -> None:
    taken, end, late = painted(seconds)
    assert end == pytest.approx(seconds, abs=0.75)
    assert late == 0
    # Steps in the shares of 300 * 1 and 100 * 4.
    assert 0.25 * taken[0] == pytest.approx(seconds * 3 / 7, abs=0.5)


def test_time_that_a_rung_leaves_is_shared_by_those_above() -> None:
    clock = Clock()
    rungs = [Rung((100, 100), 100)] * 3
    deadline = Deadline(rungs, [Rung((100, 100), 4)] * 3, 100, clock)
    for _ in range(10):  # stands still after ten seconds, without asking whether it is enough
        clock.now += 1
        assert not deadline.enough(0, _ + 1)
    steps = 0
    while steps == 0 or not deadline.enough(1, steps):
        clock.now += 1
        steps += 1
    assert clock.now == pytest.approx(10 + 90 / 2, abs=1)


def test_more_time_is_more_steps_on_every_rung() -> None:
    (few, *_), (many, *_) = painted(10), painted(30)
    assert all(more > less for more, less in zip(many, few, strict=True))


def test_too_little_time_is_told_and_the_least_steps_are_taken() -> None:
    taken, _, late = painted(2)
    assert taken == [8, 4]
    assert late == pytest.approx(4, abs=0.5)


def test_steps_at_the_top_are_foretold_by_those_below() -> None:
    clock = Clock()
    deadline = Deadline(SHARES, LEAST, 5, clock)
    for steps in (1, 2, 3):
        clock.now += 0.25
        deadline.lateness(0, steps)
        late = [deadline.late_with(top, 0, steps) for top in (2, 6)] if steps == 3 else []
        deadline.enough(0, steps)
    assert late == pytest.approx([0, 1.75], abs=0.05)
