"""L-BFGS, for pictures of any size: Nocedal 1980, without a line search, one gradient a step.

The two-loop recursion is written with matrices: the direction is a combination of the gradient and the
remembered pairs, and its coefficients follow from their inner products alone. So the pairs are read twice
a step, in chunks, and nothing waits for the device.
"""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import torch
from torch import Tensor

HISTORY: Final = 10
FIRST_STEP: Final = 0.01
LONGEST_STEP: Final = 0.1
"""Root mean square of a step, in units of the picture's range."""
CHUNK: Final = 1 << 20


class Direction(NamedTuple):
    """Coefficients: a number for the gradient, and one each for the steps and the gradient's changes."""

    gradient: Tensor
    steps: Tensor
    changes: Tensor


class Lbfgs:
    """The last `history` steps and the changes of the gradient along them tell the curvature.

    With a history of 0, every step follows the gradient at a fixed length.
    """

    def __init__(self, caution: float = 1.0, history: int = HISTORY, lean: bool = False) -> None:
        """caution: multiplies the longest step. lean: pairs in bfloat16, the picture is changed in place."""
        self.caution = caution
        self.history = history
        self.lean = lean
        self.restart(caution)

    def restart(self, caution: float) -> None:
        self.caution = caution
        self.taken = 0
        self.learnt = 0
        """So many of the pairs were complete before the first step."""

    def take_over(self, smaller: "Lbfgs", enlarged: Callable[[Tensor], Tensor]) -> None:
        """Begins with the pairs of a search on a smaller picture; enlarged: (m,) there -> (n,) here.

        The loss is a mean over places, so a gradient is smaller here by as much as the picture is larger.
        """
        # The last step lies where the oldest pair was, and its change of the gradient is not known yet.
        kept = min(smaller.taken - 1, smaller.history - 1, self.history)
        if kept < 1:
            return
        last = enlarged(smaller.last.float())
        self._begin(last)
        share = len(smaller.last) / len(last)
        for slot in range(kept):
            before = (smaller.taken - 1 - kept + slot) % smaller.history
            self.steps[slot] = enlarged(smaller.steps[before].float())
            self.changes[slot] = share * enlarged(smaller.changes[before].float())
        for part in _chunks(last):
            steps, changes = (pairs[:kept, part].float() for pairs in (self.steps, self.changes))
            self.reach[:kept] += steps.square().sum(1)
            self.on_changes[0, :kept, :kept] += steps @ changes.T
            self.on_changes[1, :kept, :kept] += changes @ changes.T
        self.learnt = self.taken = kept

    def step(self, x: Tensor, gradient: Tensor) -> Tensor:
        """The next picture, like x (n,), float32."""
        if self.taken == 0:
            self._begin(gradient)
        direction = self._direction(gradient)
        slot = self.taken % max(1, self.history)
        kept = len(direction.steps)
        length = x.new_zeros(())
        for part in _chunks(x):
            along = direction.gradient * gradient[part].float()
            if kept:
                along += direction.steps @ self.steps[:kept, part].float()
                along += direction.changes @ self.changes[:kept, part].float()
            length += along.square().sum()
            if self.history:
                # The oldest pair's place is free as soon as this part of it was used.
                self.steps[slot, part] = along
        longest = self.caution * LONGEST_STEP * len(x) ** 0.5
        shorter = -(longest / length.sqrt().clamp(min=1e-30)).clamp(max=1)
        sane = length.isfinite()
        moved = x if self.lean else x.clone()
        for part in _chunks(x):
            if self.history:
                self.steps[slot, part] = torch.where(sane, shorter * self.steps[slot, part].float(), 0)
                moved[part] += self.steps[slot, part]
            else:
                along = direction.gradient * gradient[part].float()
                moved[part] += torch.where(sane, shorter * along, 0)
        if self.history:
            self.reach[slot] = length * shorter.square()
            self.last = gradient
        self.taken += 1
        return moved

    def result(self, x: Tensor) -> Tensor:
        return x

    def undo(self, x: Tensor) -> Tensor:
        """The picture before the last step, as far as that is remembered."""
        if self.taken and self.history:
            for part in _chunks(x):
                x[part] -= self.steps[(self.taken - 1) % self.history, part]
        return x

    def _begin(self, gradient: Tensor) -> None:
        held = torch.bfloat16 if self.lean else torch.float32
        exact = torch.float32 if gradient.device.type == "mps" else torch.float64
        self.steps, self.changes = (
            gradient.new_zeros((self.history, len(gradient)), dtype=held) for _ in range(2)
        )
        self.reach = gradient.new_zeros(self.history, dtype=exact)
        self.on_changes = gradient.new_zeros((2, self.history, self.history), dtype=exact)
        """Inner products of the steps, and of the changes, with the changes."""
        self.last = gradient if self.history else gradient[:0]

    def _direction(self, gradient: Tensor) -> Direction:
        square = sum((gradient[part].float().square().sum() for part in _chunks(gradient)), torch.zeros(()))
        first = self.caution * FIRST_STEP / (square / len(gradient)).sqrt().clamp(min=1e-30)
        if self.taken == 0 or self.history == 0:
            return Direction(first, first.new_zeros(0), first.new_zeros(0))
        kept = min(self.taken, self.history)
        inner = self._learn(gradient, kept)
        order = torch.arange(self.taken - kept, self.taken, device=gradient.device) % self.history
        steps_changes, changes_changes = self.on_changes[:, order][:, :, order]
        # A pair along which the gradient did not grow tells nothing: it is left out, as zeros.
        growth, most = steps_changes.diagonal(), (self.reach[order] * changes_changes.diagonal()).sqrt()
        sound = growth > 1e-10 * most
        both = sound[:, None] & sound
        found = two_loops(
            torch.where(both, steps_changes, torch.eye(kept).to(steps_changes)),
            torch.where(both, changes_changes, 0.0),
            torch.where(sound, inner[0, order], 0.0),
            torch.where(sound, inner[1, order], 0.0),
            newest=torch.where(sound, torch.arange(kept, device=sound.device), 0).max(),
        )
        steps, changes = (
            torch.zeros_like(one).index_put((order,), torch.where(sound.any(), one, 0)).float()
            for one in found[1:]
        )
        return Direction(torch.where(sound.any(), found.gradient.float(), first), steps, changes)

    def _learn(self, gradient: Tensor, kept: int) -> Tensor:
        """Completes the last pair; (2, kept): inner products of steps and changes with the gradient."""
        newest = (self.taken - 1) % self.history
        inner = self.reach.new_zeros((2, kept, 2))
        complete = self.taken == self.learnt
        for part in _chunks(gradient):
            here = gradient[part].float()
            if not complete:
                self.changes[newest, part] = here - self.last[part].float()
            against = torch.stack([self.changes[newest, part].float(), here])
            for index, rows in enumerate((self.steps, self.changes)):
                inner[index] += rows[:kept, part].float() @ against.T
        if not complete:
            self.on_changes[:, :kept, newest] = inner[..., 0]
            self.on_changes[1, newest, :kept] = inner[1, :, 0]
        return inner[..., 1]


def two_loops(
    steps_changes: Tensor,
    changes_changes: Tensor,
    steps_gradient: Tensor,
    changes_gradient: Tensor,
    newest: Tensor,
) -> Direction:
    """The inverse Hessian's product with the gradient, from inner products (k, k) and (k,), oldest first.

    newest: index () of the pair whose curvature scales the gradient.
    Nocedal & Wright 2006, algorithm 7.4; its loops are solutions of triangular systems.
    """
    upper = steps_changes.triu()
    tiny = torch.finfo(upper.dtype).tiny
    scale = upper.diagonal().take(newest) / changes_changes.diagonal().take(newest).clamp(min=tiny)
    alpha = torch.linalg.solve_triangular(upper, steps_gradient[:, None], upper=True)
    rest = scale * (changes_gradient[:, None] - changes_changes @ alpha)
    delta = torch.linalg.solve_triangular(upper.T, upper.diagonal()[:, None] * alpha - rest, upper=False)
    return Direction(scale, delta[:, 0], -scale * alpha[:, 0])


def _chunks(x: Tensor) -> Iterator[slice]:
    return (slice(start, start + CHUNK) for start in range(0, len(x), CHUNK))
