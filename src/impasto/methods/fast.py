"""Painting in one pass: statistics of a style in, a picture of any size out.

The painter normalises its features by their moments over the whole picture. A picture that is larger than
one look is painted in tiles, in as many passes as there are layers to be measured, and comes out as if it had
been seen whole.
"""

from collections.abc import Callable, Sequence
from typing import Final

import torch
import torch.nn.functional as F  # noqa: N812 - the name the field uses
from torch import Tensor

from impasto.methods.color import color_map, recolor
from impasto.methods.losses import Statistics, statistics, symmetric_eigen
from impasto.methods.styles import COLORS, LayerStatistics, mix
from impasto.methods.tiles import Tile, cut
from impasto.networks.painter import (
    HALO_PX,
    PIGMENT_LAYERS,
    STRIDE,
    Look,
    Moments,
    Painter,
    Palette,
    Pigment,
    alone,
    moments_of,
    walk,
)

CORE_PX: Final = 2048
"""Larger pictures are painted in tiles."""


def palette_of(style: LayerStatistics) -> dict[str, Pigment]:
    """What a painter is told of a style, a batch of one."""
    return {layer: _pigment(style[layer]) for layer in PIGMENT_LAYERS}


def at_strength(style: LayerStatistics, own: LayerStatistics, strength: float) -> LayerStatistics:
    """The style at 1, the photo's own statistics at 0, and in between what is drawn from both."""
    return style if strength == 1 else mix([own, style], [1 - strength, strength])


def ground_of(photo: Tensor, style: LayerStatistics) -> Tensor:
    """(1, 3, h, w) in [0, 1] -> the photo in the style's colours, which is painted over."""
    return recolor(photo, color_map(statistics(photo), style[COLORS]))


@torch.inference_mode()
def paint(painter: Painter, photo: Tensor, style: LayerStatistics, core_px: int = CORE_PX) -> Tensor:
    """(1, 3, h, w) in [0, 1] -> the same in the style, float32.

    core_px: the longest side of a tile, and of pictures that are not cut.
    """
    height, width = photo.shape[2:]
    palette = {layer: _moved(pigment, photo.device) for layer, pigment in palette_of(style).items()}
    ground = F.pad(ground_of(photo, style), (0, -width % STRIDE, 0, -height % STRIDE), mode="replicate")
    tiles = cut((ground.shape[2], ground.shape[3]), core_px, HALO_PX)
    if len(tiles) == 1:
        painted = alone(painter.walk(ground, palette))
    else:
        painted = _in_tiles(painter, ground, palette, tiles)
    return painted[..., :height, :width]


def _in_tiles(painter: Painter, ground: Tensor, palette: Palette, tiles: Sequence[Tile]) -> Tensor:
    known: dict[str, Moments] = {}
    for layer in PIGMENT_LAYERS:
        known[layer] = _measured(lambda tile: _look(painter, tile.outer(ground), palette, known), tiles)
    result = torch.empty_like(ground)
    for tile in tiles:
        painted = walk(painter.walk(tile.outer(ground), palette), lambda name, _: known[name])
        tile.core_of_all(result, 1).copy_(tile.core(painted, 1))
    return result


def _measured(features_of: Callable[[Tile], Tensor], tiles: Sequence[Tile]) -> Moments:
    """Of a layer, added up over the cores of all the tiles."""
    count, total, squares = 0, torch.zeros(()), torch.zeros(())
    for tile in tiles:
        features = features_of(tile)
        stride = (tile.rows.outer[1] - tile.rows.outer[0]) // features.shape[2]
        core = tile.core(features, stride)
        places, here = core.shape[2] * core.shape[3], moments_of(core)
        mean, variance = here.mean.double(), here.variance.double()
        count += places
        total = places * mean + total
        squares = places * (variance + mean.square()) + squares
    mean = total / count
    return Moments(mean.float(), (squares / count - mean.square()).clamp(min=0).float())


def _look(painter: Painter, ground: Tensor, palette: Palette, known: dict[str, Moments]) -> Tensor:
    """The features of the first layer whose moments are not known."""
    way = painter.walk(ground, palette)
    look: Look = next(way)
    while look[0] in known:
        look = way.send(known[look[0]])
    return look[1]


def _pigment(layer: Statistics) -> Pigment:
    values, vectors = symmetric_eigen(layer.covariance)
    return Pigment(layer.mean[None], ((vectors * values.clamp(min=0).sqrt()) @ vectors.T)[None])


def _moved(pigment: Pigment, device: torch.device) -> Pigment:
    return Pigment(*(tensor.to(device) for tensor in pigment))
