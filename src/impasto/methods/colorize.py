"""A grey picture -> its colours: predicted small, averaged over several looks, enlarged along its edges.

The prediction is that of Zhang et al. 2016, see `gamut`; enlarging is in `upsampling`.
"""

from collections.abc import Sequence
from math import ceil
from typing import Final, NamedTuple, Protocol

import torch
import torch.nn.functional as F  # noqa: N812 - the name the field uses
from torch import Tensor

from impasto.methods.gamut import annealed_mean, smoothed_prior, soft_encode
from impasto.methods.upsampling import row_strips, upsampled
from impasto.networks.cielab import from_lab, grey_of, to_lab

SIDES_IN: Final = 16
"""Pixels: what a Colorist is shown has sides that are multiples of this."""
SIZES: Final = (1.0, 4 / 3, 5 / 6, 7 / 6)
"""A network colours a picture otherwise at every size, so it looks at several, each also mirrored."""
HINT_REACH: Final = 0.25
"""Shares of the longer side, units of L, and units of ab within which a hint is heard."""
HINT_LIGHTNESS: Final = 10.0
HINT_COLOR: Final = 12.0
BORDER_SEEN_PX: Final = 256
BORDER_SPREAD: Final = 2.5
"""Units of L, standard deviation: a row of paper or of black film is this plain."""
MOST_BORDER: Final = 0.2
MOST_FAVOUR: Final = 20.0
"""How much a reference picture can make a colour likelier than the network thinks."""


class Colorist(Protocol):
    """What networks that colour have: scores of bins, and what these are.

    centres: (q, 2), a and b. rarity: (q,), how much the loss favoured each for being rare, as a logarithm.
    """

    @property
    def centres(self) -> Tensor: ...

    @property
    def rarity(self) -> Tensor: ...

    def __call__(self, lightness: Tensor, /) -> Tensor:
        """(n, 1, h, w), L in [0, 100] -> (n, q, h/4, w/4); sides are multiples of 16."""


class Hint(NamedTuple):
    """A pixel, and the colour that belongs there, a and b."""

    row: int
    column: int
    ab: tuple[float, float]


class Taste(NamedTuple):
    """How to colour: see `options.ColorizeOptions`. palette (q,): how often a reference has each bin."""

    temperature: float
    rarity: float
    saturation: float
    looks: int
    size_px: int
    hints: Sequence[Hint] = ()
    palette: Tensor | None = None


def colorize(colorist: Colorist, picture: Tensor, taste: Taste) -> Tensor:
    """(1, 3, h, w) sRGB in [0, 1] -> the same memory, in colour; what colours it had are ignored."""
    lightness = lightness_of(picture)
    inside = within_border(lightness)
    rows, columns = inside
    moved = [
        hint._replace(row=hint.row - rows.start, column=hint.column - columns.start) for hint in taste.hints
    ]
    colors = predict_colors(colorist, lightness[:, :, rows, columns], taste._replace(hints=moved))
    return in_colors(picture, lightness, inside, colors)


def in_colors(picture: Tensor, lightness: Tensor, inside: tuple[slice, slice], colors: Tensor) -> Tensor:
    """(1, 3, h, w) -> the same memory with small colours (1, 2, h', w') inside, and grey around."""
    for strip in row_strips(picture):
        picture[:, :, strip] = grey_of(lightness[:, :, strip])
    rows, columns = inside
    within, lightness = picture[:, :, rows, columns], lightness[:, :, rows, columns]
    for strip, ab in upsampled(colors, lightness):
        within[:, :, strip] = from_lab(torch.cat([lightness[:, :, strip], ab], 1)).clamp_(0, 1)
    return picture


def within_border(lightness: Tensor) -> tuple[slice, slice]:
    """(1, 1, h, w) -> the rows and columns inside a plain border; one on one side only may be a sky.

    A scan's border is paper, and would look like a wall or a sky.
    """
    height, width = lightness.shape[2:]
    scale = max(1.0, max(height, width) / BORDER_SEEN_PX)
    small = F.interpolate(lightness, (ceil(height / scale), ceil(width / scale)), mode="area")[0, 0]
    return _inner(small, height), _inner(small.T, width)


def palette_of(picture: Tensor, centres: Tensor) -> Tensor:
    """(1, 3, h, w) sRGB and (q, 2) -> (q,): how often the picture has each bin, smoothed."""
    ab = to_lab(picture)[0, 1:].flatten(1).T
    colors = soft_encode(ab, centres)
    counts = torch.zeros(len(centres), device=ab.device)
    counts.index_add_(0, colors.bins.flatten(), colors.shares.flatten())
    return smoothed_prior(counts, centres)


def lightness_of(picture: Tensor) -> Tensor:
    """(1, 3, h, w) sRGB -> (1, 1, h, w), L in [0, 100]."""
    return torch.cat([to_lab(picture[:, :, rows])[:, :1] for rows in row_strips(picture)], 2)


def predict_colors(colorist: Colorist, lightness: Tensor, taste: Taste) -> Tensor:
    """(1, 1, h, w) -> (1, 2, h', w'), a and b at a quarter of the size at which the network looks."""
    shares = mean_shares(colorist, lightness, taste.looks, taste.size_px)
    return take_hints(colors_of(colorist, shares, taste), lightness, taste.hints)


