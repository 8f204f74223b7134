"""A training in a folder: taken up where it was, kept with its curve."""

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import torch

from impasto.errors import OptionError
from impasto.media.curves import curve_png
from impasto.media.files import write_whole
from impasto.methods.training import Trainer

CHECKPOINT: Final = "checkpoint.pt"


@dataclass(frozen=True)
class History:
    """The loss of every step so far, and the loss on what is held out after some of the steps."""

    losses: list[float] = field(default_factory=list)
    held_out: dict[int, float] = field(default_factory=dict)


def take_up(folder: Path, trainer: Trainer, told: str, device: torch.device) -> History:
    """Brings the trainer to where it was in this folder, if it was; what is known of the steps so far.

    told: what must be the same for a training to be taken up. OptionError where it is not.
    """
    path = folder / CHECKPOINT
    if not path.exists():
        return History()
    found = torch.load(path, map_location=device, weights_only=True)
    if found["task"] != told:
        raise OptionError(f"{folder} holds a training with other pictures or options; give another folder")
    trainer.restore(found["trainer"])
    return History(found["losses"], found.get("held_out", {}))


def keep(folder: Path, trainer: Trainer, told: str, history: History) -> None:
    """Writes the curve, and then the checkpoint, which says that all before it is written."""
    write_bytes(folder / "curve.png", curve_png(history.losses, history.held_out))
    checkpoint = io.BytesIO()
    torch.save({"trainer": trainer.state(), **vars(history), "task": told}, checkpoint)
    write_bytes(folder / CHECKPOINT, checkpoint.getvalue())


def write_bytes(path: Path, content: bytes) -> None:
    """All of them or none; OutputError."""
    write_whole(path, lambda file: file.write(content))
