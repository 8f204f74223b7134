"""The ladder: a small picture is painted first, then enlarged and painted on, rung by rung.

Big strokes are cheap where the picture is small, and the big picture starts from nearly right.
Departure from the usual ladder: what enlarging loses of the photo's fine detail is given back, so that a
rung that starts low does not forget the photo.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import torch
from torch import Tensor

from impasto.media.scaling import fit_within
from impasto.methods.objective import Wishes, loss_and_gradient, terms
from impasto.methods.optimize import descend
from impasto.methods.styles import StyleAt, resize_to
from impasto.networks.vgg import POOLED_STRIDE, Vgg
from impasto.options import Optimizer

SMALLEST_RUNG_PX: Final = 200
MOST_RUNGS: Final = 12
FIRST_STEPS: Final = 60
LATER_STEPS: Final = 1 / 3
"""Each rung takes this share of the steps of the rung before: it starts from nearly right."""


class Rung(NamedTuple):
    """size_px: (width, height) painted at; steps: at most."""

    size_px: tuple[int, int]
    steps: int


def plan(photo_px: tuple[int, int], longest_px: int, rungs: int | None, steps: int | None) -> list[Rung]:
    """Halves the size until the next rung would be too small to paint, and shares out the steps.

    photo_px: (width, height) of the photo, which is never enlarged.
    """
    longest_px = min(longest_px, max(photo_px))
    sizes = [longest_px]
    while len(sizes) < (rungs or MOST_RUNGS):
        half = round(sizes[0] / 2)
        if min(fit_within(photo_px, half)) < POOLED_STRIDE or (rungs is None and half < SMALLEST_RUNG_PX):
            break
        sizes.insert(0, half)
    weights = [LATER_STEPS**index for index in range(len(sizes))]
    total = steps or FIRST_STEPS * sum(weights)
    shares = [max(1, round(total * weight / sum(weights))) for weight in weights]
    return [Rung(fit_within(photo_px, size), share) for size, share in zip(sizes, shares, strict=True)]


def enlarge(painted: Tensor, photo: Tensor, photo_small: Tensor) -> Tensor:
    """The painting at the photo's size, with the photo's detail that the small photo could not hold."""
    size = (photo.shape[2], photo.shape[3])
    return resize_to(painted, size) + photo - resize_to(photo_small, size)


@dataclass(frozen=True)
class Climbed:
    """One step of the whole climb; picture (1, 3, h, w), may reach slightly out of [0, 1].

    The last one has no loss, and its picture is the finished painting, in [0, 1].
    """

    rung: int
    loss: float | None
    picture: Tensor
    note: str | None


def climb(  # noqa: PLR0913, PLR0917 - the parts of the method, each named
    vgg: Vgg,
    photo: Tensor,
    style: StyleAt,
    rungs: Sequence[Rung],
    wishes: Wishes,
    optimizer: Optimizer = "lbfgs",
    noise: torch.Generator | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Climbed]:
    """Paints `photo` (1, 3, h, w) in [0, 1] up the rungs, yielding every step and at last the painting.

    noise: starts from noise drawn from this generator instead of from the photo.
    stop: asked after every step; once true, the painting so far is only enlarged to the top.
    """
    x = small = photo[..., :0, :0]
    for index, rung in enumerate(rungs):
        width, height = rung.size_px
        here = resize_to(photo, (height, width)).clamp(0, 1)
        if index > 0:
            x = enlarge(x, here, small)
        elif noise is not None:
            x = torch.rand(here.shape, generator=noise).to(here.device)
        else:
            x = here
        small = here
        if not stop():
            wanted = terms(vgg, here, style(max(rung.size_px)), wishes)
            for step in descend(x, loss_and_gradient(vgg, wanted), rung.steps, optimizer):
                x = step.picture
                yield Climbed(index, step.loss, x, step.note)
                if stop():
                    break
        x = x.clamp(0, 1)
    yield Climbed(len(rungs) - 1, None, x, None)
