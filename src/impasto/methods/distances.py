"""How far a painting is from its style and from its photo, in numbers that compare across pictures.

style 1 is the untouched photo and 0 the style picture's own statistics; content 0 is the untouched photo
and 1 the style picture laid over it. Means over three scales, in float32.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import torch
from torch import Tensor

from impasto.methods.color import to_oklab
from impasto.methods.losses import statistics
from impasto.methods.styles import resize_to

SCALES: Final = (1.0, 2**-0.5, 0.5)
SMALLEST_PX: Final = 32

Features = Callable[[Tensor], Mapping[str, Tensor]]


class Judge(NamedTuple):
    """A network's features, and the layers that style and content are read from."""

    features: Features
    style_layers: tuple[str, ...]
    content_layer: str


class Distances(NamedTuple):
    """style: 1 for the photo, 0 for the style; content: 0 for the photo, 1 for the style picture."""

    style: float
    content: float


@torch.inference_mode()
def distances(judge: Judge, painting: Tensor, photo: Tensor, style: Tensor) -> Distances:
    """painting, photo: (1, 3, h, w), the same size; style: (1, 3, any, any); all in [0, 1]."""
    style_shares, content_shares = [], []
    for scale in SCALES:
        painted, plain = judge.features(_scaled(painting, scale)), judge.features(_scaled(photo, scale))
        styled = judge.features(_scaled(style, scale))
        for layer in judge.style_layers:
            wanted = statistics(styled[layer]).gram
            style_shares.append(
                _share(statistics(painted[layer]).gram, statistics(plain[layer]).gram, wanted)
            )
        size = _scaled(photo, scale).shape[2:]
        laid_over = judge.features(resize_to(style, (size[0], size[1])).clamp(0, 1))[judge.content_layer]
        content_shares.append(_share(painted[judge.content_layer], laid_over, plain[judge.content_layer]))
    return Distances(sum(style_shares) / len(style_shares), sum(content_shares) / len(content_shares))


def color_distance(painting: Tensor, photo: Tensor) -> float:
    """How far the colours of two pictures (1, 3, h, w) are apart, lightness aside: 0 is the same.

    Root mean square over the pixels, in hundredths of OKLab's chroma axes; pure red is 26 from grey.
    """
    away = to_oklab(painting)[:, 1:] - to_oklab(photo)[:, 1:]
    return 100 * float(away.square().sum(1).mean().sqrt())


def _scaled(picture: Tensor, scale: float) -> Tensor:
    height, width = picture.shape[2:]
    size = (max(SMALLEST_PX, round(height * scale)), max(SMALLEST_PX, round(width * scale)))
    return picture if size == (height, width) else resize_to(picture, size).clamp(0, 1)


def _share(found: Tensor, far: Tensor, wanted: Tensor) -> float:
    return float((found - wanted).norm() / (far - wanted).norm().clamp(min=1e-12))
