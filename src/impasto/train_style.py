"""train_style(task): a card and photos -> the card with what the painter learnt of its style.

Scales and shifts of the painter's normalised channels are learnt for this style, as Dumoulin, Shlens & Kudlur
2017 ("A learned representation for artistic style") learn them for each of theirs; all weights stay as they
are.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

import torch
from torch import Tensor, nn

from impasto.errors import StyleError
from impasto.media.cards import Card, Tuning, write_card
from impasto.media.gallery import card_of
from impasto.methods.devices import choose_device, choose_precision
from impasto.methods.painter_lessons import Weights, lesson_in_style, lesson_loss, levels_within
from impasto.methods.styles import style_of_card
from impasto.methods.training import Course, Trainer
from impasto.networks.fetch import fetch_model
from impasto.networks.painter import CONDITIONED, Painter
from impasto.networks.painter_weights import load_painter
from impasto.networks.vgg import set_compute_type
from impasto.networks.weights import load_vgg, vgg_weights
from impasto.options import TrainStyleOptions
from impasto.pairings import Pairings, ahead
from impasto.shelf import is_held_out, photos_in
from impasto.stylebook import card_statistics
from impasto.tasks import Trained, TrainStyleTask

BATCH: Final = 2
CROP_PX: Final = 224
STYLE_PX: Final = 512
"""The style is that of a picture so large: what is learnt there serves at twice the size, too, and sizes in
turn teach less (benchmarks/LOG.md)."""


class Learnt(nn.Module):
    """What is learnt, (CONDITIONED,), beside what the painter tells from the statistics of the style."""

    def __init__(self, known: Tuning | None) -> None:
        super().__init__()
        if known is None or known.numbers.shape != (CONDITIONED,):
            self.steps, numbers = 0, torch.zeros(CONDITIONED)
        else:
            self.steps, numbers = known.steps, torch.from_numpy(known.numbers)
        self.tuning = nn.Parameter(numbers)


def train_style(task: TrainStyleTask, stop: Callable[[], bool] = lambda: False) -> Iterator[Trained]:
    """Trains, yielding Trained after every step; then, or once `stop` is true, the card is written.

    A card that was taught before goes on from there, by another painter, too.
    Errors: StyleError, PictureError, OutputError.
    """
    options, card = task.options, card_of(task.style)
    if card.network_sha256 != vgg_weights().sha256:
        raise StyleError(
            f"{task.style} was measured with another network, and the painter knows only the bundled vgg16; "
            "make a card anew with: impasto style save PAINTING"
        )
    photos = [path for path in photos_in(task.photos) if not is_held_out(path)]
    pairings = Pairings(photos, (), CROP_PX, BATCH, options.seed)
    course = Course(options.steps, options.learning_rate, 0.0, options.seed)
    learnt = Learnt(card.tuning).to(choose_device(options.device))
    painter = load_painter(fetch_model("painter"))
    trainer = Trainer(learnt, course)
    loss_of = _loss_in_style(card, painter.painter, learnt.tuning, options)
    for given in ahead(pairings.photos_at, 0, options.steps, readers=1):
        loss = trainer.learn(lambda step: loss_of(given, step))  # noqa: B023 - called at once
        last = trainer.step == options.steps or stop()
        if last:
            numbers = trainer.average["tuning"].cpu().numpy()
            steps = learnt.steps + trainer.step
            taught = replace(card, tuning=Tuning(numbers, painter.sha256, steps, len(photos)))
            write_card(task.output, taught)
        yield Trained("steps", trainer.step, options.steps, loss)
        if last:
            return


def _loss_in_style(
    card: Card, painter: Painter, tuning: Tensor, options: TrainStyleOptions
) -> Callable[[Tensor, int], Tensor]:
    """Of photos (n, 3, s, s) uint8 and the step that they are seen in."""
    device = tuning.device
    dtype = choose_precision("auto", device)
    painter = painter.to(device)
    vgg = set_compute_type(load_vgg().to(device), dtype)
    style = style_of_card(card_statistics(card, device))
    styles = [style(STYLE_PX >> halved) for halved in range(len(levels_within(CROP_PX)))]
    weights = Weights(options.content_weight, 0.0, options.equivariance)

    def loss_of(photos: Tensor, step: int) -> Tensor:
        lesson = lesson_in_style(vgg, photos.to(device), styles, options.seed + step)
        return lesson_loss(painter, vgg, lesson, weights, dtype, tuning)

    return loss_of
