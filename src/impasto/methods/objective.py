"""From a scene to what is wanted of a picture, and how far it is from that."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Final, NamedTuple

import torch
from torch import Tensor

from impasto.errors import OptionError
from impasto.methods.losses import (
    Statistics,
    StyleLoss,
    gram_loss,
    moments_loss,
    squared_distance,
    statistics,
    variance_of,
    wasserstein_loss,
)
from impasto.methods.optimize import LossAndGradient
from impasto.methods.scene import Region, Scene, Wishes
from impasto.methods.styles import STYLE_LAYERS, LayerStatistics, mix
from impasto.methods.tiles import Guide, Tile, add_up, gathered, places_in_all, statistics_over, whole
from impasto.networks.vgg import CHANNELS, Vgg, stride_of

CONTENT_LAYER: Final = "4_2"
STYLE_SHARES: Final[Mapping[str, float]] = {"1_1": 2.0, "2_1": 0.49, "3_1": 0.42, "4_1": 0.06, "5_1": 0.01}
"""Weights of the layers in a style weight of 1: brushwork shows in what lies between pixels and objects,
and relu1_1, which any picture meets easily, sees to its colours and grain.

In the paper's loss they are as uneven, by the features' sizes. Weighed alike, the layers are met by speckle
that only this network takes for the style: see docs/decisions/.
"""
UNASKED: Final = frozenset({"5_1"})
"""Looked at only where the user gives it a weight: without, steps are a sixth shorter and paint as well."""
CONTENT_AT_HALF: Final = 0.045
"""Weight of content against a style weight of 1, at strength 0.5."""
WASSERSTEIN_RANK: Final = 256

RegionStatistics = dict[tuple[int, str], Statistics]
"""Index of the region and layer -> statistics."""


class StyleTerm(NamedTuple):
    """How the features of a layer should be distributed over a region of the picture."""

    region: int
    layer: str
    weight: float
    loss: StyleLoss


class ContentTerm(NamedTuple):
    """weight: of the sum of squared differences to the photo's features, in a region."""

    region: int
    weight: float


class SmoothTerm(NamedTuple):
    """weight: of the sum of `size` over the differences of neighbours."""

    weight: float
    size: Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Wanted:
    """The objective for one rung, the sum of its terms, for a picture that is seen in tiles.

    guides: where each region lies; None: everywhere. target: the photo's features in a tile.
    """

    styles: Sequence[StyleTerm]
    contents: Sequence[ContentTerm]
    smooths: Sequence[SmoothTerm]
    tiles: Sequence[Tile]
    guides: Sequence[Guide | None]
    target: Callable[[Tile], Tensor]

    @property
    def is_nothing(self) -> bool:
        return not (self.styles or self.contents or self.smooths)

    @property
    def layers(self) -> set[str]:
        """What the network must be asked for."""
        return {*(term.layer for term in self.styles), *(CONTENT_LAYER for _ in self.contents)}

    def gathered(self, features: Mapping[str, Tensor], tile: Tile) -> RegionStatistics:
        """A tile's part of the statistics of each region and layer that a term looks at."""
        found: RegionStatistics = {}
        for region, guide in enumerate(self.guides):
            layers = [term.layer for term in self.styles if term.region == region]
            parts = gathered(features, layers, tile, self.tiles, guide)
            found.update({(region, layer): part for layer, part in parts.items()})
        return found


STYLE_LOSSES: Final[dict[str, Callable[[Statistics], StyleLoss]]] = {
    "moments": moments_loss,
    "gram": gram_loss,
    "wasserstein": partial(wasserstein_loss, rank=WASSERSTEIN_RANK),
}


def layer_weights(wishes: Wishes) -> dict[str, float]:
    """The style's layers that are looked at -> what each weighs beside the others."""
    published = wishes.objective == "gatys"
    usual = {layer: float(published or layer not in UNASKED) for layer in STYLE_LAYERS}
    shares = dict.fromkeys(STYLE_LAYERS, 100.0) if published else STYLE_SHARES
    asked = usual | dict(wishes.layers)
    return {layer: weight * shares[layer] for layer, weight in asked.items() if weight > 0}


