"""A picture is judged at its size, at half of it and at a quarter of it, all at once.

The layers that brushwork shows in see a few strokes at a time; broad ones, and how strokes run together, they
see where the picture is small. Departure from Gatys et al. 2016, who ask deeper layers for that; theirs are
met by what only the network sees. See docs/decisions/.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import torch
from torch import Tensor

from impasto.methods.optimize import LossAndGradient
from impasto.methods.scene import Scene
from impasto.methods.styles import resize_to
from impasto.networks.vgg import POOLED_STRIDE


class Level(NamedTuple):
    """Shares of what style, content and smoothness weigh."""

    style: float
    content: float
    smoothness: float


LEVELS: Final = (Level(0.4, 0.5, 1.0), Level(0.4, 0.5, 0.0), Level(0.2, 0.0, 0.0))
"""Each at half the size of the one before."""
SMALLEST_LEVEL_PX: Final = 100
"""The least longest side that is worth a look."""


def level_sizes(size: tuple[int, int]) -> list[tuple[int, int]]:
    """The size of each level of a picture of (width, height) or (height, width), the largest first."""
    found = [size]
    while len(found) < len(LEVELS):
        half = (found[-1][0] // 2, found[-1][1] // 2)
        if max(half) < SMALLEST_LEVEL_PX or min(half) < POOLED_STRIDE:
            break
        found.append(half)
    return found


def levels_of(scene: Scene) -> Iterator[Scene]:
    """The scene at each level that its size allows, the largest first, its wishes shared out.

    The published objective looks once.
    """
    sizes = [scene.size] if scene.published else level_sizes(scene.size)
    here = scene
    for size, shares in zip(sizes, shared_out(LEVELS[: len(sizes)]), strict=True):
        here = here.at(size)
        yield here.weighed(**shares._asdict())


def shared_out(levels: Sequence[Level]) -> list[Level]:
    """The levels that are looked at, each with its shares of what they weigh together."""
    totals = [sum(weights) for weights in zip(*levels, strict=True)]
    return [Level(*(weight / total for weight, total in zip(level, totals, strict=True))) for level in levels]


def over_levels(levels: Sequence[LossAndGradient]) -> LossAndGradient:
    """The sum over the levels, the largest first, as a function of the picture at its own size."""
    first, *rest = levels
    if not rest:
        return first
    smaller = over_levels(rest)

    def evaluate(picture: Tensor) -> tuple[Tensor, Tensor]:
        loss, gradient = first(picture)
        size = (picture.shape[2] // 2, picture.shape[3] // 2)
        # Channel by channel, which takes a third of the memory.
        planes = [picture[:, channel : channel + 1].detach().requires_grad_() for channel in range(3)]
        reduced = [resize_to(plane, size) for plane in planes]
        small_loss, small_gradient = smaller(torch.cat(reduced, dim=1).detach())
        for channel, (plane, small) in enumerate(zip(planes, reduced, strict=True)):
            pull = small_gradient[:, channel : channel + 1].float()
            gradient[:, channel : channel + 1] += torch.autograd.grad(small, plane, pull)[0]
        return loss + small_loss, gradient

    return evaluate


def sparing(evaluate: LossAndGradient, kept: Tensor | None) -> LossAndGradient:
    """The same, but what is kept of the photo, (h, w) in [0, 1], is not pulled at."""
    if kept is None:
        return evaluate
    free = 1 - kept

    def spared(picture: Tensor) -> tuple[Tensor, Tensor]:
        loss, gradient = evaluate(picture)
        return loss, gradient.mul_(free)

    return spared
