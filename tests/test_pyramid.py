import pytest
import torch

from impasto.methods.ladder import Evaluation
from impasto.methods.memory import Workspace
from impasto.methods.objective import loss_and_gradient, wanted
from impasto.methods.pyramid import LEVELS, level_sizes, levels_of
from impasto.methods.scene import Region, Scene, Wishes, scene_of
from impasto.methods.styles import STYLE_LAYERS, StyleAt, resize_to, style_of_painting
from impasto.networks.vgg import Vgg
from tests.conftest import tensor


@pytest.fixture(scope="module")
def dots(vgg: Vgg) -> StyleAt:
    return style_of_painting(vgg, tensor("dots", 256, 192))


def test_levels_halve_until_there_is_nothing_to_see() -> None:
    assert level_sizes((512, 384)) == [(512, 384), (256, 192), (128, 96)]
    assert level_sizes((4096, 3000)) == [(4096, 3000), (2048, 1500), (1024, 750)]
    assert level_sizes((301, 200)) == [(301, 200), (150, 100)]
    assert level_sizes((190, 120)) == [(190, 120)]
    assert level_sizes((512, 31)) == [(512, 31)]


@pytest.mark.parametrize("width", [512, 301, 150])
def test_levels_share_out_what_is_wanted(width: int) -> None:
    wishes = Wishes(style=3.0, content=2.0, smoothness=1.0)
    levels = [
        level.regions[0].wishes
        for level in levels_of(Scene(tensor("photo", width, 96), [Region(lambda _px: {}, wishes)]))
    ]
    assert sum(one.style for one in levels) == pytest.approx(3)
    assert sum(one.content for one in levels) == pytest.approx(2)
    assert [one.smoothness for one in levels] == [1.0, 0.0, 0.0][: len(levels)]


def test_the_published_objective_looks_once() -> None:
    scene = Scene(tensor("photo", 512, 384), [Region(lambda _px: {}, Wishes("gatys"))])
    assert [one.size for one in levels_of(scene)] == [(384, 512)]


@pytest.mark.parametrize("space", [Workspace(), Workspace(core_px=64)], ids=["whole", "tiles"])
def test_the_gradient_is_that_of_all_levels_together(vgg: Vgg, dots: StyleAt, space: Workspace) -> None:
    """Odd sizes lose a row or a column on the way down."""
    photo, x = tensor("photo", 219, 151), tensor("stripes", 219, 151)
    scene = Scene(photo, [Region(dots, Wishes(smoothness=1.0))])
    full, half = levels_of(scene)
    leaf = x.clone().requires_grad_()
    reduced = resize_to(leaf, half.size)
    found = [loss_and_gradient(vgg, wanted(vgg, one)) for one in (full, half)]
    (loss, gradient), (small_loss, small_gradient) = found[0](x), found[1](reduced.detach())
    (carried,) = torch.autograd.grad(reduced, leaf, small_gradient)
    expected = gradient + carried
    total, everything = Evaluation(vgg, scene, space)(x)
    assert total.item() == pytest.approx((loss + small_loss).item(), rel=1e-4)
    assert (everything - expected).norm() < 1e-4 * expected.norm()


@pytest.mark.parametrize(
    "wishes", [Wishes(style=0), Wishes(content=0), Wishes(layers=dict.fromkeys(STYLE_LAYERS, 0.0))]
)
def test_levels_at_which_nothing_is_wanted_are_left_out(vgg: Vgg, dots: StyleAt, wishes: Wishes) -> None:
    photo = tensor("photo", 416, 96)
    assert len(level_sizes((416, 96))) == len(LEVELS)
    loss, gradient = Evaluation(vgg, Scene(photo, [Region(dots, wishes)]), Workspace())(
        tensor("stripes", 416, 96)
    )
    assert loss > 0
    assert gradient.isfinite().all()


def test_what_is_kept_is_not_pulled_at(vgg: Vgg, dots: StyleAt) -> None:
    kept = torch.zeros((152, 220))
    kept[:, 100:] = 1
    scene = scene_of(tensor("photo", 220, 152), lambda mask: Region(dots, mask=mask), kept=kept)
    _, gradient = Evaluation(vgg, scene, Workspace())(tensor("stripes", 220, 152))
    assert (gradient[..., 100:] == 0).all()
    assert gradient[..., :100].abs().max() > 0
