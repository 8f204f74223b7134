from typing import get_args

import pytest
import torch
from torch import Tensor

from impasto.methods.lbfgs import Lbfgs
from impasto.methods.optimize import MOST_RESTARTS, descend, search_for
from impasto.options import Optimizer

TARGET = torch.rand((1, 3, 8, 8), generator=torch.Generator().manual_seed(0)) * 0.8 + 0.1
START = torch.full((1, 3, 8, 8), 0.5) + 0.05 * torch.randn(
    (1, 3, 8, 8), generator=torch.Generator().manual_seed(1)
)
CURVATURE = torch.logspace(0, 2, 192).view(1, 3, 8, 8)


def bowl(x: Tensor) -> tuple[Tensor, Tensor]:
    away = x - TARGET
    return (CURVATURE * away**2).sum() / 2, CURVATURE * away


@pytest.mark.parametrize("optimizer", get_args(Optimizer))
def test_every_search_lowers_the_loss_of_a_bowl(optimizer: Optimizer) -> None:
    *_, last = descend(START, bowl, 200, search_for(optimizer))
    assert bowl(last.picture)[0] < 0.05 * bowl(START)[0]


def test_lbfgs_finds_the_bottom_of_a_bowl() -> None:
    *_, last = descend(START, bowl, 120)
    assert bowl(last.picture)[0] < 1e-6 * bowl(START)[0]


def test_the_same_start_leads_to_the_same_picture() -> None:
    (*_, one), (*_, two) = descend(START, bowl, 30), descend(START, bowl, 30)
    assert torch.equal(one.picture, two.picture)


def test_a_loss_that_is_no_number_costs_a_step_and_not_the_picture() -> None:
    calls = 0

    def broken_once(x: Tensor) -> tuple[Tensor, Tensor]:
        nonlocal calls
        calls += 1
        loss, gradient = bowl(x)
        return (loss * float("nan"), gradient * float("nan")) if calls == 10 else (loss, gradient)

    steps = list(descend(START, broken_once, 120))
    assert [step.note for step in steps if step.note] == [
        "the loss was not a number, went on from the best picture with smaller steps"
    ]
    assert torch.isfinite(steps[-1].picture).all()
    assert bowl(steps[-1].picture)[0] < 0.01 * bowl(START)[0]


@pytest.mark.parametrize("history", [0, 5])
def test_a_search_in_place_survives_a_broken_gradient(history: int) -> None:
    calls = 0

    def broken_once(x: Tensor) -> tuple[Tensor, Tensor]:
        nonlocal calls
        calls += 1
        loss, gradient = bowl(x)
        return (loss, gradient * float("nan")) if calls == 10 else (loss, gradient)

    *_, last = descend(START.clone(), broken_once, 60, Lbfgs(history=history, lean=True))
    assert last.picture.isfinite().all()
    assert bowl(last.picture)[0] < 0.1 * bowl(START)[0]


def test_a_search_in_place_goes_back_before_a_cliff() -> None:
    cliffs = [6]

    def cliff(x: Tensor) -> tuple[Tensor, Tensor]:
        cliffs[0] -= 1
        loss, gradient = bowl(x)
        return (loss * 1e6, gradient) if cliffs[0] == 0 else (loss, gradient)

    steps = list(descend(START.clone(), cliff, 6, Lbfgs(lean=True)))
    assert "exploded" in (steps[-1].note or "")
    before = list(descend(START.clone(), bowl, 4))[-1].picture
    torch.testing.assert_close(steps[-1].picture, before, atol=1e-2, rtol=0)


def test_a_search_that_only_breaks_ends_at_its_start() -> None:
    def broken(x: Tensor) -> tuple[Tensor, Tensor]:
        return torch.tensor(float("inf")), torch.zeros_like(x)

    steps = list(descend(START, broken, 100))
    assert len(steps) == MOST_RESTARTS + 1
    assert torch.equal(steps[-1].picture, START)


def test_a_picture_that_turns_grey_is_noticed() -> None:
    def to_grey(x: Tensor) -> tuple[Tensor, Tensor]:
        return x.var(), x - x.mean()

    assert any("grey" in (step.note or "") for step in descend(START, to_grey, 60))


def test_a_search_that_stands_still_ends_early() -> None:
    def flat(x: Tensor) -> tuple[Tensor, Tensor]:
        return torch.tensor(1.0), torch.ones_like(x) * 1e-9

    assert len(list(descend(START, flat, 1000))) < 20


def test_looking_seldom_leads_to_the_same_picture() -> None:
    often = list(descend(START, bowl, 40, look_every=1))
    seldom = list(descend(START, bowl, 40, look_every=5))
    assert torch.equal(often[-1].picture, seldom[-1].picture)
    assert [step.loss for step in seldom] == [often[index // 5 * 5].loss for index in range(40)]


def test_a_search_gone_astray_is_noticed_at_the_next_look() -> None:
    calls = 0

    def cliff(x: Tensor) -> tuple[Tensor, Tensor]:
        nonlocal calls
        calls += 1
        loss, gradient = bowl(x)
        return (loss * 1e6, gradient) if calls >= 8 else (loss, gradient)

    notes = [step.note for step in descend(START, cliff, 12, look_every=5)]
    assert [index for index, note in enumerate(notes) if note] == [10]
