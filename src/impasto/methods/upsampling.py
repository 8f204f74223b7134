"""Small colours -> colours as large as the picture, which stop where its lightness has an edge.

Kopf, Cohen, Lischinski & Uyttendaele 2007, "Joint bilateral upsampling", eq. 3: each pixel is a mean of the
small colours around it that are about as light. Doubled again and again, so that four of them are enough
beyond the first time.
"""

from collections.abc import Iterator
from typing import Final

import torch
import torch.nn.functional as F  # noqa: N812 - the name the field uses
from torch import Tensor

EDGE: Final = 6.0
"""This many units of L, and two places are hardly of one thing."""
LEAST: Final = 1e-3
"""What a place counts for beyond any edge, so that none is left without a colour."""
FIRST_REACH: Final = 3
STRIP_PX: Final = 1 << 19


def upsampled(colors: Tensor, lightness: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """(1, 2, h', w') and (1, 1, h, w) -> strips from the top: rows, and (1, 2, rows, w)."""
    guide = _resized(lightness, colors.shape[2:])
    reach = FIRST_REACH
    while 2 * colors.shape[2] < lightness.shape[2] and 2 * colors.shape[3] < lightness.shape[3]:
        finer = _resized(lightness, (2 * colors.shape[2], 2 * colors.shape[3]))
        colors = torch.cat([_finer(colors, guide, finer, rows, reach) for rows in row_strips(finer)], 2)
        guide, reach = finer, 1
    for rows in row_strips(lightness):
        yield rows, _finer(colors, guide, lightness, rows, reach)


def row_strips(picture: Tensor) -> Iterator[slice]:
    """The rows of each strip of (n, c, h, w), so that what is computed on the way stays small."""
    height, width = picture.shape[2:]
    tall = max(1, STRIP_PX // width)
    for top in range(0, height, tall):
        yield slice(top, min(top + tall, height))


def _finer(colors: Tensor, guide: Tensor, finer: Tensor, rows: slice, reach: int) -> Tensor:
    """(1, 2, h', w'), (1, 1, h', w') and (1, 1, h, w) -> (1, 2, rows, w), from (2 reach)^2 places each."""
    down = _taps(finer.shape[2], colors.shape[2], reach, colors.device, rows)
    across = _taps(finer.shape[3], colors.shape[3], reach, colors.device, slice(None))
    wanted = finer[0, 0, rows]
    total = torch.zeros_like(wanted)
    mean = torch.zeros((2, *wanted.shape), dtype=colors.dtype, device=colors.device)
    small = torch.cat([guide, colors], 1)[0]
    for row, near_row in down:
        band = small[:, row]
        for column, near_column in across:
            lightness, *ab = band[:, :, column]
            weight = ((lightness - wanted) / EDGE).square_().mul_(-0.5).exp_().add_(LEAST)
            weight *= near_row[:, None] * near_column
            total += weight
            for channel in range(2):
                mean[channel].addcmul_(weight, ab[channel])
    return (mean / total)[None]


def _taps(
    length: int, small_length: int, reach: int, device: torch.device, part: slice
) -> list[tuple[Tensor, Tensor]]:
    """The 2 reach neighbours of each place of an axis: indices in the small axis, and tent weights."""
    places = (torch.arange(length, device=device)[part] + 0.5) * small_length / length - 0.5
    first = places.floor()
    taps = []
    for offset in range(1 - reach, reach + 1):
        index = first + offset
        weight = (1 - (index - places).abs() / reach).clamp(min=0)
        # Beyond the rim, the rim is repeated.
        taps.append((index.clamp(0, small_length - 1).long(), weight))
    return taps


def _resized(lightness: Tensor, size: tuple[int, ...]) -> Tensor:
    """(1, 1, h, w) -> (1, 1, *size)."""
    return F.interpolate(lightness, tuple(size), mode="area")
