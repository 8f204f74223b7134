"""train_colorizer(task): photos -> a network that colours, in steps that can be taken up again."""

import io
import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from importlib.metadata import version
from typing import Final

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save
from torch import Tensor

from impasto.checkpoints import History, keep, take_up, write_bytes
from impasto.media.curves import import_pyplot
from impasto.methods.color_lessons import lesson_loss, lessons_from
from impasto.methods.devices import choose_device, choose_precision
from impasto.methods.gamut import BINS, TEMPERATURE, annealed_mean, bin_centres
from impasto.methods.training import Course, Trainer, batch_of
from impasto.methods.upsampling import upsampled
from impasto.networks.cielab import from_lab
from impasto.networks.colorizer import LAYERS, ColorHead, Colorizer
from impasto.networks.vgg import set_compute_type
from impasto.networks.weights import load_vgg
from impasto.shelf import Shelf, is_held_out, photos_in
from impasto.tasks import TrainColorizerTask, Trained

SAMPLES: Final = 6
PRIOR_ROWS: Final = 2000
"""Crops that are enough to count colours over."""


def train_colorizer(task: TrainColorizerTask, stop: Callable[[], bool] = lambda: False) -> Iterator[Trained]:
    """Fills the shelf, then trains, yielding Trained after every row and step.

    The folder `task.output` gets `colorizer.safetensors`, which --weights takes, `samples.png`, `curve.png`
    and `checkpoint.pt`, from which the same task goes on where it was. Once `stop` is true, a checkpoint is
    written and it ends.
    Errors: PictureError; OptionError, where another training has begun in the folder; ExtraError.
    """
    import_pyplot()
    options = task.options
    device = choose_device(options.device)
    workshop = Workshop(task, device)
    for row in workshop.shelf.fill(None if options.finetune else workshop.colorizer.vgg):
        yield Trained("shelf", row, workshop.shelf.rows, None)
        if stop():
            return
    workshop.begin()
    while workshop.trainer.step < options.steps:
        loss = workshop.learn()
        last = workshop.trainer.step == options.steps or stop()
        if last or workshop.trainer.step % options.saved_every == 0:
            workshop.save()
        yield Trained("steps", workshop.trainer.step, options.steps, loss)
        if last:
            return


