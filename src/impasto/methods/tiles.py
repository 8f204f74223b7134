"""Pictures too large for one look are seen tile by tile, and come out as if they had been seen whole.

Each tile has a core, and the cores cover the picture once; around it lies as much as the network must see
for the core's features to be exact. Statistics add up over the cores (Galerne et al. 2023, "Scaling painting
style transfer", sec. 4).
"""

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Final, NamedTuple, TypeVar

import torch
import torch.nn.functional as F  # noqa: N812 - the name the field uses
from torch import Tensor

from impasto.methods.losses import Statistics, statistics
from impasto.networks.vgg import POOLED_STRIDE, Vgg, stride_of

Key = TypeVar("Key", bound=Hashable)

SMALLEST_CORE_PX: Final = 2 * POOLED_STRIDE


class Span(NamedTuple):
    """Pixels of one axis, each [start, end): the core, and all that the network is shown."""

    core: tuple[int, int]
    outer: tuple[int, int]

    def core_in_outer(self, stride: int) -> slice:
        """Where the core's features lie among the outer ones, at a stride of the network."""
        start = (self.core[0] - self.outer[0]) // stride
        return slice(start, start + self.core[1] // stride - self.core[0] // stride)


class Tile(NamedTuple):
    rows: Span
    columns: Span

    def outer(self, picture: Tensor) -> Tensor:
        """(1, c, h, w) -> what the network is shown of it, a view."""
        return picture[..., slice(*self.rows.outer), slice(*self.columns.outer)]

    def core(self, features: Tensor, stride: int) -> Tensor:
        """The outer part's features at a stride -> the core's, a view."""
        return features[..., self.rows.core_in_outer(stride), self.columns.core_in_outer(stride)]

    def core_of_all(self, grid: Tensor, stride: int) -> Tensor:
        """What lies on the whole picture's features at a stride -> the core's, a view."""
        rows, columns = (slice(span.core[0] // stride, span.core[1] // stride) for span in self)
        return grid[..., rows, columns]


def whole(picture: Tensor) -> Tile:
    """The one tile that is all of (1, c, h, w)."""
    height, width = picture.shape[2:]
    return Tile(Span((0, height), (0, height)), Span((0, width), (0, width)))


def cut(size: tuple[int, int], core_px: int, halo_px: int) -> list[Tile]:
    """Tiles of a picture of (height, width), with cores of at most `core_px` a side, rounded up to 16.

    halo_px: how far the network looks; see `networks.vgg.halo_px`.
    """
    rows, columns = (_spans(length, core_px, halo_px) for length in size)
    return [Tile(row, column) for row in rows for column in columns]


def places_in_all(tiles: Sequence[Tile], stride: int) -> int:
    """How many features a channel has in the picture that was cut."""
    rows, columns = tiles[-1]
    return (rows.core[1] // stride) * (columns.core[1] // stride)


@dataclass(frozen=True)
class Guide:
    """How much each pixel counts: mask (h, w) in [0, 1], and its mean where the network sees coarser."""

    mask: Tensor
    _grids: dict[int, tuple[Tensor, float]] = field(default_factory=dict, compare=False, repr=False)

    def on(self, tile: Tile, stride: int) -> Tensor:
        """(rows, columns) of the core's features at a stride."""
        return tile.core_of_all(self._grid(stride)[0], stride)

    def total(self, stride: int) -> float:
        """What all of the picture's features count together; a little even where nothing is marked."""
        return self._grid(stride)[1]

    def _grid(self, stride: int) -> tuple[Tensor, float]:
        if stride not in self._grids:
            grid = F.avg_pool2d(self.mask[None].float(), stride)[0]
            self._grids[stride] = grid.to(self.mask.dtype), max(1e-3, float(grid.sum()))
        return self._grids[stride]


def gathered(
    features: Mapping[str, Tensor],
    layers: Collection[str],
    tile: Tile,
    tiles: Sequence[Tile],
    guide: Guide | None = None,
) -> dict[str, Statistics]:
    """A tile's part of each layer's statistics; those of all the tiles add up to the whole picture's."""
    found = {}
    for layer in layers:
        stride = stride_of(layer)
        core = tile.core(features[layer], stride)
        weights = None if guide is None else guide.on(tile, stride)
        total = places_in_all(tiles, stride) if guide is None else guide.total(stride)
        found[layer] = statistics(core, weights, total)
    return found


def statistics_over(
    vgg: Vgg,
    picture: Tensor,
    layers: Collection[str],
    tiles: Sequence[Tile],
    guide: Guide | None = None,
) -> dict[str, Statistics]:
    """(1, 3, h, w) -> statistics of the whole picture's features in each layer, float32; no gradient."""
    total: dict[str, Statistics] = {}
    for tile in tiles:
        with torch.no_grad():
            features = vgg(tile.outer(picture), layers)
        add_up(total, gathered(features, layers, tile, tiles, guide))
    return total


def add_up(total: dict[Key, Statistics], parts: Mapping[Key, Statistics]) -> None:
    """total += parts."""
    for key, part in parts.items():
        before = total.get(key)
        total[key] = part if before is None else Statistics(before.mean + part.mean, before.gram + part.gram)


def _spans(length: int, core_px: int, halo_px: int) -> list[Span]:
    """Cores start at multiples of the network's stride, so that its features lie the same in every tile."""
    count = ceil(length / max(core_px, SMALLEST_CORE_PX))
    starts = [round(index * length / count / POOLED_STRIDE) * POOLED_STRIDE for index in range(count)]
    halo_px = ceil(halo_px / POOLED_STRIDE) * POOLED_STRIDE
    return [
        Span((start, end), (max(0, start - halo_px), min(length, end + halo_px)))
        for start, end in zip(starts, [*starts[1:], length], strict=True)
    ]
