from typing import Any, get_args

import pytest
import torch

from impasto.errors import OptionError
from impasto.methods.objective import Wanted, loss_and_gradient, wanted
from impasto.methods.scene import Region, Scene, Wishes
from impasto.methods.styles import STYLE_LAYERS, LayerStatistics, measure
from impasto.methods.tiles import cut
from impasto.networks.vgg import Vgg, halo_px
from impasto.options import Objective
from tests.conftest import tensor


def want(vgg: Vgg, photo: torch.Tensor, style: LayerStatistics, wishes: Wishes, *more: Any) -> Wanted:
    """Of a photo with one style all over."""
    return wanted(vgg, Scene(photo, [Region(lambda _px: style, wishes)]), *more)


@pytest.mark.parametrize("objective", get_args(Objective))
def test_the_gradient_points_downhill(vgg: Vgg, objective: Objective) -> None:
    photo = tensor("photo", 64, 48)
    evaluate = loss_and_gradient(
        vgg, want(vgg, photo, measure(vgg, tensor("dots", 64, 48)), Wishes(objective))
    )
    loss, gradient = evaluate(photo)
    step = 0.003 * gradient / gradient.abs().max()
    assert evaluate(photo - step)[0] < loss < evaluate(photo + step)[0]


def test_gatys_is_the_published_objective(vgg: Vgg) -> None:
    """Content 5, style 100 a layer on Gram/(chw), TV 1e-3 on the sum of differences; pixels in 0..255."""
    photo, style, x = tensor("photo", 64, 48), tensor("dots", 64, 48), tensor("stripes", 64, 48)
    layers = [*STYLE_LAYERS, "4_2"]
    raw = {
        name: {layer: features * vgg.scales[layer] for layer, features in vgg(picture, layers).items()}
        for name, picture in {"photo": photo, "style": style, "x": x}.items()
    }

    def gram(features: torch.Tensor) -> torch.Tensor:
        flat = features[0].flatten(1)
        return flat @ flat.T / flat.numel()

    expected = 5 * (raw["x"]["4_2"] - raw["photo"]["4_2"]).square().mean()
    for layer in STYLE_LAYERS:
        expected += 100 * (gram(raw["x"][layer]) - gram(raw["style"][layer])).square().mean()
    expected += 1e-3 * 255 * (x.diff(dim=2).abs().sum() + x.diff(dim=3).abs().sum())
    loss, _ = loss_and_gradient(vgg, want(vgg, photo, measure(vgg, style), Wishes("gatys")))(x)
    torch.testing.assert_close(loss, expected, rtol=1e-3, atol=0)


def test_strength_moves_weight_from_content_to_style() -> None:
    knobs = [Wishes(strength=strength) for strength in (0.1, 0.3, 0.5, 0.7, 1.0)]
    assert [wishes.style_share for wishes in knobs] == [0.2, 0.6, 1, 1, 1]
    assert [wishes.content_share for wishes in knobs] == pytest.approx([1, 1, 1, 0.2806, 0], abs=1e-4)


def test_almost_no_strength_wants_the_photo(vgg: Vgg) -> None:
    photo, style = tensor("photo", 64, 48), measure(vgg, tensor("dots", 64, 48))
    faint, _ = loss_and_gradient(vgg, want(vgg, photo, style, Wishes(strength=1e-4)))(photo)
    half, _ = loss_and_gradient(vgg, want(vgg, photo, style, Wishes(strength=0.5)))(photo)
    assert faint < 1e-3 * half


@pytest.mark.parametrize("objective", get_args(Objective))
@pytest.mark.parametrize(
    "knob",
    [{"strength": 0.8}, {"content": 2.0}, {"style": 2.0}, {"smoothness": 1e5}, {"layers": {"3_1": 2.0}}],
)
def test_every_knob_turns_something(vgg: Vgg, objective: Objective, knob: dict[str, Any]) -> None:
    photo, style = tensor("photo", 64, 48), measure(vgg, tensor("dots", 64, 48))
    losses = [
        loss_and_gradient(vgg, want(vgg, photo, style, wishes))(tensor("stripes", 64, 48))[0]
        for wishes in (Wishes(objective), Wishes(objective, **knob))
    ]
    assert losses[0] != losses[1]


def test_layers_that_are_not_asked_are_not_computed(vgg: Vgg) -> None:
    photo, style = tensor("photo", 64, 48), measure(vgg, tensor("dots", 64, 48))
    usual, deep, published = (
        want(vgg, photo, style, wishes).layers
        for wishes in (Wishes(), Wishes(layers={"5_1": 0.5, "2_1": 0.0}), Wishes("gatys"))
    )
    assert usual == {"1_1", "2_1", "3_1", "4_1", "4_2"}
    assert deep == {"1_1", "3_1", "4_1", "4_2", "5_1"}
    assert published == {*STYLE_LAYERS, "4_2"}


@pytest.mark.parametrize("objective", get_args(Objective))
@pytest.mark.parametrize("core_px", [32, 64, 100])
def test_tiles_equal_the_whole(vgg: Vgg, objective: Objective, core_px: int) -> None:
    photo, style, x = (tensor(kind, 133, 118) for kind in ("photo", "dots", "stripes"))
    wishes, reach = Wishes(objective, strength=0.4, smoothness=1.0), halo_px("vgg16", STYLE_LAYERS)
    looks = measure(vgg, style)
    loss, gradient = loss_and_gradient(vgg, want(vgg, photo, looks, wishes))(x)
    tiles = cut((118, 133), core_px, reach)
    tiled = want(vgg, photo, looks, wishes, tiles, core_px == 32)
    tiled_loss, tiled_gradient = loss_and_gradient(vgg, tiled)(x)
    assert tiled_loss.item() == pytest.approx(loss.item(), rel=1e-4)
    assert (tiled_gradient - gradient).norm() < 1e-4 * gradient.norm()


@pytest.mark.parametrize("objective", get_args(Objective))
def test_a_broken_picture_has_a_loss_that_is_no_number(vgg: Vgg, objective: Objective) -> None:
    photo, style = tensor("photo", 64, 48), measure(vgg, tensor("dots", 64, 48))
    loss, _ = loss_and_gradient(vgg, want(vgg, photo, style, Wishes(objective)))(photo * float("nan"))
    assert not loss.isfinite()


def test_no_wishes_at_all_are_refused(vgg: Vgg) -> None:
    photo, style = tensor("photo", 64, 48), measure(vgg, tensor("dots", 64, 48))
    nothing = want(vgg, photo, style, Wishes(content=0, style=0))
    with pytest.raises(OptionError, match="has any weight"):
        loss_and_gradient(vgg, nothing)
