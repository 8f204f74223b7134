import pytest
import torch

from impasto.methods.fast import told
from impasto.methods.painter_lessons import View, Weights, lesson_loss, lesson_of, levels_within, materials
from impasto.methods.pyramid import Level
from impasto.methods.styles import measure
from impasto.methods.training import Course, Trainer
from impasto.networks.painter import Painter
from impasto.networks.vgg import Vgg
from tests.conftest import tensor

PHOTOS = torch.cat([tensor("photo", 32, 32), tensor("photo", 32, 32).flip(3)]).mul(255).to(torch.uint8)
PAINTINGS = torch.cat([tensor("stripes", 32, 32), tensor("dots", 32, 32)]).mul(255).to(torch.uint8)


def test_most_styles_are_those_of_the_paintings(vgg: Vgg) -> None:
    given = materials(PHOTOS.repeat(8, 1, 1, 1), PAINTINGS.repeat(8, 1, 1, 1), seed=0)
    wanted = lesson_of(vgg, given).views[0].style
    of_paintings = [told(measure(vgg, painting[None] / 255)) for painting in PAINTINGS]
    away = [(one - of_paintings[number % 2]).norm() for number, one in enumerate(told(wanted))]
    plain = sum(distance < 1e-3 * of_paintings[0].norm() for distance in away)
    assert 0.3 * len(away) < plain < len(away)


def test_some_photos_are_gradients(vgg: Vgg) -> None:
    photos = PHOTOS[:1].repeat(100, 1, 1, 1)
    learnt = materials(photos, PAINTINGS[:1].repeat(100, 1, 1, 1), seed=0).photos
    flat = [(one.float().diff(n=2, dim=1).abs().mean() < 5).item() for one in learnt]
    assert 10 <= sum(flat) <= 30
    assert all(torch.equal(one, PHOTOS[0]) for one, blurred in zip(learnt, flat, strict=True) if not blurred)


def test_the_loss_falls(vgg: Vgg) -> None:
    torch.manual_seed(0)
    painter = Painter()
    trainer = Trainer(painter, Course(steps=1000, learning_rate=0.03, weight_decay=0.0, seed=0))
    lesson = lesson_of(vgg, materials(PHOTOS, PAINTINGS, 0))

    def loss(_: int) -> torch.Tensor:
        return lesson_loss(painter, vgg, lesson, Weights(0.3, 0.1, 0.0), torch.float32)

    losses = [trainer.learn(loss) for _ in range(20)]
    assert losses[-1] < 0.8 * losses[0]


def test_what_is_wanted_counts_as_much_as_it_weighs(vgg: Vgg) -> None:
    torch.manual_seed(0)
    painter = Painter()
    lesson = lesson_of(vgg, materials(PHOTOS, PAINTINGS, 0))

    def loss(*weights: float) -> float:
        with torch.no_grad():
            return lesson_loss(painter, vgg, lesson, Weights(*weights), torch.float32).item()

    style = loss(0, 0, 0)
    assert abs(loss(2, 0, 0) - style - 2 * (loss(1, 0, 0) - style)) < 1e-3
    assert abs(loss(0, 0, 2) - style - 2 * (loss(0, 0, 1) - style)) < 1e-3
    assert loss(0, 100, 0) > style
    assert loss(0, 0, 1) > style


def test_strokes_that_move_with_the_photo_cost_nothing_more(vgg: Vgg) -> None:
    torch.manual_seed(0)
    painter = Painter()
    torch.nn.init.normal_(painter.colors.weight, std=0.1)
    large = torch.nn.functional.interpolate(PHOTOS.float(), scale_factor=4).to(torch.uint8)
    lesson = lesson_of(vgg, materials(large, large, 0))

    def unlike(*shift: int) -> float:
        with torch.no_grad():
            moved = lesson._replace(shift=torch.tensor(shift))
            wanted, nothing = (
                lesson_loss(painter, vgg, moved, Weights(0.0, 0.0, weight), torch.float32)
                for weight in (1, 0)
            )
            return (wanted - nothing).item()

    grid, between = unlike(0, 0), unlike(3, 5)
    assert grid < 0.5 * between


def test_a_crop_is_seen_at_smaller_sizes_as_long_as_it_shows_something() -> None:
    assert [len(levels_within(size)) for size in (32, 160, 256)] == [1, 2, 3]
    for size in (32, 160, 256):
        assert sum(level.style for level in levels_within(size)) == pytest.approx(1)
        assert sum(level.content for level in levels_within(size)) == pytest.approx(1)


def test_each_size_adds_to_the_loss(vgg: Vgg) -> None:
    torch.manual_seed(0)
    large = torch.nn.functional.interpolate(PHOTOS.float(), scale_factor=4).to(torch.uint8)
    lesson = lesson_of(vgg, materials(large, large, 0))
    painter = Painter()

    def loss(views: list[View]) -> float:
        with torch.no_grad():
            asked = lesson._replace(views=views)
            return lesson_loss(painter, vgg, asked, Weights(0.3, 0.0, 0.0), torch.float32).item()

    first, second = lesson.views
    silent = first._replace(level=Level(0.0, 0.0, 0.0))
    assert loss([first, second]) == pytest.approx(loss([first]) + loss([silent, second]), rel=1e-5)
    assert loss([silent, second]) > loss([silent]) == 0
