"""What a painter learns from: photos beside paintings, and how far it is from what the objective wants.

The loss is made of what paintings are optimised by, on the bundled VGG-16: moments of relu1_1 ... relu5_1,
and relu4_2 of the photo (see `methods.objective`), averaged over a batch in which every photo has a style of
its own. Each term's square root is taken, so that no style that is far from all photos outweighs the others.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 - the name the field uses
from torch import Tensor

from impasto.methods.canvas import grain
from impasto.methods.color import color_map
from impasto.methods.fast import told
from impasto.methods.losses import Statistics, moments_loss, statistics_of_each, variance_of
from impasto.methods.objective import CONTENT_LAYER
from impasto.methods.pyramid import LEVELS, Level, shared_out
from impasto.methods.styles import COLORS, STYLE_LAYERS, LayerStatistics
from impasto.networks.painter import STRIDE, Conditions, Moments, Painter, moments_of, walk
from impasto.networks.vgg import Vgg

ROOT_SHARES: Final[Mapping[str, float]] = {"1_1": 0.10, "2_1": 0.40, "3_1": 0.35, "4_1": 0.10, "5_1": 0.05}
"""Weights of the layers' roots in a style weight of 1; see the objective's."""
MIXED_SHARE: Final = 0.25
"""So many of the photos are asked for two styles in one."""
FLAT_SHARE: Final = 0.2
"""So many of the photos are blurred to gradients: skies are to be painted, too."""
SMALLEST_PX: Final = 64
"""Crops are seen no smaller."""
LEAST: Final = 0.01
"""Added before a root is taken: at nothing, roots are infinitely steep."""
LEAST_PAINTED: Final = 1e-3
"""The variance of what is painted counts as at least so much."""


class Weights(NamedTuple):
    """Of what is wanted beside the style, whose weight is 1."""

    content: float
    smoothness: float
    equivariance: float


class Materials(NamedTuple):
    """What lessons are made of: nothing is drawn at random beyond them, and nothing waits for a device.

    photos: (n, 3, s, s), paintings: (n, 3, t, t), uint8. share: (n,), of each one's own painting in its
    style, the rest being the one's before. matrix, offset: (n, 3, 3) and (n, 3), photos -> those colours.
    grain: (n, 1, s, s), of the canvas below each. shift: (2,), pixels up and to the left, 0 to 7.
    """

    photos: Tensor
    paintings: Tensor
    share: Tensor
    matrix: Tensor
    offset: Tensor
    grain: Tensor
    shift: Tensor


class View(NamedTuple):
    """What is wanted of what is painted, seen at one of its sizes: features of the photo, and statistics."""

    level: Level
    content: Tensor
    style: LayerStatistics


class Lesson(NamedTuple):
    """ground: (n, 3, s, s) in [0, 1], photos in the colours of their styles; grain: (n, 1, s, s), its canvas.

    shift: (2,), by which both are moved to see whether the strokes move with them.
    views: of what is painted there at that size, at half of it, and so on.
    """

    ground: Tensor
    grain: Tensor
    shift: Tensor
    views: list[View]


def materials(photos: Tensor, paintings: Tensor, seed: int) -> Materials:
    """Photos beside paintings, uint8; most styles are one painting's, some photos gradients."""
    count, size = len(photos), (photos.shape[2], photos.shape[3])
    generator = torch.Generator().manual_seed(seed)
    blended, share, flat = torch.rand((3, count), generator=generator)
    share = torch.where(blended < MIXED_SHARE, share, 1)
    photos = _some_flat(photos, flat)
    found, wanted = (statistics_of_each(pictures / 255) for pictures in (photos, paintings))
    colors = color_map(found, _mixed(wanted, share))
    return Materials(photos, paintings, share, *colors, grain(size, seed, count), _shift(generator))


def lesson_of(vgg: Vgg, given: Materials) -> Lesson:
    """What a painter is shown, and what is wanted of it."""
    styles, painting = list[LayerStatistics](), given.paintings / 255
    with torch.no_grad():
        for _ in levels_within(given.photos.shape[2]):
            features = vgg(painting, STYLE_LAYERS) | {COLORS: painting}
            styles.append(
                {
                    layer: _mixed(statistics_of_each(features[layer]), given.share)
                    for layer in (COLORS, *STYLE_LAYERS)
                }
            )
            painting = F.avg_pool2d(painting, 2)
    return _lesson(vgg, given.photos / 255, (given.matrix, given.offset), given.grain, given.shift, styles)


def lesson_in_style(vgg: Vgg, photos: Tensor, styles: Sequence[LayerStatistics], seed: int) -> Lesson:
    """The same for one style, known by its statistics at the photos' size, at half of it, and so on.

    photos: (n, 3, s, s) uint8; some become gradients.
    """
    count, size = len(photos), (photos.shape[2], photos.shape[3])
    each = [
        {
            layer: Statistics(*(part.expand(count, *part.shape) for part in found))
            for layer, found in style.items()
        }
        for style in styles
    ]
    canvas = grain(size, seed, count, photos.device)
    generator = torch.Generator().manual_seed(seed)
    photos = _some_flat(photos, torch.rand(count, generator=generator)) / 255
    colors = color_map(statistics_of_each(photos), each[0][COLORS])
    return _lesson(vgg, photos, colors, canvas, _shift(generator).to(photos.device), each)


