"""Painting without a search: statistics of a style in, a picture of any size out.

A large picture is painted at half its size first, and then over, so that a draft of 4000 pixels has the
strokes of one of 500. The painter normalises its features by their moments over the whole picture. A picture
that is larger than one look is painted in tiles, in as many passes as there are layers to be measured, and
comes out as if it had been seen whole. The blocks in the middle are not cut: there, features take less memory
than the picture.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

import torch
import torch.nn.functional as F  # noqa: N812 - the name the field uses
from torch import Tensor

from impasto.methods.canvas import grain
from impasto.methods.color import color_map, recolor
from impasto.methods.losses import deviation_of, statistics
from impasto.methods.scene import Scene
from impasto.methods.styles import COLORS, STYLE_LAYERS, LayerStatistics, StyleAt, resize_to
from impasto.methods.tiles import Tile, cut
from impasto.networks.painter import (
    HALO_PX,
    STRIDE,
    Conditions,
    Look,
    Moments,
    Painter,
    Seen,
    Walk,
    alone,
    moments_of,
    walk,
)
from impasto.networks.vgg import POOLED_STRIDE

CORE_PX: Final = 2048
"""Larger pictures are painted in tiles."""
FIRST_PX: Final = 640
"""Pictures of at least twice this size are painted at half their size first."""

CANVAS: Final = 8
"""Which of all canvases drafts are painted on first: one whose whirls leave no direction out."""

T = TypeVar("T")


def told(style: LayerStatistics) -> Tensor:
    """What a painter is told of a style, (TOLD,): means and deviations of the colours and of each layer.

    Of n styles, (n, TOLD).
    """
    layers = [style[layer] for layer in (COLORS, *STYLE_LAYERS)]
    return torch.cat([part for one in layers for part in (one.mean, deviation_of(one))], -1)


def ground_of(photo: Tensor, style: LayerStatistics) -> Tensor:
    """(1, 3, h, w) in [0, 1] -> the photo in the style's colours, which is painted over; float32."""
    return recolor(photo, color_map(statistics(photo), style[COLORS]))


def draft(painter: Painter, scene: Scene, seed: int = 0) -> Tensor:
    """The scene as the painter has it, (1, 3, h, w) in [0, 1]; up to a strength of a half the photo shows.

    seed: which canvas it is painted on.
    """
    result = torch.zeros_like(scene.photo, dtype=torch.float32)
    for region in scene.regions:
        painted = _large_strokes_first(painter, scene.photo, region.style, region.tuning, seed)
        painted = torch.lerp(scene.photo.float(), painted, region.wishes.style_share)
        if region.mask is None:
            return scene.with_kept(painted)
        result += region.mask * painted
    return result if scene.kept is None else result.add_(scene.kept * scene.photo)


