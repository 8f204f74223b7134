from collections import deque

import pytest
import torch
from torch import Tensor

from impasto.methods import lbfgs
from impasto.methods.lbfgs import FIRST_STEP, Lbfgs

CURVATURE = torch.logspace(0, 1, 40)


def textbook(x: Tensor, history: int, steps: int) -> Tensor:
    """Nocedal & Wright 2006, algorithm 7.4, with its loops, on a bowl about 0."""
    pairs: deque[tuple[Tensor, Tensor]] = deque(maxlen=history)
    gradient = CURVATURE * x
    for _ in range(steps):
        q, shares = gradient.clone(), []
        for s, y in reversed(pairs):
            shares.append((s @ q) / (s @ y))
            q -= shares[-1] * y
        if pairs:
            s, y = pairs[-1]
            q *= (s @ y) / (y @ y)
        else:
            q *= FIRST_STEP / gradient.square().mean().sqrt()
        for (s, y), share in zip(pairs, reversed(shares), strict=True):
            q += (share - (y @ q) / (s @ y)) * s
        moved = x - q
        pairs.append((moved - x, CURVATURE * (moved - x)))
        x, gradient = moved, CURVATURE * moved
    return x


@pytest.mark.parametrize("chunk", [7, 1 << 20])
@pytest.mark.parametrize("history", [1, 3, 10])
def test_it_takes_the_textbooks_steps(history: int, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lbfgs, "CHUNK", chunk)
    start = 0.05 * torch.randn(40, generator=torch.Generator().manual_seed(0))
    search, x = Lbfgs(1.0, history), start
    for _ in range(8):
        x = search.step(x, CURVATURE * x)
    torch.testing.assert_close(x, textbook(start, history, 8), rtol=1e-3, atol=1e-6)


def test_a_lean_search_changes_the_picture_in_place() -> None:
    x = torch.ones(40)
    assert Lbfgs(1.0, 3, lean=True).step(x, CURVATURE * x) is x


def test_without_a_history_steps_have_a_fixed_length() -> None:
    x, search = torch.ones(40), Lbfgs(1.0, 0)
    for _ in range(3):
        moved = search.step(x, CURVATURE * x)
        assert (moved - x).square().mean().sqrt().item() == pytest.approx(FIRST_STEP)
        x = moved


def test_a_pair_without_curvature_is_left_out() -> None:
    x, search = torch.ones(40), Lbfgs(1.0, 4)
    for _ in range(5):  # the gradient never changes
        x = search.step(x, torch.ones(40))
    assert x.isfinite().all()
    assert x.mean() < 1


def repeated(x: torch.Tensor) -> torch.Tensor:
    return x.repeat_interleave(2)


def test_what_was_learnt_on_a_small_picture_holds_on_a_large_one() -> None:
    """A mean over places, and a picture whose every place lies there twice."""
    start = 0.05 * torch.randn(40, generator=torch.Generator().manual_seed(0))
    small, x = Lbfgs(history=5), start
    for _ in range(4):
        before, x = x, small.step(x, CURVATURE * x / 40)
    large = Lbfgs(history=5)
    large.take_over(small, repeated)
    curvature = repeated(CURVATURE) / 80
    y = large.step(repeated(before), curvature * repeated(before))
    torch.testing.assert_close(y, repeated(x), rtol=1e-3, atol=1e-6)
    for _ in range(30):
        y = large.step(y, curvature * y)
    assert y.abs().max() < 1e-3


def test_a_search_of_one_step_has_nothing_to_hand_on() -> None:
    small, large, x = Lbfgs(), Lbfgs(), torch.ones(40)
    small.step(x, CURVATURE * x)
    large.take_over(small, repeated)
    fresh, y = Lbfgs(), torch.ones(80)
    assert torch.equal(large.step(y, y), fresh.step(y, y))