def colors_of(colorist: Colorist, shares: Tensor, taste: Taste) -> Tensor:
    """(1, q, h, w), how likely each bin is -> (1, 2, h, w), a and b."""
    return chosen_colors(colorist, to_taste(colorist, shares, taste), taste)


def to_taste(colorist: Colorist, shares: Tensor, taste: Taste) -> Tensor:
    """(1, q, h, w), how likely a network finds each bin -> the same, more like the palette, if any."""
    if taste.palette is None:
        return shares
    taken_back = (1 - taste.rarity) * colorist.rarity.to(shares)
    usual = (shares.clamp(min=1e-12).log() - taken_back[:, None, None]).softmax(1)
    return favour(shares, taste.palette, usual.mean((0, 2, 3)))


def chosen_colors(colorist: Colorist, shares: Tensor, taste: Taste) -> Tensor:
    """(1, q, h, w), how likely each bin is, to taste -> (1, 2, h, w), a and b.

    A loss that weighs rare colours more makes them likelier than they are, by just that weight, and `rarity`
    says how much of it is not taken back. It is taken back beside the sharpening, not sharpened itself: the
    likeliest bin is that of the network, vivid, and a higher temperature is always safer and paler.
    """
    taken_back = (1 - taste.rarity) * colorist.rarity.to(shares)
    scores = shares.clamp(min=1e-12).log() - taste.temperature * taken_back[:, None, None]
    return taste.saturation * annealed_mean(scores, colorist.centres.to(scores), taste.temperature)


def mean_shares(colorist: Colorist, lightness: Tensor, looks: int, size_px: int) -> Tensor:
    """(1, 1, h, w) -> (1, q, h', w'): how likely each bin is, averaged over looks of several sizes."""
    total: Tensor | None = None
    for look in range(looks):
        shown = F.interpolate(
            lightness, _shown_px(lightness, size_px * SIZES[look // 2]), mode="bilinear", antialias=True
        )
        mirrored = look % 2 == 1
        with torch.inference_mode():
            shares = colorist(shown.flip(3) if mirrored else shown).float().softmax(1)
        shares = shares.flip(3) if mirrored else shares
        total = shares if total is None else total + F.interpolate(shares, total.shape[2:], mode="bilinear")
    assert total is not None
    return total / looks


def favour(shares: Tensor, palette: Tensor, usual: Tensor) -> Tensor:
    """(1, q, h, w), and (q,) wanted and usual on average -> (1, q, h, w), each place more like the wanted.

    Bayes' rule with another prior: what the network believes on average gives way to the palette.
    """
    ratio = palette / usual.clamp(min=1e-6)
    favoured = shares * ratio.clamp(1 / MOST_FAVOUR, MOST_FAVOUR)[:, None, None]
    return favoured / favoured.sum(1, keepdim=True)


def take_hints(colors: Tensor, lightness: Tensor, hints: Sequence[Hint]) -> Tensor:
    """(1, 2, h', w') -> the same, with each hint's colour where it was given and where it looks alike.

    Alike is what is near, as light, and was coloured alike. Where several hints are heard, each counts by
    how well it is heard, twice: the nearer one wins.
    """
    if not hints:
        return colors
    guide = F.interpolate(lightness, colors.shape[2:], mode="area")
    rows, columns = (torch.arange(side, device=colors.device) for side in colors.shape[2:])
    longest = max(colors.shape[2:])
    heard, moved = torch.zeros_like(guide), torch.zeros_like(colors)
    for hint in hints:
        row, column = (
            min(max(place * small // large, 0), small - 1)
            for place, small, large in zip(hint[:2], colors.shape[2:], lightness.shape[2:], strict=True)
        )
        down, across = (rows - row)[:, None] / longest, (columns - column)[None] / longest
        here = colors[:, :, row, column][..., None, None]
        unlike = (
            (down.square() + across.square()) / HINT_REACH**2
            + ((guide - guide[:, :, row, column][..., None, None]) / HINT_LIGHTNESS).square()
            + ((colors - here) / HINT_COLOR).square().sum(1, keepdim=True)
        )
        # Around its place the hint holds wholly, so that enlarging does not water it down.
        volume = (1.6 * (-unlike / 2).exp()).clamp(max=1)
        heard = heard + volume
        moved = moved + volume.square() * (torch.tensor(hint.ab).to(colors).view(1, 2, 1, 1) - here)
    return colors + moved / heard.clamp(min=1)


def _shown_px(lightness: Tensor, short_px: float) -> tuple[int, int]:
    """(height, width) with the shorter side near `short_px`, both in sixteens."""
    height, width = lightness.shape[2:]
    scale = short_px / min(height, width)
    rows, columns = (max(2, round(side * scale / SIDES_IN)) * SIDES_IN for side in (height, width))
    return rows, columns


def _inner(small: Tensor, length: int) -> slice:
    """(h, w) -> where its rows stop being plain from both ends, for an axis of `length` pixels."""
    plain = (small.std(1) < BORDER_SPREAD).tolist() if small.shape[1] > 1 else [False]
    first, last = (
        plain.index(False) if False in plain else 0,
        plain[::-1].index(False) if False in plain else 0,
    )
    if not 0 < first < MOST_BORDER * len(plain) or not 0 < last < MOST_BORDER * len(plain):
        return slice(0, length)
    step = length / len(plain)
    return slice(ceil(first * step), length - ceil(last * step))
