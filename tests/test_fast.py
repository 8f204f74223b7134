from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from impasto.media.cards import read_card, write_card
from impasto.media.gallery import card_of
from impasto.methods.canvas import grain
from impasto.methods.fast import CANVAS, FIRST_PX, draft, ground_of, paint, told
from impasto.methods.scene import Region, Scene, Wishes
from impasto.methods.styles import LayerStatistics, measure, mix, resize_to, style_of_card
from impasto.networks.fetch import fetch_model
from impasto.networks.painter import CONDITIONED, OPAQUE, TOLD, Painter, moments_of
from impasto.networks.painter_weights import load_painter
from impasto.networks.vgg import Vgg
from impasto.stylebook import card_statistics, make_card
from tests.conftest import tensor


@pytest.fixture(scope="module")
def painter() -> Painter:
    """Untrained, but of other opinions on every style."""
    torch.manual_seed(0)
    painter = Painter().eval()
    for number in painter.condition[-1].parameters():
        torch.nn.init.normal_(number, std=0.2)
    torch.nn.init.normal_(painter.colors.weight, std=0.1)
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
    canvas = grain((48, 64), CANVAS).expand(2, -1, -1, -1)
    with torch.no_grad():
        trained = painter(ground_of(photo, style).expand(2, -1, -1, -1), canvas, told(style).expand(2, -1))
    assert (trained[1:] - paint(painter, photo, style)).abs().max() < 1e-5


def test_a_flat_photo_is_painted_in_no_stripes(painter: Painter, style: LayerStatistics) -> None:
    gradient = torch.linspace(0.2, 0.8, 64).expand(1, 3, 48, 64)
    painted = paint(painter, gradient, style)
    down, across = painted.diff(dim=2).abs().mean(), painted.diff(dim=3).abs().mean()
    assert down > 0.5 * across


@pytest.mark.parametrize("named", ["starry-night", "great-wave"])
def test_strokes_grow_with_the_picture(named: str) -> None:
    bundled = load_painter(fetch_model("painter")).painter
    style = style_of_card(card_statistics(card_of(named), torch.device("cpu")))(512)
    photo = torch.linspace(0.2, 0.8, 2 * FIRST_PX).expand(1, 3, FIRST_PX // 2, 2 * FIRST_PX)

    def coarse(painted: torch.Tensor) -> torch.Tensor:
        """How much is left of the strokes, seen from afar; the photo is of one tone from top to bottom."""
        strokes = painted - painted.mean(2, keepdim=True)
        return resize_to(strokes, (FIRST_PX // 32, FIRST_PX // 8)).std() / strokes.std()

    drafted = draft(bundled, Scene(photo, [Region(lambda _: style)]))
    assert coarse(drafted) > 1.1 * coarse(paint(bundled, photo, style))


def test_what_was_learnt_of_a_style_alone_is_painted(painter: Painter, style: LayerStatistics) -> None:
    photo = tensor("photo", 64, 48)

    def drafted(tuning: torch.Tensor | None) -> torch.Tensor:
        return draft(painter, Scene(photo, [Region(lambda _: style, tuning=tuning)]))

    plain, tuning = drafted(None), 0.1 * torch.randn(CONDITIONED, generator=torch.Generator().manual_seed(1))
    assert torch.equal(drafted(torch.zeros(CONDITIONED)), plain)
    assert (drafted(tuning) - plain).abs().mean() > 1e-3
    half = Scene(tensor("photo", 128, 96), [Region(lambda _: style, tuning=tuning)]).at((48, 64))
    assert half.regions[0].tuning is tuning


def test_strength_is_continuous_between_the_photo_and_the_painting(
    painter: Painter, style: LayerStatistics
) -> None:
    photo = tensor("photo", 64, 48)

    def drafted(strength: float) -> torch.Tensor:
        return draft(painter, Scene(photo, [Region(lambda _: style, Wishes(strength=strength))]))

    assert torch.equal(drafted(0.0), photo)
    assert torch.equal(drafted(0.5), paint(painter, photo, style))
    assert torch.allclose(drafted(0.25), (drafted(0.0) + drafted(0.5)) / 2, atol=1e-6)


def test_another_seed_is_another_canvas(painter: Painter, style: LayerStatistics) -> None:
    scene = Scene(tensor("photo", 64, 48), [Region(lambda _: style)])
    first, again, other = (draft(painter, scene, seed) for seed in (0, 0, 2**63 - 1))
    assert torch.equal(first, again)
    assert (first - other).abs().mean() > 1e-3


def test_a_draft_gives_each_region_its_style_and_keeps_what_is_to_stay(
    painter: Painter, style: LayerStatistics, vgg: Vgg
) -> None:
    photo, other = tensor("photo", 64, 48), measure(vgg, tensor("dots", 64, 64))
    columns = torch.arange(64).expand(48, 64)
    left, right = (columns < 20).float(), (columns >= 40).float()
    regions = [Region(lambda _: style, mask=left), Region(lambda _: other, mask=1 - left - right)]
    drafted = draft(painter, Scene(photo, regions, kept=right))
    assert torch.equal(drafted[..., :20], paint(painter, photo, style)[..., :20])
    assert torch.equal(drafted[..., 20:40], paint(painter, photo, other)[..., 20:40])
    assert torch.equal(drafted[..., 40:], photo[..., 40:])


def test_a_painter_that_has_learnt_nothing_leaves_the_photo_in_the_styles_colours(
    style: LayerStatistics,
) -> None:
    photo = tensor("photo", 64, 48)
    ground = ground_of(photo, style).clamp(OPAQUE, 1 - OPAQUE)
    assert (paint(Painter().eval(), photo, style) - ground).abs().max() < 1e-5


def test_a_card_tells_about_what_its_painting_does(
    picture_file: Callable[..., Path], tmp_path: Path, vgg: Vgg
) -> None:
    path = picture_file("dots", size=(256, 200))
    write_card(tmp_path / "dots.style", make_card(path, "", "", "", ""))
    card = card_statistics(read_card(tmp_path / "dots.style"), torch.device("cpu"))
    of_card = told(style_of_card(card)(256))
    of_painting = told(measure(vgg, tensor("dots", 256, 200)))
    assert of_card.shape == of_painting.shape == (TOLD,)
    assert (of_card - of_painting).norm() < 0.05 * of_painting.norm()


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