def wanted(vgg: Vgg, scene: Scene, tiles: Sequence[Tile] = (), keep_content: bool = True) -> Wanted:
    """The objective for a scene at its size.

    tiles: how the picture is seen; whole, when there are none. keep_content: hold the photo's features in
    memory instead of computing them again whenever a tile is seen.
    """
    tiles = tiles or [whole(scene.photo)]
    target = _target(vgg, scene.photo)
    target = cache(target) if keep_content else target
    wishes = scene.regions[0].wishes
    smooths = [SmoothTerm(wishes.smoothness / scene.photo.numel(), torch.square)]
    if scene.published:
        smooths.append(SmoothTerm(255e-3, torch.abs))
    styles = [
        term
        for index, region in enumerate(scene.regions)
        for term in _styles(vgg, index, region, _worn(vgg, scene, region, tiles), tiles)
    ]
    return Wanted(
        [term for term in styles if term.weight > 0],
        _contents(vgg, scene, tiles, target),
        [term for term in smooths if term.weight > 0],
        tiles,
        [region.guide for region in scene.regions],
        target,
    )


def loss_and_gradient(vgg: Vgg, want: Wanted, gradient_type: torch.dtype = torch.float32) -> LossAndGradient:
    """The weighted sum of the terms and its gradient with respect to the picture.

    Seen in tiles, the picture is passed through twice: once for the statistics of all of it, once for how
    each tile's features should change, given those. The result is the gradient of the whole.
    OptionError when nothing at all is wanted.
    """
    if want.is_nothing:
        raise OptionError(
            "neither content nor style has any weight; raise --content-weight or --style-weight"
        )

    def seen_whole(picture: Tensor) -> tuple[Tensor, Tensor]:
        x = picture.detach().requires_grad_()
        features = vgg(x, want.layers) if want.layers else {}
        loss = _style_loss(want, want.gathered(features, want.tiles[0]))
        loss = loss + _local_loss(want, features, x, want.tiles[0])
        (gradient,) = torch.autograd.grad(loss, x)
        # The gradient of a channels-last graph is not contiguous, and the search works on flat vectors.
        return loss.detach(), gradient.to(gradient_type).contiguous()

    def seen_in_tiles(picture: Tensor) -> tuple[Tensor, Tensor]:
        loss, pulls = _pulls(vgg, want, picture)
        gradient = torch.zeros_like(picture, dtype=gradient_type)
        for tile in want.tiles:
            x = tile.outer(picture).detach().requires_grad_()
            features = vgg(x, want.layers) if want.layers else {}
            local = _local_loss(want, features, x, tile)
            # Linear in the statistics, so that its gradient is that of the whole loss.
            pulled = [
                (part.mean * pulls[key].mean).sum() + (part.gram * pulls[key].gram).sum()
                for key, part in want.gathered(features, tile).items()
            ]
            (here,) = torch.autograd.grad(local + sum(pulled), x)
            tile.outer(gradient).add_(here)
            loss = loss + local.detach()
        return loss, gradient

    return seen_whole if len(want.tiles) == 1 else seen_in_tiles


def _pulls(vgg: Vgg, want: Wanted, picture: Tensor) -> tuple[Tensor, RegionStatistics]:
    """The style's part of the loss, and how it grows with the statistics of the whole picture."""
    found: RegionStatistics = {}
    if not want.styles:
        return torch.zeros(()), found
    for tile in want.tiles:
        with torch.no_grad():
            features = vgg(tile.outer(picture), {term.layer for term in want.styles})
        add_up(found, want.gathered(features, tile))
    leaves = {key: Statistics(*(part.requires_grad_() for part in one)) for key, one in found.items()}
    loss = _style_loss(want, leaves)
    parts = [part for one in leaves.values() for part in one]
    flat = torch.autograd.grad(loss, parts, allow_unused=True, materialize_grads=True)
    return loss.detach(), {key: Statistics(*flat[2 * i : 2 * i + 2]) for i, key in enumerate(leaves)}


def _style_loss(want: Wanted, found: RegionStatistics) -> Tensor:
    return _total(term.weight * term.loss(found[term.region, term.layer]) for term in want.styles)


