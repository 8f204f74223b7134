import pytest
import torch

from benchmarks.flats import directions, grid
from impasto.methods.canvas import grain
from impasto.methods.fast import CANVAS, ground_of, paint, told
from impasto.methods.painter_lessons import painted_twice
from impasto.methods.styles import measure
from impasto.networks.fetch import fetch_model
from impasto.networks.painter_weights import load_painter
from impasto.networks.vgg import Vgg
from tests.conftest import tensor


def test_the_grain_runs_one_way_in_each_place_and_every_way_in_all() -> None:
    found = directions(grain((512, 768), count=8).reshape(1, 1, 8 * 512, 768), 32)
    assert torch.hypot(*found).mean() > 0.5
    assert found.agreement() < 0.2


def test_large_pictures_have_the_whirls_of_small_ones() -> None:
    small, large = directions(grain((512, 768)), 32), directions(grain((1024, 1536)), 64)
    alike = small.across * large.across + small.down * large.down
    assert alike.mean() > 0.8 * (torch.hypot(*small) * torch.hypot(*large)).mean()


def test_a_canvas_is_its_own_and_has_no_mean() -> None:
    canvas = grain((70, 501), seed=3)
    assert torch.equal(canvas, grain((70, 501), seed=3))
    assert not torch.equal(canvas, grain((70, 501), seed=4))
    assert canvas.shape == (1, 1, 70, 501)
    assert float(canvas.std()) == pytest.approx(0.045)
    assert canvas.mean().abs() < 0.1 * canvas.std()
    one, other = grain((64, 64), count=2)
    assert not torch.equal(one, other)


def test_the_smallest_canvas_has_a_grain() -> None:
    assert 0 < grain((8, 8)).std() < 1


def test_where_a_photo_is_flat_strokes_run_as_the_grain_does(vgg: Vgg) -> None:
    """Not down from the top, like drips."""
    painter, style = load_painter(fetch_model("painter")).painter, measure(vgg, tensor("dots", 256, 256))
    sky = torch.linspace(0.3, 0.8, 512)[:, None].expand(1, 3, 512, 512)
    strokes = (paint(painter, sky, style) - ground_of(sky, style)).mean(1, keepdim=True)
    painted, given = (directions(one, 32) for one in (strokes, grain((512, 512), CANVAS)))
    assert painted.agreement() < 0.2
    followed = painted.across * given.across + painted.down * given.down
    assert followed.mean() > 0.2


@pytest.mark.parametrize("kind", ["dots", "stripes"])
def test_strokes_do_not_know_the_grid_they_are_enlarged_on(kind: str, vgg: Vgg) -> None:
    """Neither steps at its pitch, nor other strokes where what is seen lies otherwise on it."""
    painter, style = load_painter(fetch_model("painter")).painter, measure(vgg, tensor(kind, 256, 256))
    wall = torch.full((1, 3, 512, 512), 0.6)
    with torch.inference_mode():
        ground, conditions = ground_of(wall, style).clamp(0, 1), painter.conditions(told(style)[None])
        canvas, shift = grain((512, 512), CANVAS), torch.tensor([3, 5])
        painted, unlike = painted_twice(painter, ground, canvas, shift, conditions)
    assert grid(painted.mean(1, keepdim=True)) < 3
    assert unlike.sqrt() < 0.2