def _lesson(
    vgg: Vgg,
    photos: Tensor,
    colors: tuple[Tensor, Tensor],
    canvas: Tensor,
    shift: Tensor,
    styles: Sequence[LayerStatistics],
) -> Lesson:
    matrix, offset = colors
    ground = torch.einsum("nij,njhw->nihw", matrix, photos) + offset[..., None, None]
    views, photo = list[View](), photos
    with torch.no_grad():
        for level, style in zip(levels_within(photos.shape[2]), styles, strict=True):
            views.append(View(level, vgg(photo, {CONTENT_LAYER})[CONTENT_LAYER], style))
            photo = F.avg_pool2d(photo, 2)
    return Lesson(ground.clamp_(0, 1), canvas, shift, views)


def levels_within(size_px: int) -> list[Level]:
    """Of those that paintings are judged at, the ones at which a crop still shows something; sums are 1."""
    return shared_out(
        [level for number, level in enumerate(LEVELS) if number == 0 or size_px >> number >= SMALLEST_PX]
    )


def lesson_loss(
    painter: Painter,
    vgg: Vgg,
    lesson: Lesson,
    weights: Weights,
    dtype: torch.dtype,
    tuning: Tensor | None = None,
) -> Tensor:
    """How far the painter is from what is wanted, a number; dtype: what it computes in."""
    with torch.autocast(lesson.ground.device.type, torch.bfloat16, enabled=dtype == torch.bfloat16):
        conditions = painter.conditions(told(lesson.views[0].style), tuning)
        painted, unlike = painted_twice(painter, lesson.ground, lesson.grain, lesson.shift, conditions)
    total = weights.smoothness * _roughness(painted) + weights.equivariance * _root(unlike).mean()
    seen = painted
    for view in lesson.views:
        features = vgg(seen, {CONTENT_LAYER, *STYLE_LAYERS})
        for layer in STYLE_LAYERS:
            away = moments_loss(view.style[layer])(statistics_of_each(features[layer]))
            total = total + view.level.style * ROOT_SHARES[layer] * _root(away).mean()
        away = (features[CONTENT_LAYER].float() - view.content).square().mean((1, 2, 3))
        content = _root(away / variance_of(statistics_of_each(view.content)))
        total = total + view.level.content * weights.content * content.mean()
        seen = F.avg_pool2d(seen, 2)
    return total


def painted_twice(
    painter: Painter, ground: Tensor, grain: Tensor, shift: Tensor, conditions: Conditions
) -> tuple[Tensor, Tensor]:
    """What is painted, (n, 3, h, w), and how unlike it is painted, (n,), where all is moved by the shift.

    shift: (2,), pixels up and to the left, less than a stride. How unlike is the mean squared difference
    over the variance of what is painted. A network that enlarges has strokes that stay with its grid, and
    steps at its pitch, unless it is taught to move them with what it sees.
    """
    known = dict[str, Moments]()

    def measured(name: str, features: Tensor) -> Moments:
        known[name] = moments_of(features)
        return known[name]

    painted = walk(painter.painting(ground, grain, conditions), measured)
    over, ground, grain = (_moved(one, shift) for one in (painted - ground, ground, grain))
    again = walk(painter.painting(ground, grain, conditions), lambda name, _: known[name]) - ground
    over, away = (one[..., STRIDE:-STRIDE, STRIDE:-STRIDE] for one in (over, over - again))
    variance = (over - over.mean((2, 3), keepdim=True)).square().mean((1, 2, 3))
    return painted, away.square().mean((1, 2, 3)) / (variance + LEAST_PAINTED)


def _moved(pictures: Tensor, shift: Tensor) -> Tensor:
    """(n, c, h, w) -> smaller by a stride, cut off by the shift above and to the left."""
    for dim in (2, 3):
        places = torch.arange(pictures.shape[dim] - STRIDE, device=pictures.device)
        pictures = pictures.index_select(dim, shift[dim - 2] + places)
    return pictures


def _shift(generator: torch.Generator) -> Tensor:
    return torch.randint(STRIDE, (2,), generator=generator)


def _mixed(found: Statistics, share: Tensor) -> Statistics:
    """Each one's own share (n,), and the rest of the one before."""
    mean, gram = (part.roll(1, 0) for part in found)
    return Statistics(mean.lerp(found.mean, share[:, None]), gram.lerp(found.gram, share[:, None, None]))


def _some_flat(photos: Tensor, chances: Tensor) -> Tensor:
    """(n, 3, h, w), and (n,) numbers in [0, 1) drawn at random."""
    flat = (chances < FLAT_SHARE).view(-1, 1, 1, 1).to(photos.device)
    return torch.where(flat, _blurred(photos), photos)


def _blurred(pictures: Tensor) -> Tensor:
    """(n, c, h, w) uint8 -> the same, with nothing left but the mean colours of the four quarters."""
    quarters = F.adaptive_avg_pool2d(pictures.float(), 2)
    blurred = F.interpolate(quarters, pictures.shape[2:], mode="bilinear", align_corners=True)
    return blurred.round_().to(torch.uint8)


def _roughness(pictures: Tensor) -> Tensor:
    """The mean squared difference of neighbours."""
    down, across = pictures.diff(dim=2), pictures.diff(dim=3)
    return down.square().mean() + across.square().mean()


def _root(losses: Tensor) -> Tensor:
    return losses.add(LEAST).sqrt()
