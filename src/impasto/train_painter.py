"""train_painter(task): photos and paintings -> a painter, in steps that can be taken up again."""

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from typing import Final, NamedTuple

import torch
from torch import Tensor

from impasto.checkpoints import keep, take_up, write_bytes
from impasto.crossing import to_pixels
from impasto.media.curves import import_pyplot
from impasto.media.picture import Picture, write_picture
from impasto.methods.devices import choose_device, choose_precision
from impasto.methods.fast import paint
from impasto.methods.graphs import recorded_loss
from impasto.methods.painter_lessons import Materials, Weights, lesson_loss, lesson_of, materials
from impasto.methods.styles import measure
from impasto.methods.training import Course, Trainer
from impasto.networks.fetch import fetch_model
from impasto.networks.painter import Painter
from impasto.networks.painter_weights import load_painter, painter_bytes
from impasto.networks.vgg import set_compute_type
from impasto.networks.weights import load_vgg
from impasto.options import TrainPainterOptions
from impasto.pairings import Pairings, ahead
from impasto.shelf import is_held_out, photos_in
from impasto.tasks import Trained, TrainPainterTask

SAMPLES: Final = 6
MOST_READERS: Final = 8


class Recipe(NamedTuple):
    """What the options leave to the machine."""

    steps: int
    batch: int
    size_px: int


ON_CPU: Final = Recipe(2000, 4, 160)
ON_GPU: Final = Recipe(12_000, 16, 256)


def recipe_for(options: TrainPainterOptions, device: torch.device) -> Recipe:
    """The options' own numbers, and for those that were left out, the machine's."""
    usual = ON_CPU if device.type == "cpu" else ON_GPU
    return Recipe(options.steps or usual.steps, options.batch or usual.batch, options.size or usual.size_px)


def train_painter(task: TrainPainterTask, stop: Callable[[], bool] = lambda: False) -> Iterator[Trained]:
    """Trains, yielding Trained after every step.

    The folder `task.output` gets `painter.safetensors`, `samples.png`, `curve.png` and `checkpoint.pt`, from
    which the same task goes on where it was. Once `stop` is true, or the time is up, a checkpoint is written
    and it ends.
    Errors: PictureError, WeightsError, ExtraError; OptionError, where another training has begun there.
    """
    began = time.monotonic()
    import_pyplot()
    workshop = Workshop(task, choose_device(task.options.device))
    steps = workshop.recipe.steps
    for given in workshop.given():
        loss = workshop.learn(given)
        step = workshop.trainer.step
        seconds = task.options.time
        late = seconds is not None and time.monotonic() - began > float(seconds)
        last = step == steps or late or stop()
        if last or step % task.options.saved_every == 0:
            workshop.save()
        yield Trained("steps", step, steps, loss)
        if last:
            return


class Workshop:
    """One training: the pictures it learns from, the network, and the folder it writes to."""

    def __init__(self, task: TrainPainterTask, device: torch.device) -> None:
        options = task.options
        self.task = task
        self.device = device
        self.dtype = choose_precision("auto", device)
        self.recipe = recipe_for(options, device)
        self.learnt, self.held_out = self._pairings(held_out=False), self._pairings(held_out=True)
        self.vgg = set_compute_type(load_vgg().to(device), self.dtype)
        torch.manual_seed(options.seed)
        painter = Painter()
        self.began_with: str | None = None
        if options.weights is not None:
            known = load_painter(fetch_model("painter") if options.weights == "bundled" else options.weights)
            painter.load_state_dict(known.painter.state_dict())
            self.began_with = known.sha256
        painter.to(device).convolutions.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.painter = painter
        course = Course(self.recipe.steps, options.learning_rate, 0.0, options.seed)
        self.trainer = Trainer(painter, course)
        self.history = take_up(task.output, self.trainer, self._told(), device)
        self.samples = self.held_out.middles(SAMPLES)
        self.loss_of: Callable[[Sequence[Tensor]], Tensor] | None = None

    def given(self) -> Iterator[Materials]:
        """What the steps that are left learn from."""
        readers = min(MOST_READERS, max(1, (os.cpu_count() or 1) // 2))
        return ahead(self._materials, self.trainer.step, self.recipe.steps, readers)

    def learn(self, given: Materials) -> float:
        """One step; its loss."""
        here = [one.to(self.device) for one in given]
        if self.loss_of is None:
            self.loss_of = self._loss
            if self.device.type == "cuda":
                self.loss_of = recorded_loss(self._loss, here, self.trainer.trained)
        loss_of = self.loss_of
        self.history.losses.append(self.trainer.learn(lambda _: loss_of(here)))
        return self.history.losses[-1]

    def _materials(self, step: int) -> Materials:
        return materials(*self.learnt.at(step), self.task.options.seed + step)

    def _loss(self, given: Sequence[Tensor]) -> Tensor:
        options = self.task.options
        weights = Weights(options.content_weight, options.smoothness, options.equivariance)
        lesson = lesson_of(self.vgg, Materials(*given))
        return lesson_loss(self.painter, self.vgg, lesson, weights, self.dtype)

    def save(self) -> None:
        """Weights, samples, the curve, and at last the checkpoint."""
        folder = self.task.output
        folder.mkdir(parents=True, exist_ok=True)
        write_bytes(folder / "painter.safetensors", painter_bytes(self.trainer.average, self._provenance()))
        write_picture(folder / "samples.png", Picture(to_pixels(self._painted_samples()[None])))
        keep(folder, self.trainer, self._told(), self.history)

    def _pairings(self, *, held_out: bool) -> Pairings:
        """Of the pictures to learn from, or of those to measure on."""
        photos, paintings = (
            [path for path in photos_in(folder) if is_held_out(path) == held_out]
            for folder in (self.task.photos, self.task.paintings)
        )
        return Pairings(photos, paintings, self.recipe.size_px, self.recipe.batch, self.task.options.seed)

    def _painted_samples(self) -> Tensor:
        """(3, 3 s, n s): held-out photos, what is made of them, and the held-out paintings."""
        painter = Painter().to(self.device).eval()
        painter.load_state_dict(self.trainer.average)
        photos, paintings = (pictures.to(self.device)[:, None] / 255 for pictures in self.samples)
        painted = []
        for photo, painting in zip(photos, paintings, strict=True):
            with torch.inference_mode():
                style = measure(self.vgg, painting)
            painted.append(torch.cat([photo, paint(painter, photo, style), painting], 2)[0])
        return torch.cat(painted, 2).cpu()

    def _provenance(self) -> str:
        options = self.task.options.model_dump(mode="json", exclude=_ELSEWHERE | {"weights"})
        return json.dumps(
            {
                "impasto": version("impasto"),
                "options": options | self.recipe._asdict(),
                "weights_sha256": self.began_with,
                "photos": len(self.learnt.photos),
                "paintings": len(self.learnt.paintings),
                "step": self.trainer.step,
            }
        )

    def _told(self) -> str:
        """What must be the same for a training to be taken up again."""
        options = self.task.options.model_dump(mode="json", exclude=_ELSEWHERE)
        names = [[path.name for path in paths] for paths in (self.learnt.photos, self.learnt.paintings)]
        return json.dumps({"options": options | self.recipe._asdict(), "pictures": names})


_ELSEWHERE: Final = {"saved_every", "time", "device", "steps", "batch", "size"}
"""Options that change no pixel, and those that the recipe has."""
