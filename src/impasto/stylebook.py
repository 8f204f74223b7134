"""Styles by name: cards are made from paintings here, and read for a painting."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor

from impasto.crossing import over_white, to_pixels
from impasto.errors import PictureError, StyleError
from impasto.media.cards import Card
from impasto.media.gallery import read_style
from impasto.media.picture import Picture, read_picture, resize_picture
from impasto.methods.losses import Statistics, statistics
from impasto.methods.styles import (
    COLORS,
    STYLE_LAYERS,
    StyleAt,
    measure,
    resize_longest,
    style_of_card,
    style_of_painting,
)
from impasto.networks.fetch import MODELS
from impasto.networks.painter import CONDITIONED
from impasto.networks.vgg import POOLED_STRIDE, Vgg, VggWeights
from impasto.networks.weights import vgg_weights
from impasto.options import MAX_PIXELS
from impasto.tasks import Pixels

CARD_SIZES_PX: Final = (128, 256, 512, 724, 1024)
THUMBNAIL_PX: Final = 128
SMALLEST_PAINTING_PX: Final = 64


class Loaded(NamedTuple):
    """A style, how much memory it keeps, and what the bundled painter was taught of it."""

    at: StyleAt
    held_bytes: int = 0
    tuning: Tensor | None = None


def load_style(
    source: str,
    vgg: Vgg,
    weights: VggWeights,
    longest_px: int,
    max_pixels: int,
    recolored: Callable[[Tensor], Tensor] | None = None,
) -> Loaded:
    """A style by its name or file, for pictures of up to `longest_px`.

    recolored: what to do with the painting before it is measured, (1, 3, h, w).
    StyleError when a card was measured with another network, or should be recoloured.
    """
    style = read_style(source, max_pixels)
    device = vgg.mean.device
    if isinstance(style, Picture):
        check_painting(style, source)
        painting = over_white(resize_picture(style, min(longest_px, max(style.size_px)))).to(device)
        painting = painting if recolored is None else recolored(painting)
        return Loaded(style_of_painting(vgg, painting), 2 * painting.nbytes)
    if style.network_sha256 != weights.sha256:
        raise StyleError(
            f"{source} was measured with the bundled {style.network}; use the painting itself as the style, "
            "or leave out --backbone and --weights"
        )
    if recolored is not None:
        raise StyleError(
            f"{source} is a style card, as built-in styles are, and colours can be brought to the photo's "
            "before only with a painting; "
            "give the painting's file, or use --keep-colors-by luminance or after"
        )
    return Loaded(style_of_card(card_statistics(style, device)), tuning=_tuning_of(style, device))


def card_statistics(card: Card, device: torch.device) -> Mapping[int, Mapping[str, Statistics]]:
    """The card's moments as tensors: size -> layer -> statistics; colours are the thumbnail's."""
    thumbnail = torch.from_numpy(card.thumbnail).to(device).permute(2, 0, 1)[None] / 255
    colors = {COLORS: statistics(thumbnail)}
    return {
        size: {layer: _statistics(*moments, device) for layer, moments in layers.items()} | colors
        for size, layers in card.moments.items()
    }


def _tuning_of(card: Card, device: torch.device) -> Tensor | None:
    """(CONDITIONED,); None where nothing was taught, or another painter was."""
    tuning = card.tuning
    if tuning is None or MODELS["painter"].checksum != f"sha256:{tuning.painter_sha256}":
        return None
    if tuning.numbers.shape != (CONDITIONED,):
        raise StyleError(f"the card of {card.title} is damaged; make one with: impasto style save PAINTING")
    return torch.from_numpy(tuning.numbers).to(device)


def _statistics(mean: Pixels, covariance: Pixels, device: torch.device) -> Statistics:
    m, c = (torch.from_numpy(array).to(device) for array in (mean, covariance))
    return Statistics(m, c + torch.outer(m, m))


def check_painting(painting: Picture, source: str) -> None:
    """PictureError when there is too little of a painting to take a style from."""
    if min(painting.size_px) < POOLED_STRIDE or max(painting.size_px) < SMALLEST_PAINTING_PX:
        raise PictureError(
            f"{source} is too small to take a style from; use a painting of 256 pixels or more"
        )


def make_card(
    path: Path, title: str, artist: str, year: str, source: str, max_pixels: int = MAX_PIXELS
) -> Card:
    """Measures a painting in float32 at each size of a card that it is large enough for.

    PictureError when the painting cannot be read or is too small.
    """
    painting = read_picture(path, max_pixels=max_pixels)
    check_painting(painting, str(path))
    weights = vgg_weights()
    vgg = Vgg(weights)
    longest = max(painting.size_px)
    sizes = [size for size in CARD_SIZES_PX if size <= longest] or [longest]
    whole = over_white(painting)
    moments = {}
    for size in sizes:
        found = measure(vgg, resize_longest(whole, size))
        moments[size] = {k: (found[k].mean.numpy(), found[k].covariance.numpy()) for k in STYLE_LAYERS}
    thumbnail = resize_picture(painting, min(THUMBNAIL_PX, longest))
    return Card(
        title=title,
        artist=artist,
        year=year,
        source=source,
        network=weights.architecture,
        network_sha256=weights.sha256,
        thumbnail=np.rint(to_pixels(over_white(thumbnail)) * 255).astype(np.uint8),
        moments=moments,
    )
