"""A frame painted after others: it starts from them, warped to it, and is held to them while it is painted.

Ruder, Dosovitskiy & Brox 2016, secs. 4.1 to 4.4. Departures: what only this frame shows starts from the photo
in the style's colours, not from noise; paintings are warped by a cubic, because strokes that are interpolated
linearly from frame to frame wash out; at the end the painting may be blended towards what it is held to.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 - the name the field uses
from torch import Tensor

from impasto.methods.flow import Classical, Flows, flows_between
from impasto.methods.optimize import LossAndGradient, Search, descend
from impasto.methods.temporal import Anchor, anchored, correspondence, long_term_weights, warp_sharply

Warp = Callable[[Tensor, Tensor], Tensor]
"""A picture (1, 3, h, w) by a flow (1, 2, h, w)."""
DRAFT_FOLLOWS: Final = 0.2
"""How much of its difference to a frame's own draft, in colour, is made up for in each frame."""
BLUR_PX: Final = 9


class Tie(NamedTuple):
    """How a frame lies in another: flow (1, 2, h, w), and weight (1, 1, h, w), 0 where it is not there."""

    flow: Tensor
    weight: Tensor

    @classmethod
    def by(cls, flows: Flows) -> "Tie":
        """By where the flows correspond."""
        return cls(flows.there, correspondence(*flows))


@dataclass(frozen=True)
class Hold:
    """How strongly frames hold on to others: the weight of the temporal loss, and the share of a last blend.

    own: in later passes, the share of the frame's own painting in what it starts from.
    """

    weight: float
    blend: float = 0.0
    own: float = 0.0

    def share(self, turn: int) -> float:
        """Of what it is held to, in what a frame starts from, in a pass; the first is 0."""
        return 1 - self.own if turn else 1.0


def tie(photo: Tensor, other: Tensor, method: Classical) -> Tie:
    """From one photo (1, 3, h, w) to another of the same size."""
    return Tie.by(flows_between(photo, other, method))


def held_to(ties: Sequence[Tie], paintings: Sequence[Tensor], warped: Warp = warp_sharply) -> Anchor:
    """What painted frames, the nearest first, want this one to be; nothing at all where there are none."""
    weights = long_term_weights([one.weight for one in ties])
    return anchored([warped(x, one.flow) for one, x in zip(ties, paintings, strict=True)], weights)


def beginning(ground: Tensor, anchor: Anchor, share: float = 1.0) -> Tensor:
    """What a frame starts from, (1, 3, h, w): what it is held to, by `share`, and elsewhere the ground.

    ground: its photo in the colours of the shot, or its own painting from the pass before.
    """
    return torch.lerp(ground, anchor.picture, share * anchor.weight)


def drafted(fresh: Tensor, anchor: Anchor) -> Tensor:
    """The draft of a frame (1, 3, h, w) -> the frame, which is what it is held to wherever that is seen.

    Strokes stay as they are, for the mean of two drafts has the strokes of neither; colours follow slowly.
    """
    held = torch.lerp(fresh, anchor.picture, anchor.weight)
    return held + DRAFT_FOLLOWS * anchor.weight * _blurred(fresh - held)


def tied(evaluate: LossAndGradient, anchor: Anchor, weight: float) -> LossAndGradient:
    """The objective with the temporal loss as one more term, whose gradient needs no network."""
    if weight == 0:
        return evaluate

    def both(picture: Tensor) -> tuple[Tensor, Tensor]:
        loss, gradient = evaluate(picture)
        away = anchor.weight * (picture - anchor.picture)
        pull = weight * (away * (picture - anchor.picture)).mean()
        return loss + pull, gradient + (2 * weight / picture.numel()) * away

    return both


def paint_following(
    evaluate: LossAndGradient,
    start: Tensor,
    anchor: Anchor,
    steps: int,
    hold: Hold,
    search: Search,
) -> Tensor:
    """Paints a frame from `start` (1, 3, h, w) by its objective and what it is held to; in [0, 1]."""
    x = start
    for step in descend(x, tied(evaluate, anchor, hold.weight), steps, search):
        x = step.picture
    return torch.lerp(x.clamp(0, 1), anchor.picture, hold.blend * anchor.weight)


def _blurred(picture: Tensor) -> Tensor:
    """Broader than strokes: the mean over a square, twice."""
    for _ in range(2):
        picture = F.avg_pool2d(picture, BLUR_PX, 1, padding=BLUR_PX // 2, count_include_pad=False)
    return picture