def _local_loss(want: Wanted, features: Mapping[str, Tensor], picture: Tensor, tile: Tile) -> Tensor:
    """A tile's part of the terms that are sums over places."""
    parts = [term.weight * _roughness(picture, tile, term.size) for term in want.smooths]
    if want.contents:
        stride, target = stride_of(CONTENT_LAYER), want.target(tile)
        core = tile.core(features[CONTENT_LAYER], stride)
        for term in want.contents:
            guide = want.guides[term.region]
            weights = None if guide is None else guide.on(tile, stride)
            parts.append(term.weight * squared_distance(core, target, weights))
    return _total(parts)


def _total(parts: Iterable[Tensor]) -> Tensor:
    return sum(parts, torch.zeros(()))


def _roughness(picture: Tensor, tile: Tile, size: Callable[[Tensor], Tensor]) -> Tensor:
    """Sum of `size` over the differences of the core's pixels to those below and to the right."""
    (top, bottom), (left, right) = (
        (s.start, s.stop) for s in (tile.rows.core_in_outer(1), tile.columns.core_in_outer(1))
    )
    down = picture[..., top : bottom + 1, left:right].diff(dim=2)
    across = picture[..., top:bottom, left : right + 1].diff(dim=3)
    return size(down).sum() + size(across).sum()


def _target(vgg: Vgg, photo: Tensor) -> Callable[[Tile], Tensor]:
    """The photo's features in a tile's core."""

    def features(tile: Tile) -> Tensor:
        with torch.no_grad():
            seen = vgg(tile.outer(photo), {CONTENT_LAYER})[CONTENT_LAYER]
            return tile.core(seen, stride_of(CONTENT_LAYER)).contiguous(memory_format=torch.channels_last)

    return features


def _contents(
    vgg: Vgg, scene: Scene, tiles: Sequence[Tile], target: Callable[[Tile], Tensor]
) -> list[ContentTerm]:
    """The mean squared error: of features as they are, or as a share of how much they vary in the photo."""
    shares = [region.wishes.content_share for region in scene.regions]
    if not any(shares):
        return []
    stride = stride_of(CONTENT_LAYER)
    if scene.published:
        weight = 5 * vgg.scales[CONTENT_LAYER] ** 2
    else:
        photo: dict[str, Statistics] = {}
        for tile in tiles:
            part = statistics(target(tile), total=places_in_all(tiles, stride))
            add_up(photo, {CONTENT_LAYER: part})
        weight = CONTENT_AT_HALF / float(variance_of(photo[CONTENT_LAYER]))
    weight /= CHANNELS[int(CONTENT_LAYER[0]) - 1] * places_in_all(tiles, stride)
    return [ContentTerm(index, weight * share) for index, share in enumerate(shares) if share > 0]


def _worn(vgg: Vgg, scene: Scene, region: Region, tiles: Sequence[Tile]) -> LayerStatistics:
    """The statistics that a region should have: the style's, mixed with the photo's own at low strength."""
    style, share = region.style(max(scene.size)), region.wishes.style_share
    layers = layer_weights(region.wishes)
    if share == 1 or not layers:
        return style
    own = statistics_over(vgg, scene.photo, layers, tiles, region.guide)
    return mix([own, style], [1 - share, share])


def _styles(
    vgg: Vgg, index: int, region: Region, style: LayerStatistics, tiles: Sequence[Tile]
) -> Iterator[StyleTerm]:
    """A region counts as much as it covers, so that each of its pixels is pulled as it would be alone."""
    wishes = region.wishes
    for layer, weight in layer_weights(wishes).items():
        stride = stride_of(layer)
        area = 1.0 if region.guide is None else region.guide.total(stride) / places_in_all(tiles, stride)
        if wishes.objective == "gatys":
            loss = _published_loss(vgg, style, layer)
        else:
            loss = STYLE_LOSSES[wishes.objective](style[layer])
        yield StyleTerm(index, layer, wishes.style * weight * area, loss)


def _published_loss(vgg: Vgg, style: LayerStatistics, layer: str) -> StyleLoss:
    """Gatys et al. 2016 with the weights that neural-style published: content 5, style 100 a layer, TV 1e-3.

    Mean squared errors of the network's own features for pixels in 0..255, Gram matrices divided by c*h*w,
    and the sum of absolute differences of neighbours.
    """
    size = vgg.scales[layer] ** 2 / len(style[layer].gram)
    return lambda found: (size * (found.gram - style[layer].gram)).square().mean()
