"""What a painter learns from: photos beside styles, and how far it is from what the objective wants.

The loss is the one that paintings are optimised by, on the bundled VGG-16: moments of relu1_1 ... relu5_1,
and relu4_2 of the photo (see `methods.objective`), averaged over a batch in which every photo has a style of
its own.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from impasto.methods.fast import ground_of, palette_of
from impasto.methods.losses import moments_loss, squared_distance, statistics, variance_of
from impasto.methods.objective import CONTENT_LAYER
from impasto.methods.styles import STYLE_LAYERS, LayerStatistics, measure
from impasto.networks.painter import PIGMENT_LAYERS, Painter, Pigment
from impasto.networks.vgg import Vgg


class Weights(NamedTuple):
    """Of what is wanted beside the style, whose weight is 1."""

    content: float
    smoothness: float


class Model(NamedTuple):
    """A style to be painted in: its statistics, and what a painter is told of it."""

    style: LayerStatistics
    palette: dict[str, Pigment]


@torch.no_grad()
def model_of(vgg: Vgg, painting: Tensor) -> Model:
    """Of (1, 3, h, w) in [0, 1]."""
    style = measure(vgg, painting)
    return Model(style, palette_of(style))


def lesson_loss(
    painter: Painter,
    vgg: Vgg,
    photos: Tensor,
    models: Sequence[Model],
    weights: Weights,
    dtype: torch.dtype,
) -> Tensor:
    """How far the painter is from what is wanted, a number; photos (n, 3, s, s), a model for each.

    1 is about what the photos have that nobody painted on. dtype: what the painter computes in.
    """
    device = photos.device
    with torch.no_grad():
        wanted = vgg(photos, {CONTENT_LAYER})[CONTENT_LAYER]
        ground = torch.cat(
            [ground_of(photo[None], one.style) for photo, one in zip(photos, models, strict=True)]
        )
    with torch.autocast(device.type, torch.bfloat16, enabled=dtype == torch.bfloat16):
        painted = painter(ground, _side_by_side([one.palette for one in models]))
    features = vgg(painted, {CONTENT_LAYER, *STYLE_LAYERS})
    loss = weights.smoothness * _roughness(painted)
    for number, (style, _) in enumerate(models):
        one = slice(number, number + 1)
        found = [moments_loss(style[layer])(statistics(features[layer][one])) for layer in STYLE_LAYERS]
        away = squared_distance(features[CONTENT_LAYER][one], wanted[one]) / wanted[one].numel()
        spread = variance_of(statistics(wanted[one]))
        loss = loss + torch.stack(found).mean() + weights.content * away / spread
    return loss / len(models)


def _side_by_side(palettes: Sequence[dict[str, Pigment]]) -> dict[str, Pigment]:
    return {
        layer: Pigment(*(torch.cat(parts) for parts in zip(*(one[layer] for one in palettes), strict=True)))
        for layer in PIGMENT_LAYERS
    }


def _roughness(pictures: Tensor) -> Tensor:
    """Sum over the pictures of the mean squared difference of neighbours."""
    down, across = pictures.diff(dim=2), pictures.diff(dim=3)
    return len(pictures) * (down.square().mean() + across.square().mean())
