"""From a photo, a style and a strength to what is wanted of a picture, and how far it is from that."""

from collections.abc import Callable, Iterable, Mapping, Sequence
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
from impasto.methods.styles import STYLE_LAYERS, LayerStatistics, mix
from impasto.methods.tiles import Tile, places_in_all, shares, statistics_over, whole
from impasto.networks.vgg import CHANNELS, Vgg, stride_of
from impasto.options import Objective

CONTENT_LAYER: Final = "4_2"
CONTENT_AT_HALF: Final = 0.15
"""Weight of content against a style weight of 1, at strength 0.5."""
WASSERSTEIN_RANK: Final = 256


@dataclass(frozen=True)
class Wishes:
    """What the user's knobs say. strength in (0, 1]; content and style multiply the default weights.

    Up to a strength of a half the picture should have a mixture of the photo's own statistics and the
    style's, so that none is the photo itself; from there on the photo is let go.
    """

    objective: Objective = "moments"
    strength: float = 0.5
    content: float = 1.0
    style: float = 1.0
    smoothness: float = 0.0

    @property
    def style_share(self) -> float:
        """How much of the wanted statistics is the style's: all of it from strength 0.5 on."""
        return min(1.0, 2 * self.strength)

    @property
    def content_share(self) -> float:
        """Multiplies the weight of content: 1 up to strength 0.5, none at 1."""
        share: float = min(1.0, (1 - self.strength) / self.strength) ** 1.5
        return self.content * share


class StyleTerm(NamedTuple):
    """How the features of a layer should be distributed over the picture."""

    layer: str
    weight: float
    loss: StyleLoss


class ContentTerm(NamedTuple):
    """weight: of the sum of squared differences to the photo's features, which `target` has for a tile."""

    weight: float
    target: Callable[[Tile], Tensor]


class SmoothTerm(NamedTuple):
    """weight: of the sum of `size` over the differences of neighbours."""

    weight: float
    size: Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Wanted:
    """The objective for one rung, the sum of its terms, for a picture that is seen in tiles."""

    styles: Sequence[StyleTerm]
    contents: Sequence[ContentTerm]
    smooths: Sequence[SmoothTerm]
    tiles: Sequence[Tile]

    @property
    def style_layers(self) -> list[str]:
        return [term.layer for term in self.styles]

    @property
    def layers(self) -> set[str]:
        """What the network must be asked for."""
        return {*self.style_layers, *(CONTENT_LAYER for _ in self.contents)}


STYLE_LOSSES: Final[dict[str, Callable[[Statistics], StyleLoss]]] = {
    "moments": moments_loss,
    "gram": gram_loss,
    "wasserstein": partial(wasserstein_loss, rank=WASSERSTEIN_RANK),
}


def wanted(
    vgg: Vgg,
    photo: Tensor,
    style: LayerStatistics,
    wishes: Wishes,
    tiles: Sequence[Tile] = (),
    keep_content: bool = True,
) -> Wanted:
    """The objective for a photo (1, 3, h, w) at a rung's size.

    tiles: how the picture is seen; whole, when there are none. keep_content: hold the photo's features in
    memory instead of computing them again whenever a tile is seen.
    OptionError when nothing at all is wanted.
    """
    tiles = tiles or [whole(photo)]
    if wishes.style_share < 1:
        own = statistics_over(vgg, photo, STYLE_LAYERS, tiles)
        style = mix([own, style], [1 - wishes.style_share, wishes.style_share])
    published = wishes.objective == "gatys"
    content = _content(vgg, photo, wishes, tiles, keep_content)
    smooths = [SmoothTerm(wishes.smoothness / photo.numel(), torch.square)]
    if published:
        smooths.append(SmoothTerm(255e-3, torch.abs))
    found = Wanted(
        [term for term in (_published if published else _styles)(vgg, style, wishes) if term.weight > 0],
        [content] if content.weight > 0 else [],
        [term for term in smooths if term.weight > 0],
        tiles,
    )
    if not (found.layers or wishes.smoothness):
        raise OptionError(
            "neither content nor style has any weight; raise --content-weight or --style-weight"
        )
    return found


