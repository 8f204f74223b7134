from dataclasses import replace

import pytest
import torch

from impasto.methods.bouts import (
    BOUT_STEPS,
    FIRST_BOUT_STEPS,
    NO_SHIFT,
    Shift,
    bouts,
    holding,
    seen_shifted,
    shifted,
)
from impasto.methods.ladder import Manner, Rung, climb
from impasto.methods.memory import Workspace
from impasto.methods.scene import Region, Scene, Wishes
from impasto.methods.styles import StyleAt, style_of_painting
from impasto.networks.vgg import POOLED_STRIDE, Vgg
from tests.conftest import tensor


@pytest.fixture(scope="module")
def dots(vgg: Vgg) -> StyleAt:
    return style_of_painting(vgg, tensor("dots", 96, 64))


@pytest.mark.parametrize("steps", [1, FIRST_BOUT_STEPS, FIRST_BOUT_STEPS + 3 * BOUT_STEPS + 7])
def test_bouts_take_all_the_steps(steps: int) -> None:
    found = list(bouts(steps))
    assert sum(bout.steps for bout in found) == steps
    assert found[0][:2] == (NO_SHIFT, 1.0)
    assert all(bout.steps > 0 and min(bout.shift) >= 0 and max(bout.shift) < POOLED_STRIDE for bout in found)
    assert found == list(bouts(steps))


def test_bouts_are_the_same_however_long_the_search() -> None:
    """A search that was ended early is painted again with the steps that it took."""
    long, short = list(bouts(200)), list(bouts(110))
    assert [bout[:2] for bout in short] == [bout[:2] for bout in long[: len(short)]]


def test_the_photo_is_held_more_firmly_from_bout_to_bout() -> None:
    weights = [bout.content for bout in bouts(500)]
    assert weights == sorted(weights)
    assert weights[1] > 1
    scene = Scene(tensor("photo", 96, 64), [Region(lambda _px: {}, Wishes(content=0.5))])
    assert holding(scene, 3.0).regions[0].wishes.content == 1.5
    published = replace(scene, regions=[Region(lambda _px: {}, Wishes("gatys"))])
    assert holding(published, 3.0) is published


@pytest.mark.parametrize("steps", [10, 30])
def test_a_long_search_shows_the_mean_of_its_last_pictures(
    vgg: Vgg, dots: StyleAt, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    monkeypatch.setattr("impasto.methods.bouts.FIRST_BOUT_STEPS", 10)
    monkeypatch.setattr("impasto.methods.ladder.AVERAGED_STEPS", 5)
    scene = Scene(tensor("photo", 96, 64), [Region(dots)])
    shown = [one.picture for one in climb(vgg, scene, [Rung((96, 64), steps)]) if one.loss is not None]
    monkeypatch.setattr("impasto.methods.ladder.AVERAGED_STEPS", 1)
    found = [one.picture for one in climb(vgg, scene, [Rung((96, 64), steps)]) if one.loss is not None]
    assert torch.equal(shown[9], found[9])
    if steps > 10:
        torch.testing.assert_close(shown[12], (found[10] + found[11] + found[12]) / 3)
        assert not torch.equal(shown[-1], found[-1])


def test_a_shift_repeats_the_first_row_and_column() -> None:
    picture = torch.arange(6.0).view(1, 1, 2, 3)
    assert Shift(1, 2)(picture).tolist() == [[[[0, 0, 0, 1, 2], [0, 0, 0, 1, 2], [3, 3, 3, 4, 5]]]]
    assert Shift(1, 0)(picture[0, 0]).tolist() == [[0, 1, 2], [0, 1, 2], [3, 4, 5]]
    assert NO_SHIFT(picture) is picture


def test_masks_are_shifted_with_the_photo() -> None:
    mask = torch.linspace(0, 1, 96).expand(64, 96)
    scene = Scene(tensor("photo", 96, 64), [Region(lambda _px: {}, mask=mask)], kept=1 - mask)
    there = shifted(scene, Shift(3, 5))
    assert there.size == (67, 101)
    assert there.regions[0].mask is not None
    assert there.kept is not None
    torch.testing.assert_close(there.regions[0].mask + there.kept, torch.ones(67, 101))


def test_the_gradient_is_that_of_the_picture() -> None:
    pull = torch.rand((1, 3, 19, 21), generator=torch.Generator().manual_seed(0))
    x = tensor("photo", 16, 16)
    loss, gradient = seen_shifted(lambda there: ((pull * there).sum(), pull), Shift(3, 5))(x)
    leaf = x.clone().requires_grad_()
    expected = (pull * Shift(3, 5)(leaf)).sum()
    assert loss == expected
    torch.testing.assert_close(gradient, torch.autograd.grad(expected, leaf)[0])


def test_a_long_search_goes_on_where_the_bout_before_ended(
    vgg: Vgg, dots: StyleAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Losses go on falling, with pairs that were learnt before; tiles are left where they are."""
    monkeypatch.setattr("impasto.methods.bouts.FIRST_BOUT_STEPS", 12)
    monkeypatch.setattr("impasto.methods.bouts.BOUT_STEPS", 6)
    scene = Scene(tensor("photo", 96, 64), [Region(dots)])
    losses = [step.loss for step in climb(vgg, scene, [Rung((96, 64), 24)]) if step.loss is not None]
    assert len(losses) == 24
    assert losses[12] < losses[3]
    assert losses[23] < losses[12]
    tiled = list(climb(vgg, scene, [Rung((96, 64), 14)], Manner(), [Workspace(core_px=32)]))
    assert len(tiled) == 15
    monkeypatch.setattr("impasto.methods.bouts.FIRST_BOUT_STEPS", 14)
    *_, in_one_bout = climb(vgg, scene, [Rung((96, 64), 14)], Manner(), [Workspace(core_px=32)])
    assert torch.equal(tiled[-1].picture, in_one_bout.picture)