class Workshop:
    """One training: the shelf it learns from, the network, and the folder it writes to."""

    def __init__(self, task: TrainColorizerTask, device: torch.device) -> None:
        options = task.options
        self.task = task
        self.device = device
        self.shelf = Shelf(
            task.output / "shelf", photos_in(task.photos), options.views, options.size, options.seed
        )
        torch.manual_seed(options.seed)
        head = ColorHead(BINS)
        head.centres = bin_centres()
        vgg = load_vgg().requires_grad_(options.finetune)
        if not options.finetune:
            vgg = set_compute_type(vgg, choose_precision("auto", device))
        self.colorizer = Colorizer(vgg, head).to(device)
        self.network = self.colorizer if options.finetune else self.colorizer.head
        course = Course(options.steps, options.learning_rate, options.weight_decay, options.seed)
        self.trainer = Trainer(self.network, course)
        self.history = History()

    def begin(self) -> None:
        """After the shelf is filled: counts colours, and goes on from a checkpoint if there is one."""
        self.rows = self.shelf.colorful(held_out=False)
        self.held_out = self.shelf.colorful(held_out=True)
        options = self.task.options
        some = self.rows[:: max(1, len(self.rows) // PRIOR_ROWS)]
        colors = self.shelf.batch(some, ["colors"])["colors"][:, :, ::3, ::3].float()
        self.lessons = lessons_from(
            colors.permute(0, 2, 3, 1).flatten(0, 2), bin_centres(), options.uniform_share, options.loss
        ).to(self.device)
        self.history = take_up(self.task.output, self.trainer, self._task_text(), self.device)

    def learn(self) -> float:
        """One step; its loss."""
        self.history.losses.append(self.trainer.learn(self._loss))
        return self.history.losses[-1]

    def save(self) -> None:
        """Weights, samples, the curve, and at last the checkpoint."""
        folder, averaged = self.task.output, self._averaged()
        self.history.held_out[self.trainer.step] = self._held_out_loss(averaged)
        write_bytes(folder / "colorizer.safetensors", save(self._shipped(), self._provenance()))
        write_bytes(folder / "samples.png", _png(self._samples(averaged)))
        keep(folder, self.trainer, self._task_text(), self.history)

    def _loss(self, step: int) -> Tensor:
        options = self.task.options
        places = batch_of(len(self.rows), options.batch, options.seed, step)
        mirrored = bool(torch.rand(()) < 0.5)
        return self._loss_of(self.colorizer, [self.rows[place] for place in places], mirrored=mirrored)

    def _held_out_loss(self, averaged: Colorizer) -> float:
        """Over photos that are not trained on, as they are: when it rises, the network learns by heart."""
        size, losses = self.task.options.batch, list[float]()
        torch.manual_seed(self.task.options.seed)
        for start in range(0, len(self.held_out), size):
            rows = self.held_out[start : start + size]
            with torch.inference_mode():
                losses += [float(self._loss_of(averaged, rows, mirrored=False))] * len(rows)
        return sum(losses) / max(1, len(losses))

    def _loss_of(self, colorizer: Colorizer, rows: list[int], *, mirrored: bool) -> Tensor:
        with torch.autocast(self.device.type, torch.bfloat16):
            scores = self._scores(colorizer, rows, mirrored=mirrored)
        colors = self.shelf.batch(rows, ["colors"])["colors"].to(self.device).float()
        return lesson_loss(scores.float(), colors.flip(3) if mirrored else colors, self.lessons)

    def _scores(self, colorizer: Colorizer, rows: list[int], *, mirrored: bool) -> Tensor:
        """Of what VGG saw in the rows, or of the rows themselves where VGG is trained, too.

        mirrored: what VGG saw is mirrored, nearly what it would see in the mirror.
        """
        names = ("light",) if self.task.options.finetune else LAYERS
        batch = {name: x.to(self.device) for name, x in self.shelf.batch(rows, names).items()}
        if mirrored:
            batch = {name: x.flip(3) for name, x in batch.items()}
        scores: Tensor
        if self.task.options.finetune:
            scores = colorizer(batch["light"].float())
        else:
            scores = colorizer.head(
                {layer: x.to(torch.bfloat16, memory_format=torch.channels_last) for layer, x in batch.items()}
            )
        return scores

    def _averaged(self) -> Colorizer:
        """A copy of the network with the average of its weights."""
        colorizer = deepcopy(self.colorizer)
        (colorizer if self.task.options.finetune else colorizer.head).load_state_dict(self.trainer.average)
        return colorizer.eval()

    def _samples(self, averaged: Colorizer) -> Tensor:
        """(3, h, w) sRGB: held-out photos in a row, above them what they are, below what is made of them."""
        rows = self.held_out[:SAMPLES]
        batch = self.shelf.batch(rows, ["light", "colors"])
        light, colors = batch["light"].float(), batch["colors"].float()
        with torch.inference_mode(), torch.autocast(self.device.type, torch.bfloat16):
            scores = self._scores(averaged, rows, mirrored=False).float().cpu()
        found = annealed_mean(scores, bin_centres(), TEMPERATURE)
        return torch.cat([_row_of(light, colors), _row_of(light, found)], 1)

    def _shipped(self) -> dict[str, Tensor]:
        """The averaged weights in the names that `load_colorist` knows, kernels in float16."""
        network = {
            name.removeprefix("head."): tensor
            for name, tensor in self.trainer.average.items()
            if tensor.is_floating_point()
        }
        network["rarity"] = self.lessons.weights.log()
        return {
            name: (tensor.half() if tensor.ndim == 4 else tensor.float()).contiguous().cpu()
            for name, tensor in network.items()
        }

    def _provenance(self) -> dict[str, str]:
        """One entry, since safetensors writes several in any order, and the same seed is the same file."""
        told = {
            "impasto": version("impasto"),
            "options": self.task.options.model_dump(mode="json", exclude={"saved_every", "device"}),
            "photos": sum(not is_held_out(photo) for photo in self.shelf.photos),
            "steps": self.trainer.step,
        }
        return {"provenance": json.dumps(told)}

    def _task_text(self) -> str:
        """What must be the same for a training to be taken up again."""
        options = self.task.options.model_dump(mode="json", exclude={"saved_every", "device"})
        return json.dumps({"options": options, "photos": [photo.name for photo in self.shelf.photos]})


def _row_of(light: Tensor, colors: Tensor) -> Tensor:
    """(n, 1, s, s) and (n, 2, s/4, s/4) -> (3, s, n s) sRGB."""
    crops = []
    for one, ab in zip(light[:, None], colors[:, None], strict=True):
        large = torch.cat([strip for _, strip in upsampled(ab, one)], 2)
        crops.append(from_lab(torch.cat([one, large], 1))[0])
    return torch.cat(crops, 2).clamp(0, 1)


def _png(rgb: Tensor) -> bytes:
    """(3, h, w) in [0, 1] -> a file."""
    levels = (rgb.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, "png")
    return buffer.getvalue()
