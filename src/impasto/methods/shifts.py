"""From bout to bout, the picture lies elsewhere under the network's poolings.

A search that sees a picture from one place alone finds, after some dozens of steps, what only the poolings of
that place take for the style: its loss falls on, and the picture gets worse. Seen from another place, that
is gone, and brushwork stays.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 - the name the field uses
from torch import Tensor

from impasto.methods.optimize import LossAndGradient
from impasto.methods.scene import Scene
from impasto.networks.vgg import POOLED_STRIDE

FIRST_BOUT_STEPS: Final = 60
BOUT_STEPS: Final = 20


class Shift(NamedTuple):
    """Pixels by which a picture is moved down and to the right."""

    down: int
    right: int

    def __call__(self, picture: Tensor) -> Tensor:
        """(..., h, w) -> (..., h + down, w + right), its first row and column repeated."""
        if not any(self):
            return picture
        flat = picture.reshape(1, -1, *picture.shape[-2:])
        return F.pad(flat, (self.right, 0, self.down, 0), mode="replicate").view(
            *picture.shape[:-2], picture.shape[-2] + self.down, picture.shape[-1] + self.right
        )


NO_SHIFT: Final = Shift(0, 0)


def bouts(steps: int) -> Iterator[tuple[Shift, int]]:
    """How a search of so many steps is shared out: where the picture lies, and for how many steps.

    The first bout sees it as it is, for as long as that finds brushwork.
    """
    drawn = torch.Generator().manual_seed(0)
    shift, count = NO_SHIFT, FIRST_BOUT_STEPS
    while steps > 0:
        yield shift, min(steps, count)
        steps -= count
        down, right = torch.randint(0, POOLED_STRIDE, (2,), generator=drawn).tolist()
        shift, count = Shift(down, right), BOUT_STEPS


def shifted(scene: Scene, shift: Shift) -> Scene:
    """The scene with its photo and masks moved."""
    return scene.over(shift(scene.photo), shift.__call__) if any(shift) else scene


def seen_shifted(evaluate: LossAndGradient, shift: Shift) -> LossAndGradient:
    """Of a shifted picture -> of the picture itself."""
    if not any(shift):
        return evaluate

    def of_the_picture(picture: Tensor) -> tuple[Tensor, Tensor]:
        x = picture.detach().requires_grad_()
        there = shift(x)
        loss, gradient = evaluate(there.detach())
        return loss, torch.autograd.grad(there, x, gradient.to(there.dtype))[0]

    return of_the_picture
