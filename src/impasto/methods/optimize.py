"""The search: a picture moves against the gradient of its loss, watched so that it cannot go astray.

L-BFGS has a file of its own. Adam by Kingma & Ba 2015, with the bias-corrected average of its pictures
(Polyak). SGD with momentum.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import torch
from torch import Tensor

from impasto.methods.lbfgs import HISTORY, Lbfgs
from impasto.options import Optimizer

LossAndGradient = Callable[[Tensor], tuple[Tensor, Tensor]]
"""(1, 3, h, w) -> loss (), gradient (1, 3, h, w)."""

EXPLODED: Final = 5.0
"""A loss this many times the first one means that the search has gone astray."""
MOST_RESTARTS: Final = 4
STALL_STEPS: Final = 10
STALL_GAIN: Final = 1e-3
"""A rung ends early when `STALL_STEPS` steps have lowered the loss by less than this share."""


class Search(Protocol):
    """Turns a picture and its gradient, both flat, into the next picture."""

    def step(self, x: Tensor, gradient: Tensor) -> Tensor: ...

    def result(self, x: Tensor) -> Tensor:
        """What to show for the path so far, given its last picture."""

    def undo(self, x: Tensor) -> Tensor:
        """Of a search that changes pictures in place: the picture before its last step."""

    def restart(self, caution: float) -> None:
        """Forgets the path, and goes on with steps `caution` times as long as at first, in (0, 1]."""


class Adam:
    def __init__(self, rate: float = 0.02) -> None:
        self.rate = rate
        self.restart(1.0)

    def restart(self, caution: float) -> None:
        self.caution = caution
        self.steps = 0
        self.first: Tensor | float = 0.0
        self.second: Tensor | float = 0.0
        self.average: Tensor | float = 0.0

    def step(self, x: Tensor, gradient: Tensor) -> Tensor:
        self.steps += 1
        self.first = 0.9 * self.first + 0.1 * gradient
        self.second = 0.99 * self.second + 0.01 * gradient.square()
        mean = self.first / (1 - 0.9**self.steps)
        spread = torch.sqrt(self.second / (1 - 0.99**self.steps))
        moved = (x - self.caution * self.rate * mean / (spread + 1e-12)).clamp(0, 1)
        self.average = 0.9 * self.average + 0.1 * moved
        return moved

    def result(self, x: Tensor) -> Tensor:
        return x if self.steps == 0 else torch.as_tensor(self.average / (1 - 0.9**self.steps))

    def undo(self, x: Tensor) -> Tensor:
        return x


class Sgd:
    """Steps of a fixed length, so that one rate serves every objective."""

    def __init__(self, rate: float = 0.004) -> None:
        self.rate = rate
        self.restart(1.0)

    def restart(self, caution: float) -> None:
        self.caution = caution
        self.velocity: Tensor | float = 0.0

    def step(self, x: Tensor, gradient: Tensor) -> Tensor:
        length = gradient.square().mean().sqrt().clamp(min=1e-30)
        self.velocity = 0.9 * self.velocity + gradient / length
        return (x - self.caution * self.rate * self.velocity).clamp(0, 1)

    def result(self, x: Tensor) -> Tensor:
        return x

    def undo(self, x: Tensor) -> Tensor:
        return x


def search_for(optimizer: Optimizer, history: int = HISTORY, lean: bool = False) -> Search:
    """A search that has not begun; history and lean are L-BFGS's."""
    if optimizer == "adam":
        return Adam()
    return Sgd() if optimizer == "sgd" else Lbfgs(history=history, lean=lean)


class Step(NamedTuple):
    """A step taken: the loss it started from, as last looked at, and the picture it led to, (1, 3, h, w)."""

    loss: float
    picture: Tensor
    note: str | None = None


@dataclass
class Watchdog:
    """Remembers the best picture, and tells when the search has gone astray or stands still.

    It sees the loss of one step in `look_every`.
    """

    best: Tensor
    look_every: int = 1
    best_loss: float = float("inf")
    restarts: int = 0

    def __post_init__(self) -> None:
        self.detail = float(self.best.std())
        self.losses: list[float] = []

    def astray(self, picture: Tensor, loss: float) -> str | None:
        if not loss < float("inf"):
            return "the loss was not a number"
        if self.losses and loss > EXPLODED * self.losses[0]:
            return "the loss exploded"
        if float(picture.std()) < 0.1 * self.detail:
            return "the picture went grey"
        return None

    def stalled(self) -> bool:
        looks = max(2, STALL_STEPS // self.look_every)
        recent = self.losses[-looks:]
        return len(recent) == looks and min(recent) > (1 - STALL_GAIN) * recent[0]

    def saw(self, picture: Tensor, loss: float) -> None:
        self.losses.append(loss)
        if loss < self.best_loss:
            self.best, self.best_loss = picture, loss


def descend(
    start: Tensor,
    loss_and_gradient: LossAndGradient,
    steps: int,
    search: Search | None = None,
    look_every: int = 1,
) -> Iterator[Step]:
    """Yields each step of the search from `start` (1, 3, h, w); stops early when it stands still.

    search: one that has not begun; L-BFGS, if left out.

    The loss is looked at, which waits for the device, at the first step and every `look_every` steps.

    When the loss explodes or is no number, or the picture turns grey, the search starts again from the
    best picture so far with a quarter of the step, up to `MOST_RESTARTS` times, and then ends there.
    """
    search = search or Lbfgs()
    watchdog = Watchdog(start, look_every)
    x, seen = start, float("nan")
    for taken in range(steps):
        loss, gradient = loss_and_gradient(x)
        looks = taken % look_every == 0
        seen = float(loss) if looks else seen
        trouble = watchdog.astray(x, seen) if looks else None
        if trouble:
            watchdog.restarts += 1
            in_place = watchdog.best.data_ptr() == x.data_ptr()
            x = search.undo(x.flatten()).view_as(x) if in_place else watchdog.best
            if watchdog.restarts > MOST_RESTARTS:
                yield Step(
                    watchdog.best_loss, x, f"{trouble} again and again, the best picture before is kept"
                )
                return
            search.restart(0.25**watchdog.restarts)
            yield Step(watchdog.best_loss, x, f"{trouble}, went on from the best picture with smaller steps")
            continue
        if looks:
            watchdog.saw(x, seen)
            if watchdog.stalled():
                return
        x = search.step(x.flatten(), gradient.flatten()).view_as(x)
        yield Step(seen, search.result(x.flatten()).view_as(x))
