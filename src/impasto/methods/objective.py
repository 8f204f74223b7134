"""From a photo, a style and a strength to a list of weighted terms."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import torch
from torch import Tensor

from impasto.errors import OptionError
from impasto.methods.losses import (
    Statistics,
    StyleLoss,
    Term,
    content_loss,
    gram_loss,
    layers_of,
    moments_loss,
    statistics,
    total_variation,
    wasserstein_loss,
)
from impasto.methods.optimize import LossAndGradient
from impasto.methods.styles import STYLE_LAYERS, LayerStatistics, mix
from impasto.networks.vgg import Vgg
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


STYLE_LOSSES: Final[dict[str, Callable[[Statistics], StyleLoss]]] = {
    "moments": moments_loss,
    "gram": gram_loss,
    "wasserstein": partial(wasserstein_loss, rank=WASSERSTEIN_RANK),
}


def terms(vgg: Vgg, photo: Tensor, style: LayerStatistics, wishes: Wishes) -> list[Term]:
    """The objective for one rung; photo (1, 3, h, w) at that rung's size."""
    mixed = wishes.style_share < 1
    with torch.no_grad():
        features = vgg(photo, {CONTENT_LAYER, *STYLE_LAYERS} if mixed else {CONTENT_LAYER})
    content = features[CONTENT_LAYER]
    if mixed:
        own = {layer: statistics(features[layer]) for layer in STYLE_LAYERS}
        style = mix([own, style], [1 - wishes.style_share, wishes.style_share])
    smoothness = Term("smoothness", wishes.smoothness, None, total_variation)
    if wishes.objective == "gatys":
        return [*_gatys_terms(vgg, content, style, wishes), smoothness]
    loss_of = STYLE_LOSSES[wishes.objective]
    styles = [
        Term(f"style {k}", wishes.style / len(STYLE_LAYERS), k, _of_features(loss_of(style[k])))
        for k in STYLE_LAYERS
    ]
    content_weight = CONTENT_AT_HALF * wishes.content_share
    return [Term("content", content_weight, CONTENT_LAYER, content_loss(content)), *styles, smoothness]


def loss_and_gradient(vgg: Vgg, wanted: Sequence[Term]) -> LossAndGradient:
    """The weighted sum of the terms and its gradient with respect to the picture."""
    active = [term for term in wanted if term.weight > 0]
    if not active:
        raise OptionError(
            "neither content nor style has any weight; raise --content-weight or --style-weight"
        )
    layers = layers_of(active)

    def evaluate(picture: Tensor) -> tuple[Tensor, Tensor]:
        x = picture.detach().requires_grad_()
        features = vgg(x, layers)
        loss = torch.stack(
            [term.weight * term.loss(x if term.layer is None else features[term.layer]) for term in active]
        ).sum()
        (gradient,) = torch.autograd.grad(loss, x)
        # The gradient of a channels-last graph is not contiguous, and the search works on flat vectors.
        return loss.detach(), gradient.contiguous()

    return evaluate


def _gatys_terms(vgg: Vgg, content: Tensor, style: LayerStatistics, wishes: Wishes) -> list[Term]:
    """Gatys et al. 2016 with the weights that neural-style published: content 5, style 100 a layer, TV 1e-3.

    Mean squared errors of the network's own features for pixels in 0..255, Gram matrices divided by c*h*w,
    and the sum of absolute differences of neighbours.
    """
    return [
        Term(
            "content",
            5 * wishes.content_share,
            CONTENT_LAYER,
            partial(_squared_error, target=content.float(), scale=vgg.scales[CONTENT_LAYER]),
        ),
        *(
            Term(
                f"style {layer}",
                100 * wishes.style,
                layer,
                _of_features(partial(_gatys_style, wanted=style[layer].gram, scale=vgg.scales[layer])),
            )
            for layer in STYLE_LAYERS
        ),
        Term("variation", 1e-3, None, _absolute_variation),
    ]


def _squared_error(features: Tensor, target: Tensor, scale: float) -> Tensor:
    return scale**2 * (features.float() - target).square().mean()


def _gatys_style(found: Statistics, wanted: Tensor, scale: float) -> Tensor:
    return (scale**2 * (found.gram - wanted) / len(wanted)).square().mean()


def _of_features(loss: StyleLoss) -> Callable[[Tensor], Tensor]:
    return lambda features: loss(statistics(features))


def _absolute_variation(picture: Tensor) -> Tensor:
    down = (picture[..., 1:, :] - picture[..., :-1, :]).abs().sum()
    right = (picture[..., 1:] - picture[..., :-1]).abs().sum()
    return 255 * (down + right)
