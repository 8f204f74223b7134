"""What a painter learns from: photos beside paintings, and how far it is from what the objective wants.

The loss is made of what paintings are optimised by, on the bundled VGG-16: moments of relu1_1 ... relu5_1,
and relu4_2 of the photo (see `methods.objective`), averaged over a batch in which every photo has a style of
its own. Each term's square root is taken, so that no style that is far from all photos outweighs the others.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 - the name the field uses
from torch import Tensor

from impasto.methods.color import color_map
from impasto.methods.fast import grain, told
from impasto.methods.losses import Statistics, moments_loss, statistics_of_each, variance_of
from impasto.methods.objective import CONTENT_LAYER
from impasto.methods.styles import COLORS, STYLE_LAYERS, LayerStatistics
from impasto.networks.painter import Painter
from impasto.networks.vgg import Vgg

ROOT_SHARES: Final[Mapping[str, float]] = {"1_1": 0.10, "2_1": 0.40, "3_1": 0.35, "4_1": 0.10, "5_1": 0.05}
"""Weights of the layers' roots in a style weight of 1; see the objective's."""
MIXED_SHARE: Final = 0.25
"""So many of the photos are asked for two styles in one."""
FLAT_SHARE: Final = 0.1
"""So many of the photos are blurred to gradients: skies are to be painted, too."""
LEAST: Final = 0.01
"""Added before a root is taken: at nothing, roots are infinitely steep."""


class Weights(NamedTuple):
    """Of what is wanted beside the style, whose weight is 1."""

    content: float
    smoothness: float


class Lesson(NamedTuple):
    """photos: (n, 3, s, s) in [0, 1], and their features; ground: the same in the colours of their styles.

    grain: (n, 1, s, s), of the canvas below each. wanted: the statistics that each should get.
    """

    photos: Tensor
    ground: Tensor
    grain: Tensor
    content: Tensor
    wanted: LayerStatistics


def lesson_of(vgg: Vgg, photos: Tensor, paintings: Tensor, seed: int) -> Lesson:
    """A style for each photo: mostly its painting's, sometimes mixed with the one before.

    Some photos are blurred to a gradient, and each lies on a canvas of its own.
    """
    count, size = len(photos), (photos.shape[2], photos.shape[3])
    draws = torch.rand((3, count), generator=torch.Generator().manual_seed(seed))
    blended, share, flat = draws.to(photos.device)
    photos = torch.where((flat < FLAT_SHARE).view(-1, 1, 1, 1), _blurred(photos), photos)
    share = torch.where(blended < MIXED_SHARE, share, 1)
    with torch.no_grad():
        content = vgg(photos, {CONTENT_LAYER})[CONTENT_LAYER]
        features = vgg(paintings, STYLE_LAYERS) | {COLORS: paintings}
        wanted = {
            layer: _mixed(statistics_of_each(features[layer]), share) for layer in (COLORS, *STYLE_LAYERS)
        }
        colors = color_map(statistics_of_each(photos), wanted[COLORS])
        ground = torch.einsum("nij,njhw->nihw", colors.matrix, photos) + colors.offset[..., None, None]
    return Lesson(photos, ground.clamp_(0, 1), grain(size, seed, count, photos.device), content, wanted)


def lesson_loss(painter: Painter, vgg: Vgg, lesson: Lesson, weights: Weights, dtype: torch.dtype) -> Tensor:
    """How far the painter is from what is wanted, a number; dtype: what it computes in."""
    with torch.autocast(lesson.photos.device.type, torch.bfloat16, enabled=dtype == torch.bfloat16):
        painted = painter(lesson.ground, lesson.grain, told(lesson.wanted))
    features = vgg(painted, {CONTENT_LAYER, *STYLE_LAYERS})
    style = torch.zeros(len(painted), device=painted.device)
    for layer in STYLE_LAYERS:
        away = moments_loss(lesson.wanted[layer])(statistics_of_each(features[layer]))
        style = style + ROOT_SHARES[layer] * _root(away)
    away = (features[CONTENT_LAYER].float() - lesson.content).square().mean((1, 2, 3))
    content = _root(away / variance_of(statistics_of_each(lesson.content)))
    return (style + weights.content * content).mean() + weights.smoothness * _roughness(painted)


def _mixed(found: Statistics, share: Tensor) -> Statistics:
    """Each one's own share (n,), and the rest of the one before."""
    mean, gram = (part.roll(1, 0) for part in found)
    return Statistics(mean.lerp(found.mean, share[:, None]), gram.lerp(found.gram, share[:, None, None]))


def _blurred(pictures: Tensor) -> Tensor:
    """(n, 3, h, w) -> the same size, with nothing left but the mean colours of the four quarters."""
    quarters = F.adaptive_avg_pool2d(pictures, 2)
    return F.interpolate(quarters, pictures.shape[2:], mode="bilinear", align_corners=True)


def _roughness(pictures: Tensor) -> Tensor:
    """The mean squared difference of neighbours."""
    down, across = pictures.diff(dim=2), pictures.diff(dim=3)
    return down.square().mean() + across.square().mean()


def _root(losses: Tensor) -> Tensor:
    return losses.add(LEAST).sqrt()
