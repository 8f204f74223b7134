import torch

from impasto.methods.painter_lessons import Weights, lesson_loss, model_of
from impasto.methods.training import Course, Trainer
from impasto.networks.painter import Painter
from impasto.networks.vgg import Vgg
from tests.conftest import tensor

PHOTOS = torch.cat([tensor("photo", 32, 32), tensor("photo", 32, 32).flip(3)])


def test_the_loss_falls(vgg: Vgg) -> None:
    torch.manual_seed(0)
    painter = Painter()
    trainer = Trainer(painter, Course(steps=1000, learning_rate=0.02, weight_decay=0.0, seed=0))
    models = [model_of(vgg, tensor(kind, 32, 32)) for kind in ("stripes", "dots")]

    def loss(_: int) -> torch.Tensor:
        return lesson_loss(painter, vgg, PHOTOS, models, Weights(0.3, 0.1), torch.float32)

    losses = [trainer.learn(loss) for _ in range(12)]
    assert losses[-1] < 0.8 * losses[0]


def test_content_and_smoothness_count_as_much_as_they_weigh(vgg: Vgg) -> None:
    torch.manual_seed(0)
    painter = Painter()
    models = [model_of(vgg, tensor(kind, 32, 32)) for kind in ("stripes", "dots")]

    def loss(content: float, smoothness: float) -> float:
        with torch.no_grad():
            weights = Weights(content, smoothness)
            return lesson_loss(painter, vgg, PHOTOS, models, weights, torch.float32).item()

    style = loss(0, 0)
    assert abs(loss(2, 0) - style - 2 * (loss(1, 0) - style)) < 1e-3
    assert loss(0, 100) > style
