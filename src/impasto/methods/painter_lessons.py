"""What a painter learns from: photos beside paintings, and how far it is from what the objective wants.

The loss is made of what paintings are optimised by, on the bundled VGG-16: moments of relu1_1 ... relu5_1,
and relu4_2 of the photo (see `methods.objective`), averaged over a batch in which every photo has a style of
its own. Each term's square root is taken, so that no style that is far from all photos outweighs the others.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 - the name the field uses
from torch import Tensor

from impasto.methods.fast import grain, ground_of, told
from impasto.methods.losses import Statistics, moments_loss, squared_distance, statistics, variance_of
from impasto.methods.objective import CONTENT_LAYER
from impasto.methods.styles import COLORS, STYLE_LAYERS, LayerStatistics, mix
from impasto.networks.painter import Painter
from impasto.networks.vgg import Vgg

MIXED_SHARE: Final = 0.25
"""So many of the photos are asked for two styles in one."""
FLAT_SHARE: Final = 0.05
"""So many of the photos are blurred to gradients: skies are to be painted, too."""
LEAST: Final = 0.01
"""Added before a root is taken: at nothing, roots are infinitely steep."""


class Weights(NamedTuple):
    """Of what is wanted beside the style, whose weight is 1."""

    content: float
    smoothness: float


class Lesson(NamedTuple):
    """photos: (n, 3, s, s) in [0, 1], and their features; wanted: of each, the statistics it should get.

    grain: (n, 1, s, s), of the canvas below each.
    """

    photos: Tensor
    grain: Tensor
    content: Tensor
    wanted: list[LayerStatistics]


def lesson_of(vgg: Vgg, photos: Tensor, paintings: Tensor, seed: int) -> Lesson:
    """A style for each photo: mostly its painting's, sometimes mixed with the one before.

    Some photos are blurred to a gradient, and each lies on a canvas of its own.
    """
    count, size = len(photos), (photos.shape[2], photos.shape[3])
    draws = torch.rand((count, 3), generator=torch.Generator().manual_seed(seed))
    flat = (draws[:, 2] < FLAT_SHARE).view(-1, 1, 1, 1).to(photos.device)
    photos = torch.where(flat, _blurred(photos), photos)
    canvas = torch.cat([grain(size, seed * count + number) for number in range(count)]).to(photos.device)
    with torch.no_grad():
        content = vgg(photos, {CONTENT_LAYER})[CONTENT_LAYER]
        styles = _statistics_of_each(paintings, vgg(paintings, STYLE_LAYERS))
    wanted: list[LayerStatistics] = []
    for number, (blended, share, _) in enumerate(draws.tolist()):
        style: LayerStatistics = styles[number]
        if blended < MIXED_SHARE:
            style = mix([style, styles[number - 1]], [share, 1 - share])
        wanted.append(style)
    return Lesson(photos, canvas, content, wanted)


def lesson_loss(painter: Painter, vgg: Vgg, lesson: Lesson, weights: Weights, dtype: torch.dtype) -> Tensor:
    """How far the painter is from what is wanted, a number; dtype: what it computes in."""
    device = lesson.photos.device
    pairs = zip(lesson.photos[:, None], lesson.wanted, strict=True)
    ground = torch.cat([ground_of(photo, style) for photo, style in pairs])
    with torch.autocast(device.type, torch.bfloat16, enabled=dtype == torch.bfloat16):
        painted = painter(ground, lesson.grain, torch.cat([told(style) for style in lesson.wanted]))
    features = vgg(painted, {CONTENT_LAYER, *STYLE_LAYERS})
    loss = weights.smoothness * _roughness(painted)
    for number, style in enumerate(lesson.wanted):
        one = slice(number, number + 1)
        found = [moments_loss(style[layer])(statistics(features[layer][one])) for layer in STYLE_LAYERS]
        photo = lesson.content[one]
        away = squared_distance(features[CONTENT_LAYER][one], photo) / photo.numel()
        away = away / variance_of(statistics(photo))
        loss = loss + _mean_root(found) + weights.content * _mean_root([away])
    return loss / len(lesson.wanted)


def _blurred(pictures: Tensor) -> Tensor:
    """(n, 3, h, w) -> the same size, with nothing left but the mean colours of the four quarters."""
    quarters = F.adaptive_avg_pool2d(pictures, 2)
    return F.interpolate(quarters, pictures.shape[2:], mode="bilinear", align_corners=True)


def _statistics_of_each(pictures: Tensor, features: dict[str, Tensor]) -> list[dict[str, Statistics]]:
    return [
        {layer: statistics(features[layer][number : number + 1]) for layer in STYLE_LAYERS}
        | {COLORS: statistics(picture[None])}
        for number, picture in enumerate(pictures)
    ]


def _roughness(pictures: Tensor) -> Tensor:
    """Sum over the pictures of the mean squared difference of neighbours."""
    down, across = pictures.diff(dim=2), pictures.diff(dim=3)
    return len(pictures) * (down.square().mean() + across.square().mean())


def _mean_root(losses: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(losses)).add(LEAST).sqrt().mean()