def loss_and_gradient(vgg: Vgg, want: Wanted, gradient_type: torch.dtype = torch.float32) -> LossAndGradient:
    """The weighted sum of the terms and its gradient with respect to the picture.

    Seen in tiles, the picture is passed through twice: once for the statistics of all of it, once for how
    each tile's features should change, given those. The result is the gradient of the whole.
    """

    def seen_whole(picture: Tensor) -> tuple[Tensor, Tensor]:
        x = picture.detach().requires_grad_()
        features = vgg(x, want.layers) if want.layers else {}
        found = {layer: statistics(features[layer]) for layer in want.style_layers}
        loss = _style_loss(want, found) + _local_loss(want, features, x, want.tiles[0])
        (gradient,) = torch.autograd.grad(loss, x)
        # The gradient of a channels-last graph is not contiguous, and the search works on flat vectors.
        return loss.detach(), gradient.to(gradient_type).contiguous()

    def seen_in_tiles(picture: Tensor) -> tuple[Tensor, Tensor]:
        found = statistics_over(vgg, picture, want.style_layers, want.tiles)
        leaves = {layer: Statistics(*(part.requires_grad_() for part in found[layer])) for layer in found}
        loss = _style_loss(want, leaves)
        pulls = {}
        if leaves:
            parts = [part for one in leaves.values() for part in one]
            flat = torch.autograd.grad(loss, parts, allow_unused=True, materialize_grads=True)
            pulls = {layer: Statistics(*flat[2 * i : 2 * i + 2]) for i, layer in enumerate(leaves)}
        loss, gradient = loss.detach(), torch.zeros_like(picture, dtype=gradient_type)
        for tile in want.tiles:
            x = tile.outer(picture).detach().requires_grad_()
            features = vgg(x, want.layers) if want.layers else {}
            local = _local_loss(want, features, x, tile)
            # Linear in the statistics, so that its gradient is that of the whole loss.
            pulled = [
                share * ((part.mean * pulls[layer].mean).sum() + (part.gram * pulls[layer].gram).sum())
                for layer, share, part in shares(features, want.style_layers, tile, want.tiles)
            ]
            (here,) = torch.autograd.grad(local + sum(pulled), x)
            tile.outer(gradient).add_(here)
            loss = loss + local.detach()
        return loss, gradient

    return seen_whole if len(want.tiles) == 1 else seen_in_tiles


def _style_loss(want: Wanted, found: LayerStatistics) -> Tensor:
    return _total(term.weight * term.loss(found[term.layer]) for term in want.styles)


def _local_loss(want: Wanted, features: Mapping[str, Tensor], picture: Tensor, tile: Tile) -> Tensor:
    """A tile's part of the terms that are sums over places."""
    return _total(
        [
            *(
                term.weight
                * squared_distance(
                    tile.core(features[CONTENT_LAYER], stride_of(CONTENT_LAYER)), term.target(tile)
                )
                for term in want.contents
            ),
            *(term.weight * _roughness(picture, tile, term.size) for term in want.smooths),
        ]
    )


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


def _content(vgg: Vgg, photo: Tensor, wishes: Wishes, tiles: Sequence[Tile], keep: bool) -> ContentTerm:
    """The mean squared error: of features as they are, or as a share of how much they vary in the photo."""

    def features(tile: Tile) -> Tensor:
        with torch.no_grad():
            seen = vgg(tile.outer(photo), {CONTENT_LAYER})[CONTENT_LAYER]
            return tile.core(seen, stride_of(CONTENT_LAYER)).contiguous(memory_format=torch.channels_last)

    if wishes.content_share == 0:
        return ContentTerm(0.0, features)
    if wishes.objective == "gatys":
        weight = 5 * wishes.content_share * vgg.scales[CONTENT_LAYER] ** 2
    else:
        variance = variance_of(statistics_over(vgg, photo, {CONTENT_LAYER}, tiles)[CONTENT_LAYER])
        weight = CONTENT_AT_HALF * wishes.content_share / float(variance)
    stride = stride_of(CONTENT_LAYER)
    weight /= CHANNELS[int(CONTENT_LAYER[0]) - 1] * places_in_all(tiles, stride)
    return ContentTerm(weight, cache(features) if keep else features)


def _styles(_vgg: Vgg, style: LayerStatistics, wishes: Wishes) -> list[StyleTerm]:
    loss_of, share = STYLE_LOSSES[wishes.objective], wishes.style / len(STYLE_LAYERS)
    return [StyleTerm(layer, share, loss_of(style[layer])) for layer in STYLE_LAYERS]


def _published(vgg: Vgg, style: LayerStatistics, wishes: Wishes) -> list[StyleTerm]:
    """Gatys et al. 2016 with the weights that neural-style published: content 5, style 100 a layer, TV 1e-3.

    Mean squared errors of the network's own features for pixels in 0..255, Gram matrices divided by c*h*w,
    and the sum of absolute differences of neighbours.
    """

    def loss_of(layer: str) -> StyleLoss:
        size = vgg.scales[layer] ** 2 / len(style[layer].gram)
        return lambda found: (size * (found.gram - style[layer].gram)).square().mean()

    return [StyleTerm(layer, 100 * wishes.style, loss_of(layer)) for layer in STYLE_LAYERS]
