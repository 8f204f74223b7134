import torch

from impasto.methods.fast import told
from impasto.methods.painter_lessons import Weights, lesson_loss, lesson_of
from impasto.methods.styles import measure
from impasto.methods.training import Course, Trainer
from impasto.networks.painter import Painter
from impasto.networks.vgg import Vgg
from tests.conftest import tensor

PHOTOS = torch.cat([tensor("photo", 32, 32), tensor("photo", 32, 32).flip(3)])
PAINTINGS = torch.cat([tensor("stripes", 32, 32), tensor("dots", 32, 32)])


def test_most_styles_are_those_of_the_paintings(vgg: Vgg) -> None:
    wanted = lesson_of(vgg, PHOTOS.repeat(8, 1, 1, 1), PAINTINGS.repeat(8, 1, 1, 1), seed=0).wanted
    of_paintings = [told(measure(vgg, painting[None])) for painting in PAINTINGS]
    away = [(one - of_paintings[number % 2]).norm() for number, one in enumerate(told(wanted))]
    plain = sum(distance < 1e-3 * of_paintings[0].norm() for distance in away)
    assert 0.3 * len(away) < plain < len(away)


def test_some_photos_are_gradients(vgg: Vgg) -> None:
    photos = PHOTOS[:1].repeat(100, 1, 1, 1)
    learnt = lesson_of(vgg, photos, PAINTINGS[:1].repeat(100, 1, 1, 1), seed=0).photos
    flat = [(one.diff(n=2, dim=1).abs().mean() < 0.02).item() for one in learnt]
    assert 4 <= sum(flat) <= 18
    assert all(torch.equal(one, PHOTOS[0]) for one, blurred in zip(learnt, flat, strict=True) if not blurred)


def test_the_loss_falls(vgg: Vgg) -> None:
    torch.manual_seed(0)
    painter = Painter()
    trainer = Trainer(painter, Course(steps=1000, learning_rate=0.05, weight_decay=0.0, seed=0))
    lesson = lesson_of(vgg, PHOTOS, PAINTINGS, 0)

    def loss(_: int) -> torch.Tensor:
        return lesson_loss(painter, vgg, lesson, Weights(0.3, 0.1), torch.float32)

    losses = [trainer.learn(loss) for _ in range(20)]
    assert losses[-1] < 0.8 * losses[0]


def test_content_and_smoothness_count_as_much_as_they_weigh(vgg: Vgg) -> None:
    torch.manual_seed(0)
    painter = Painter()
    lesson = lesson_of(vgg, PHOTOS, PAINTINGS, 0)

    def loss(content: float, smoothness: float) -> float:
        with torch.no_grad():
            return lesson_loss(painter, vgg, lesson, Weights(content, smoothness), torch.float32).item()

    style = loss(0, 0)
    assert abs(loss(2, 0) - style - 2 * (loss(1, 0) - style)) < 1e-3
    assert loss(0, 100) > style
