"""A long search comes in bouts, each of which sees the picture anew.

A search that sees a picture from one place alone finds, after some dozens of steps, what only the network's
poolings at that place take for the style: its loss falls on, and the picture gets worse. So from bout to bout
the picture lies elsewhere under them. Each bout also holds the photo more firmly than the one before: few
steps hold it by themselves, and more would let it go. And what a long search shows is the mean of its last
pictures, in which brushwork stays and what one place alone asked for does not.
See docs/decisions/.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 - the name the field uses
from torch import Tensor

from impasto.methods.optimize import LossAndGradient
from impasto.methods.scene import Scene
from impasto.networks.vgg import POOLED_STRIDE

FIRST_BOUT_STEPS: Final = 25
BOUT_STEPS: Final = 20
SHIFTED_FROM: Final = 60
"""Until so many steps are taken, brushwork is still found where the picture lies."""
HELD_ALONE_STEPS: Final = 10
"""So few hold the photo by themselves."""
CONTENT_RISE: Final = 0.25
"""The weight of content rises with this power of the steps taken, beside those."""
AVERAGED_STEPS: Final = 40
"""A picture is the mean of so many at most, all of them after the first bout."""


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


class Bout(NamedTuple):
    """shift: where the picture lies; content: multiplies the weight of content; steps: at most."""

    shift: Shift
    content: float
    steps: int


def bouts(steps: int) -> Iterator[Bout]:
    """How a search of so many steps is shared out.

    The first bout sees the picture as it is, for as long as that finds brushwork.
    """
    drawn = torch.Generator().manual_seed(0)
    shift, taken, count = NO_SHIFT, 0, FIRST_BOUT_STEPS
    while taken < steps:
        content = max(1.0, taken / HELD_ALONE_STEPS) ** CONTENT_RISE
        yield Bout(shift, content, min(count, steps - taken))
        taken += count
        if taken >= SHIFTED_FROM:
            down, right = torch.randint(0, POOLED_STRIDE, (2,), generator=drawn).tolist()
            shift = Shift(down, right)
        count = BOUT_STEPS


def holding(scene: Scene, content: float) -> Scene:
    """The scene with the weight of its content multiplied; the published objective stays as it is."""
    return scene if scene.published else scene.weighed(content=content)


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
