"""What ties a painted frame to the painted frames around it.

Ruder, Dosovitskiy & Brox 2016, "Artistic style transfer for videos", secs. 4.1 to 4.3. Flow is in pixels, and
leads from the frame that is painted to the one it is tied to.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class _Around(NamedTuple):
    """What lies around where a flow leads: four values (1, c, h, w), and how far down and right."""

    values: tuple[Tensor, Tensor, Tensor, Tensor]
    down: Tensor
    right: Tensor


def _around(picture: Tensor, flow: Tensor) -> _Around:
    _, channels, height, width = picture.shape
    y, x = _places(flow)
    y, x = y.clamp(0, height - 1), x.clamp(0, width - 1)
    top, left = y.floor(), x.floor()
    rows, columns = top.long(), left.long()
    below, beside = (rows + 1).clamp(max=height - 1), (columns + 1).clamp(max=width - 1)
    flat = picture.flatten(2)

    def seen(at_row: Tensor, at_column: Tensor) -> Tensor:
        at = (at_row * width + at_column).flatten()
        return flat[:, :, at].view(1, channels, height, width)

    values = (seen(rows, columns), seen(rows, beside), seen(below, columns), seen(below, beside))
    return _Around(values, y - top, x - left)


def warp(picture: Tensor, flow: Tensor) -> Tensor:
    """(1, c, h, w) and (1, 2, h, w) -> (1, c, h, w): at p what `picture` shows at p + flow, bilinear.

    Outside of the picture its border continues. Flows of whole pixels copy values as they are.
    """
    values, down, right = _around(picture, flow)
    upper, lower = (a * (1 - right) + b * right for a, b in (values[:2], values[2:]))
    return upper * (1 - down) + lower * down


def warp_sharply(picture: Tensor, flow: Tensor) -> Tensor:
    """The same by a cubic, which may ring slightly out of [0, 1]: warped again and again it stays sharp."""
    height, width = picture.shape[2:]
    y, x = _places(flow)
    places = torch.stack([2 * x / (width - 1) - 1, 2 * y / (height - 1) - 1], dim=-1)[None]
    return torch.nn.functional.grid_sample(
        picture, places, mode="bicubic", padding_mode="border", align_corners=True
    )


def warp_within(picture: Tensor, flow: Tensor) -> Tensor:
    """The same, but nowhere beyond the four values around: where nothing paints over it, it must not ring."""
    around = torch.stack(_around(picture, flow).values)
    return warp_sharply(picture, flow).clamp(around.amin(0), around.amax(0))


def disoccluded(flow: Tensor, flow_back: Tensor) -> Tensor:
    """Two flows (1, 2, h, w), here to there and back -> (1, 1, h, w) bool: what only this frame shows.

    There the way back does not end where it began (eq. 6 of the paper; Sundaram et al. 2010).
    """
    back = warp(flow_back, flow)
    error = (back + flow).square().sum(1, keepdim=True)
    lengths = back.square().sum(1, keepdim=True) + flow.square().sum(1, keepdim=True)
    return error > 0.01 * lengths + 0.5


def motion_boundary(flow: Tensor) -> Tensor:
    """(1, 2, h, w) -> (1, 1, h, w) bool: where flow jumps, and so is not to be trusted (eq. 7)."""
    down = torch.nn.functional.pad(flow.diff(dim=2), (0, 0, 0, 1))
    right = torch.nn.functional.pad(flow.diff(dim=3), (0, 1))
    change = (down.square() + right.square()).sum(1, keepdim=True)
    return change > 0.01 * flow.square().sum(1, keepdim=True) + 0.002


def correspondence(flow: Tensor, flow_back: Tensor) -> Tensor:
    """Two flows (1, 2, h, w), here to there and back -> (1, 1, h, w): 1 where both show the same, else 0."""
    return in_both(flow, flow_back) * (~motion_boundary(flow)).to(flow)


def in_both(flow: Tensor, flow_back: Tensor) -> Tensor:
    """The same, with 1 also where flow jumps."""
    _, _, height, width = flow.shape
    y, x = _places(flow)
    outside = ((y < 0) | (y > height - 1) | (x < 0) | (x > width - 1))[None, None]
    return (~(disoccluded(flow, flow_back) | outside)).to(flow)


def long_term_weights(weights: Sequence[Tensor]) -> list[Tensor]:
    """Weights (1, 1, h, w) of frames, the nearest first -> the same, each only where no nearer one has a say.

    Eq. 10: max(c - sum of the nearer c, 0).
    """
    nearer = torch.zeros_like(weights[0])
    found = []
    for weight in weights:
        found.append((weight - nearer).clamp(min=0))
        nearer = nearer + weight
    return found


class Anchor(NamedTuple):
    """What a painted frame should stay close to: picture (1, 3, h, w), with how much weight (1, 1, h, w)."""

    picture: Tensor
    weight: Tensor


def anchored(warped: Sequence[Tensor], weights: Sequence[Tensor]) -> Anchor:
    """Painted frames warped to this one, with their weights -> the one anchor that pulls like all of them.

    The weighted squared distances to several pictures have the gradient of that to their weighted mean.
    """
    total = torch.stack(list(weights)).sum(0)
    pulled = torch.stack([weight * picture for picture, weight in zip(warped, weights, strict=True)]).sum(0)
    return Anchor(pulled / total.clamp(min=1e-12), total)


def temporal_loss(picture: Tensor, anchor: Anchor) -> Tensor:
    """(1, 3, h, w) -> (): mean over all values of c (x - w)^2, eq. 8; its gradient reaches the picture."""
    return (anchor.weight * (picture - anchor.picture).square()).mean()


def warp_error(painted: Tensor, before: Tensor, flow: Tensor, weight: Tensor) -> float:
    """Mean squared difference of a painted frame to the warped one before, where both show the same.

    painted, before: (1, 3, h, w); flow: (1, 2, h, w), from the frame to the one before; weight: (1, 1, h, w).
    """
    difference = (painted - warp(before, flow)).square().mean(1, keepdim=True)
    return float((weight * difference).sum() / weight.sum().clamp(min=1))


def _places(flow: Tensor) -> tuple[Tensor, Tensor]:
    """(1, 2, h, w) -> rows and columns that its pixels lead to, each (h, w)."""
    _, _, height, width = flow.shape
    rows = torch.arange(height, device=flow.device, dtype=flow.dtype)[:, None]
    columns = torch.arange(width, device=flow.device, dtype=flow.dtype)[None, :]
    return rows + flow[0, 1], columns + flow[0, 0]