@torch.inference_mode()
def _large_strokes_first(
    painter: Painter, photo: Tensor, style: StyleAt, tuning: Tensor | None, seed: int
) -> Tensor:
    """Painted at half its size, as long as that is large, and then over: strokes grow with the picture."""
    height, width = photo.shape[2:]
    here = style(max(height, width))
    ground = ground_of(photo, here)
    if max(height, width) >= 2 * FIRST_PX:
        small = resize_to(photo.float(), (height // 2, width // 2)).clamp_(0, 1)
        painted = _large_strokes_first(painter, small, style, tuning, seed)
        painted -= ground_of(small, style(max(small.shape[2:])))
        ground += resize_to(painted, (height, width))
    return _painted_over(painter, ground, here, tuning, seed)


@torch.inference_mode()
def paint(painter: Painter, photo: Tensor, style: LayerStatistics, core_px: int = CORE_PX) -> Tensor:
    """(1, 3, h, w) in [0, 1] -> the same in the style, float32, in one pass.

    core_px: the longest side of a tile, and of pictures that are not cut.
    """
    return _painted_over(painter, ground_of(photo, style), style, None, core_px=core_px)


def _painted_over(
    painter: Painter,
    ground: Tensor,
    style: LayerStatistics,
    tuning: Tensor | None,
    seed: int = 0,
    core_px: int = CORE_PX,
) -> Tensor:
    height, width = ground.shape[2:]
    wanting = (-width % POOLED_STRIDE, -height % POOLED_STRIDE)
    ground = F.pad(ground, (0, wanting[0], 0, wanting[1]), mode="replicate")
    canvas = grain((ground.shape[2], ground.shape[3]), CANVAS + seed, device=ground.device)
    tiles = cut((ground.shape[2], ground.shape[3]), core_px, HALO_PX)
    asked = told(style).to(ground.device)[None]
    if len(tiles) == 1:
        painted: Tensor = painter(ground, canvas, asked, tuning)
    else:
        painted = _in_tiles(painter, ground, canvas, painter.conditions(asked, tuning), tiles)
    return painted[..., :height, :width]


def _in_tiles(
    painter: Painter, ground: Tensor, canvas: Tensor, conditions: Conditions, tiles: Sequence[Tile]
) -> Tensor:
    known: dict[str, Moments] = {}

    def down(tile: Tile) -> Walk[Seen]:
        return painter.encode(tile.outer(ground) + tile.outer(canvas), conditions)

    def seen(tile: Tile) -> Seen:
        return walk(down(tile), lambda name, _: known[name])

    _measure(down, tiles, known)
    coarse = _assembled(((tile, seen(tile).eighth) for tile in tiles), tiles, STRIDE)
    coarse = alone(painter.transform(coarse, conditions))

    def up(tile: Tile) -> Walk[Tensor]:
        rows, columns = (slice(span.outer[0] // STRIDE, span.outer[1] // STRIDE) for span in tile)
        return painter.decode(tile.outer(ground), seen(tile), coarse[..., rows, columns], conditions)

    _measure(up, tiles, known)
    painted = ((tile, walk(up(tile), lambda name, _: known[name])) for tile in tiles)
    return _assembled(painted, tiles, 1)


def _measure(way: Callable[[Tile], Walk[T]], tiles: Sequence[Tile], known: dict[str, Moments]) -> None:
    """Adds the moments of each layer on the way, in the order of the layers, over all the tiles."""
    while _next_look(way(tiles[0]), known) is not None:
        count, total, squares, name = 0, torch.zeros(()), torch.zeros(()), ""
        for tile in tiles:
            look = _next_look(way(tile), known)
            assert look is not None, "all tiles go the same way"
            name, features = look
            stride = (tile.rows.outer[1] - tile.rows.outer[0]) // features.shape[2]
            core = tile.core(features, stride)
            places, here = core.shape[2] * core.shape[3], moments_of(core)
            mean, variance = here.mean.double(), here.variance.double()
            count += places
            total = places * mean + total
            squares = places * (variance + mean.square()) + squares
        mean = total / count
        known[name] = Moments(mean.float(), (squares / count - mean.square()).clamp(min=0).float())


def _next_look(way: Walk[T], known: dict[str, Moments]) -> Look | None:
    """The first layer that nothing is known of; None where the way ends before."""
    try:
        look = next(way)
        while look[0] in known:
            look = way.send(known[look[0]])
    except StopIteration:
        return None
    return look


def _assembled(pieces: Iterable[tuple[Tile, Tensor]], tiles: Sequence[Tile], stride: int) -> Tensor:
    """What was made of each tile's outer part -> the cores side by side, at a stride."""
    height, width = (span.core[1] // stride for span in tiles[-1])
    result: Tensor | None = None
    for tile, piece in pieces:
        if result is None:
            result = piece.new_empty((*piece.shape[:2], height, width))
        tile.core_of_all(result, stride).copy_(tile.core(piece, stride))
    assert result is not None, "there is a tile"
    return result
