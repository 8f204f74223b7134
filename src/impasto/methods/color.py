"""Colours brought from one picture to another."""

from typing import Final, NamedTuple

import torch
from torch import Tensor

from impasto.methods.losses import Statistics, symmetric_eigen

LEAST_VARIANCE: Final = 1e-3


class ColorMap(NamedTuple):
    """rgb -> matrix (3, 3) @ rgb + offset (3,)."""

    matrix: Tensor
    offset: Tensor


def color_map(found: Statistics, wanted: Statistics) -> ColorMap:
    """The gentlest linear map that gives pixels of one mean and covariance those of another.

    Of all such maps it moves colours least. Pitié & Kokaram 2007, "The linear Monge-Kantorovitch linear
    colour mapping for example-based colour transfer", eq. 17.
    """
    # A grey or flat picture has no spread to divide by, and its noise should not become colours.
    noise = LEAST_VARIANCE * torch.eye(3).to(found.mean)
    here, there = found.covariance + noise, wanted.covariance + noise
    root, inverse = _power(here, 0.5), _power(here, -0.5)
    matrix = inverse @ _power(root @ there @ root, 0.5) @ inverse
    return ColorMap(matrix, wanted.mean - matrix @ found.mean)


def recolor(picture: Tensor, colors: ColorMap) -> Tensor:
    """(1, 3, h, w) in [0, 1] -> the same, float32, mapped and cut to [0, 1]."""
    result = colors.offset.view(1, 3, 1, 1).expand(picture.shape).clone()
    for plane, color in zip(picture[0], colors.matrix.T, strict=True):
        add_plane(result, plane, color)
    return result.clamp_(0, 1)


def add_plane(picture: Tensor, plane: Tensor, color: Tensor) -> None:
    """picture (1, 3, h, w) += color (3,) times plane (h, w), a channel at a time to save memory."""
    for channel, share in zip(picture[0], color, strict=True):
        channel += share * plane  # noqa: PLW2901 - a view, changed in place


def _power(matrix: Tensor, exponent: float) -> Tensor:
    values, vectors = symmetric_eigen(matrix)
    return (vectors * values.clamp(min=1e-12) ** exponent) @ vectors.T
