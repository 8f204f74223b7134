from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from impasto.media.cards import read_card, write_card
from impasto.methods.fast import at_strength, ground_of, paint, palette_of
from impasto.methods.losses import statistics
from impasto.methods.styles import LayerStatistics, measure, mix, style_of_card
from impasto.networks.painter import OPAQUE, Painter, Pigment, _colored, moments_of
from impasto.networks.vgg import Vgg
from impasto.stylebook import card_statistics, make_card
from tests.conftest import tensor


@pytest.fixture(scope="module")
def painter() -> Painter:
    """Untrained, but of other opinions on every style."""
    torch.manual_seed(0)
    painter = Painter().eval()
    torch.nn.init.normal_(painter.over.weight, std=0.05)
    return painter


@pytest.fixture(scope="module")
def style(vgg: Vgg) -> LayerStatistics:
    return measure(vgg, tensor("stripes", 64, 64))


@pytest.mark.parametrize("size", [(200, 152), (131, 90)])
def test_tiles_are_painted_as_the_whole_is(
    painter: Painter, style: LayerStatistics, size: tuple[int, int]
) -> None:
    photo = tensor("photo", *size)
    whole, tiled = paint(painter, photo, style), paint(painter, photo, style, core_px=64)
    assert whole.shape == photo.shape
    assert whole.std() > 0.02
    assert (whole - tiled).abs().max() < 1e-4


def test_a_pass_for_training_and_one_for_use_agree(painter: Painter, style: LayerStatistics) -> None:
    photo = tensor("photo", 64, 48)
    palette = {
        layer: Pigment(*(x.expand(2, *x.shape[1:]) for x in one)) for layer, one in palette_of(style).items()
    }
    with torch.no_grad():
        trained = painter(ground_of(photo, style).expand(2, -1, -1, -1), palette)
    assert (trained[1:] - paint(painter, photo, style)).abs().max() < 1e-4


def test_strength_is_continuous_between_the_photo_and_the_style(
    painter: Painter, style: LayerStatistics, vgg: Vgg
) -> None:
    photo = tensor("photo", 64, 48)
    own = measure(vgg, photo)
    ends = [paint(painter, photo, one) for one in (own, style)]
    assert torch.equal(paint(painter, photo, at_strength(style, own, 1.0)), ends[1])
    assert (paint(painter, photo, at_strength(style, own, 0.0)) - ends[0]).abs().max() < 1e-5
    distance = (ends[1] - ends[0]).abs().mean()
    for strength in (0.0, 0.5, 0.999):
        one, near = (paint(painter, photo, at_strength(style, own, strength + d)) for d in (0.0, 1e-4))
        assert (one - near).abs().mean() < 0.05 * distance


def test_a_card_tells_about_what_its_painting_does(
    picture_file: Callable[..., Path], tmp_path: Path, vgg: Vgg
) -> None:
    path = picture_file("dots", size=(256, 200))
    write_card(tmp_path / "dots.style", make_card(path, "", "", "", ""))
    card = card_statistics(read_card(tmp_path / "dots.style"), torch.device("cpu"))
    of_card = palette_of(style_of_card(card)(256))
    of_painting = palette_of(measure(vgg, tensor("dots", 256, 200)))
    for layer, wanted in of_painting.items():
        assert (of_card[layer].mean - wanted.mean).norm() < 0.05 * wanted.mean.norm()
        covariances = [one.root @ one.root for one in (of_card[layer], wanted)]
        assert (covariances[0] - covariances[1]).norm() < 0.1 * covariances[1].norm()


def test_a_painter_that_has_learnt_nothing_gives_the_photo_in_the_styles_colours(
    style: LayerStatistics,
) -> None:
    photo = tensor("photo", 64, 48)
    ground = ground_of(photo, style).clamp(OPAQUE, 1 - OPAQUE)
    assert (paint(Painter().eval(), photo, style) - ground).abs().max() < 1e-5


def test_what_is_colored_has_the_styles_mean_and_covariance(style: LayerStatistics, vgg: Vgg) -> None:
    pigment = palette_of(style)["1_1"]
    white = torch.randn(1, 64, 60, 60, generator=torch.Generator().manual_seed(0))
    found = statistics(_colored(white, moments_of(white), pigment))
    assert (found.mean - style["1_1"].mean).norm() < 0.02 * style["1_1"].mean.norm()
    assert (found.covariance - style["1_1"].covariance).norm() < 0.1 * style["1_1"].covariance.norm()


def test_styles_blend_by_their_statistics(painter: Painter, style: LayerStatistics, vgg: Vgg) -> None:
    other = measure(vgg, tensor("dots", 64, 64))
    photo = tensor("photo", 64, 48)
    blended = paint(painter, photo, mix([style, other], [0.5, 0.5]))
    for one in (style, other):
        assert (blended - paint(painter, photo, one)).abs().mean() > 1e-3


def test_normalisation_forgets_contrast_and_light(painter: Painter) -> None:
    x = torch.randn(1, 4, 20, 20)
    plain, changed = moments_of(x), moments_of(3 * x + 1)
    assert torch.allclose(changed.mean, 3 * plain.mean + 1, atol=1e-5)
    assert torch.allclose(changed.variance, 9 * plain.variance, rtol=1e-4)


def test_moments_in_bfloat16_are_nearly_those_in_float32() -> None:
    x = (torch.randn(2, 16, 120, 88) * torch.rand(1, 16, 1, 1) + torch.randn(1, 16, 1, 1)).bfloat16()
    coarse, exact = moments_of(x), torch.var_mean(x.float(), (2, 3), correction=0, keepdim=True)
    assert (coarse.variance - exact[0]).abs().max() < 0.005
    assert (coarse.mean - exact[1]).abs().max() < 0.002
