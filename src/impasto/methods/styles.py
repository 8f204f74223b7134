"""A style is the statistics of its features at every size: of a painting, of a card, or of a blend."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache
from math import log2
from typing import Final

import torch
import torch.nn.functional as F  # noqa: N812 - the name the field uses
from torch import Tensor

from impasto.methods.losses import Statistics, statistics
from impasto.methods.tiles import cut, statistics_over
from impasto.networks.vgg import POOLED_STRIDE, Vgg, halo_px

STYLE_LAYERS: Final = ("1_1", "2_1", "3_1", "4_1", "5_1")
SEEN_PX: Final = 1024
"""Larger paintings are measured in tiles."""
COLORS: Final = "rgb"
"""The layer below the network's first: the pixels themselves."""

LayerStatistics = Mapping[str, Statistics]
StyleAt = Callable[[int], LayerStatistics]
"""Longest side of the picture in pixels -> the statistics it should have."""


def resize_longest(picture: Tensor, longest_px: int) -> Tensor:
    """(1, 3, h, w) -> with `longest_px` as its longest side, never enlarged, no side under one feature."""
    height, width = picture.shape[2:]
    scale = min(1.0, longest_px / max(height, width))
    size = (max(POOLED_STRIDE, round(height * scale)), max(POOLED_STRIDE, round(width * scale)))
    return picture if size == (height, width) else resize_to(picture, size)


def resize_to(picture: Tensor, size: tuple[int, int]) -> Tensor:
    """(1, 3, h, w) -> (1, 3, *size), bicubic with antialiasing; may ring slightly out of [0, 1]."""
    return F.interpolate(picture, size=size, mode="bicubic", antialias=True, align_corners=False)


def measure(vgg: Vgg, painting: Tensor, layers: Collection[str] = STYLE_LAYERS) -> dict[str, Statistics]:
    """(1, 3, h, w) in [0, 1] -> statistics of each layer and of the colours, float32."""
    size = (painting.shape[2], painting.shape[3])
    tiles = cut(size, SEEN_PX, halo_px(vgg.architecture, layers))
    return statistics_over(vgg, painting, layers, tiles) | {COLORS: statistics(painting)}


def style_of_painting(vgg: Vgg, painting: Tensor) -> StyleAt:
    """The painting is measured at the size that is asked for; (1, 3, h, w) in [0, 1]."""
    return cache(lambda longest_px: measure(vgg, resize_longest(painting, longest_px)))


def style_of_card(measured: Mapping[int, LayerStatistics]) -> StyleAt:
    """Between the sizes of a card its moments are interpolated over the logarithm of the size."""
    sizes = sorted(measured)

    def at(longest_px: int) -> LayerStatistics:
        below = max((size for size in sizes if size <= longest_px), default=sizes[0])
        above = min((size for size in sizes if size >= longest_px), default=sizes[-1])
        if below >= above:
            return measured[above]
        share = log2(longest_px / below) / log2(above / below)
        return mix([measured[below], measured[above]], [1 - share, share])

    return at


def blend(styles: Sequence[StyleAt], weights: Sequence[float]) -> StyleAt:
    """One style whose features are drawn from each of the styles, in proportion to the weights."""
    total = sum(weights)
    if len(styles) == 1:
        return styles[0]
    return lambda longest_px: mix([at(longest_px) for at in styles], [weight / total for weight in weights])


def scaled(style: StyleAt, scale: float) -> StyleAt:
    """The style with strokes that are `scale` times as large."""
    return style if scale == 1 else lambda longest_px: style(max(1, round(scale * longest_px)))


def mix(parts: Sequence[LayerStatistics], shares: Sequence[float]) -> dict[str, Statistics]:
    """Statistics of features drawn from each of the parts; the shares sum to 1."""
    weighted = list(zip(parts, shares, strict=True))
    return {
        layer: Statistics(
            _sum(share * part[layer].mean for part, share in weighted),
            _sum(share * part[layer].gram for part, share in weighted),
        )
        for layer in parts[0]
    }


def _sum(tensors: Iterable[Tensor]) -> Tensor:
    return torch.stack(list(tensors)).sum(0)
