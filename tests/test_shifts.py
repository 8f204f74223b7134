import pytest
import torch

from impasto.methods.ladder import Manner, Rung, climb
from impasto.methods.memory import Workspace
from impasto.methods.scene import Region, Scene
from impasto.methods.shifts import BOUT_STEPS, FIRST_BOUT_STEPS, NO_SHIFT, Shift, bouts, seen_shifted, shifted
from impasto.methods.styles import StyleAt, style_of_painting
from impasto.networks.vgg import POOLED_STRIDE, Vgg
from tests.conftest import tensor


@pytest.fixture(scope="module")
def dots(vgg: Vgg) -> StyleAt:
    return style_of_painting(vgg, tensor("dots", 96, 64))


@pytest.mark.parametrize("steps", [1, FIRST_BOUT_STEPS, FIRST_BOUT_STEPS + 3 * BOUT_STEPS + 7])
def test_bouts_take_all_the_steps(steps: int) -> None:
    found = list(bouts(steps))
    assert sum(count for _, count in found) == steps
    assert found[0][0] == NO_SHIFT
    assert all(count > 0 and min(shift) >= 0 and max(shift) < POOLED_STRIDE for shift, count in found)
    assert found == list(bouts(steps))


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
    monkeypatch.setattr("impasto.methods.shifts.FIRST_BOUT_STEPS", 12)
    monkeypatch.setattr("impasto.methods.shifts.BOUT_STEPS", 6)
    scene = Scene(tensor("photo", 96, 64), [Region(dots)])
    losses = [step.loss for step in climb(vgg, scene, [Rung((96, 64), 24)]) if step.loss is not None]
    assert len(losses) == 24
    assert losses[12] < losses[3]
    assert losses[23] < losses[12]
    tiled = list(climb(vgg, scene, [Rung((96, 64), 14)], Manner(), [Workspace(core_px=32)]))
    assert len(tiled) == 15
