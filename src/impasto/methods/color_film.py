"""Colours of a film that hold still: what a network believes of a frame is carried along the flow.

A network sees each frame anew and changes its mind. So what it believes is averaged over the frames in which
a place was seen. Not the colours are, which would turn grey where it wavers between two, but how likely each
bin is; and enlarging along the edges of each frame's own lightness keeps them sharp, however often warped.
"""

from typing import Final, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 - the name the field uses
from torch import Tensor

from impasto.methods.flow import Flows, scaled_flow
from impasto.methods.following import Tie
from impasto.methods.temporal import in_both, warp, warp_sharply
from impasto.networks.cielab import from_lab, to_lab

MOST_FRAMES: Final = 24.0
"""A belief is the mean of at most about so many frames, so that it can still change within a long shot."""


HELD: Final = 0.5
"""Of the colours of the frame before, in a frame's: what enlarging makes of grain is not the same twice."""


class Belief(NamedTuple):
    """shares: (1, q, h, w), how likely each bin is; frames: (1, 1, h, w), how many that is the mean of."""

    shares: Tensor
    frames: Tensor

    @property
    def stored(self) -> Tensor:
        """(1, q + 1, h, w) in float16, for a file."""
        return torch.cat(self, 1).half()

    @classmethod
    def of(cls, stored: Tensor) -> "Belief":
        """The belief that was stored."""
        return cls(stored[:, :-1].float(), stored[:, -1:].float())


def believed(shares: Tensor, before: Belief | None = None, flows: Flows | None = None) -> Belief:
    """What a network says of a frame, (1, q, h, w), with what was believed of the one before, if one is.

    flows: to the one before and back, at any size. The belief is rounded as if it had been stored, so that a
    film that is taken up again goes on alike.
    """
    if before is None or flows is None:
        return Belief.of(Belief(shares, torch.ones_like(shares[:, :1])).stored)
    flow, back = (_small(one, shares) for one in flows)
    # Judged at this size: here colours have no fine edges, and to be a few pixels off is no reason to forget.
    frames = warp(before.frames, flow).clamp(max=MOST_FRAMES - 1) * in_both(flow, back)
    carried = warp_sharply(before.shares, flow).clamp(min=0)
    mean = (frames * carried + shares) / (frames + 1)
    return Belief.of(Belief(mean / mean.sum(1, keepdim=True), frames + 1).stored)


def held(picture: Tensor, lightness: Tensor, before: Tensor, tie: Tie) -> Tensor:
    """A frame in colour (1, 3, h, w), its L (1, 1, h, w), and the frame before -> it, held to that.

    tie: how it lies in the one before.
    """
    ab, ab_before = to_lab(picture)[:, 1:], to_lab(before)[:, 1:]
    ab = torch.lerp(ab, warp_sharply(ab_before, tie.flow.to(ab)), HELD * tie.weight.to(ab))
    return from_lab(torch.cat([lightness, ab], 1)).clamp(0, 1)


def _small(flow: Tensor, shares: Tensor) -> Tensor:
    """For the places of the shares."""
    before = (flow.shape[2], flow.shape[3])
    return scaled_flow(F.interpolate(flow, shares.shape[2:], mode="area"), before).to(shares)
