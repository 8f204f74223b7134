"""The canvas that the painter paints on: grain that is combed along a field of directions, full of swirls.

A network that sees a sky without a cloud can give its strokes only one direction, always the same one. On a
canvas whose grain runs along curves, strokes follow these. The directions are the curl of smooth noise
(Bridson, Houriham & Nordenstam 2007, "Curl-noise for procedural fluid flow"), which is full of whirls, tilted
so that these are spirals; the grain is noise smeared along them, as in a line integral convolution (Cabral &
Leedom 1993), by a bank of straight combs.
"""

from math import pi
from typing import Final

import torch
import torch.nn.functional as F  # noqa: N812 - the name the field uses
from torch import Tensor

DEVIATION: Final = 0.045
"""Of the grain, in units of the picture's range."""
STRIDE_PX: Final = 4
"""The grain is made at so small a part of the picture's size."""
PITCHES: Final = (1, 2, 4)
"""Of the noise that is combed, in places of the grain."""
WHIRLS: Final = 4
"""Along the longer side: at every size of a picture the same ones are in the same places."""
SMALLEST_WHIRL_PX: Final = 128
TILT: Final = 1 / 6
"""From rings to spirals, in half turns."""
COMBS: Final = 8
"""So many directions; between them, two combs share the work."""
LENGTH_PX: Final = 24
WIDTH_PX: Final = 2
"""Deviations of a comb's Gaussian, along it and across."""
REACH: Final = 2 * LENGTH_PX // STRIDE_PX
"""From a comb's middle to its end, in places of the grain."""


def grain(size: tuple[int, int], seed: int = 0, count: int = 1, device: torch.device | None = None) -> Tensor:
    """(height, width) -> (count, 1, h, w) of mean 0: so many canvases, the same for the same seed.

    The painter sees it on the ground, and has something to hold a stroke to where the photo is flat: without,
    a sky without a cloud becomes stripes.
    """
    generator = torch.Generator().manual_seed(seed)
    height, width = (-(-side // STRIDE_PX) + 1 for side in size)
    whirl = max(max(size) / WHIRLS, SMALLEST_WHIRL_PX) / STRIDE_PX
    drawn = torch.randn((count, 1, WHIRLS + 4, WHIRLS + 4), generator=generator)
    angles = _directions(_smooth(drawn.to(device), whirl)[..., : height + 2, : width + 2])
    uneven = torch.zeros((), device=device)
    rows, columns = height + 2 * REACH, width + 2 * REACH
    for pitch in PITCHES:
        drawn = torch.randn((count, 1, rows // pitch + 4, columns // pitch + 4), generator=generator)
        uneven = uneven + _smooth(drawn.to(device), pitch)[..., :rows, :columns]
    combed = F.interpolate(_combed(uneven, angles), scale_factor=STRIDE_PX, mode="bicubic")
    combed = combed[..., : size[0], : size[1]]
    return (combed - combed.mean()) * (DEVIATION / combed.std())


def _smooth(drawn: Tensor, pitch: float) -> Tensor:
    """Numbers `pitch` places apart -> interpolated, without the outermost."""
    between = F.interpolate(drawn, scale_factor=pitch, mode="bicubic")
    return between[..., round(pitch) :, round(pitch) :]


def _directions(potential: Tensor) -> Tensor:
    """(n, 1, h + 2, w + 2) -> (n, 1, h, w): angles to the contour lines of the potential, in half turns."""
    across = potential[..., 1:-1, 2:] - potential[..., 1:-1, :-2]
    down = potential[..., 2:, 1:-1] - potential[..., :-2, 1:-1]
    return torch.atan2(-across, down) / pi + TILT


def _combed(uneven: Tensor, angles: Tensor) -> Tensor:
    """Noise smeared along angles, (n, 1, h, w) in half turns; it is larger by the combs' reach."""
    along_each = F.conv2d(uneven, _combs().to(uneven.device))
    each = torch.arange(COMBS, device=uneven.device).view(-1, 1, 1)
    away = (COMBS * angles - each + COMBS / 2) % COMBS - COMBS / 2
    share = (pi / 2 * away.clamp(-1, 1)).cos()
    return (share * along_each).sum(1, keepdim=True)


def _combs() -> Tensor:
    """(COMBS, 1, k, k): long Gaussians that keep the noise's deviation, each turned a little farther."""
    places = STRIDE_PX * torch.arange(-REACH, REACH + 1.0)
    y, x = torch.meshgrid(places, places, indexing="ij")
    turn = (pi / COMBS * torch.arange(COMBS)).view(-1, 1, 1)
    along, across = x * turn.cos() + y * turn.sin(), y * turn.cos() - x * turn.sin()
    combs = torch.exp(-((along / LENGTH_PX).square() + (across / WIDTH_PX).square()) / 2)
    return (combs / combs.square().sum((1, 2), keepdim=True).sqrt())[:, None]
