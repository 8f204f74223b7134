"""Where a film cuts: both what is where and which tones there are change at once, more than around it."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from statistics import median
from typing import Final, NamedTuple

import torch
from torch import Tensor

TONES: Final = 32
MOVED: Final = 0.06
"""Mean difference of greys in [0, 1] that a cut exceeds."""
RETONED: Final = 0.18
"""Share of the pixels that change their place in the histogram, which a cut exceeds."""
STANDS_OUT: Final = 3.0
"""A cut differs this many times as much as the frames around it do."""
AROUND: Final = 5


class Change(NamedTuple):
    """From one frame to the next: mean difference of greys, and share of the histogram that moved."""

    moved: float
    retoned: float


def changes(glances: Iterable[Tensor]) -> Iterator[Change]:
    """Frames as (h, w) uint8 greys -> the change that leads to each; none leads to the first."""
    before = None
    for glance in glances:
        tones = torch.bincount(glance.flatten().long() * TONES // 256, minlength=TONES) / glance.numel()
        grey = glance.float() / 255
        if before is not None:
            moved = float((grey - before[0]).abs().mean())
            yield Change(moved, float((tones - before[1]).abs().sum() / 2))
        before = (grey, tones)


def shots(found: Sequence[Change]) -> list[range]:
    """The change that leads to each frame but the first -> the frames of each shot, in order."""
    starts = [0, *(index + 1 for index in range(len(found)) if _cuts(found, index)), len(found) + 1]
    return [range(start, end) for start, end in pairwise(starts)]


def _cuts(found: Sequence[Change], index: int) -> bool:
    here = found[index]
    if here.moved < MOVED or here.retoned < RETONED:
        return False
    around = [*found[max(0, index - AROUND) : index], *found[index + 1 : index + 1 + AROUND]]
    return not around or here.moved > STANDS_OUT * median(change.moved for change in around)
