"""Colours brought from one picture to another."""

from typing import Final, NamedTuple

import torch
from torch import Tensor

from impasto.methods.losses import Statistics, symmetric_eigen

LEAST_VARIANCE: Final = 1e-3


class ColorMap(NamedTuple):
    """rgb -> matrix (3, 3) @ rgb + offset (3,); of n pictures, (n, 3, 3) and (n, 3)."""

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
    return ColorMap(matrix, wanted.mean - (matrix @ found.mean[..., None])[..., 0])


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
    return (vectors * values[..., None, :].clamp(min=1e-12) ** exponent) @ vectors.mT


SRGB_TO_LMS: Final = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
LMS_TO_OKLAB: Final = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)
"""Linear sRGB to cone responses, and their cube roots to lightness and two axes of chroma: Ottosson 2020."""


def to_oklab(rgb: Tensor) -> Tensor:
    """(1, 3, h, w) sRGB in [0, 1] -> lightness in [0, 1] and chroma a, b, float32.

    Björn Ottosson 2020, "A perceptual color space for image processing".
    """
    rgb = rgb.float()
    linear = torch.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    cones = _mixed(linear, torch.tensor(SRGB_TO_LMS))
    return _mixed(cones.clamp(min=0) ** (1 / 3), torch.tensor(LMS_TO_OKLAB))


def from_oklab(lab: Tensor) -> Tensor:
    """The inverse; colours that sRGB has not come out of [0, 1]."""
    cones = _mixed(lab, torch.linalg.inv(torch.tensor(LMS_TO_OKLAB))) ** 3
    linear = _mixed(cones, torch.linalg.inv(torch.tensor(SRGB_TO_LMS)))
    curved = 1.055 * linear.clamp(min=0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear <= 0.0031308, 12.92 * linear, curved)


def in_gamut(lab: Tensor) -> Tensor:
    """OKLab (1, 3, h, w) -> sRGB in [0, 1]: chroma is muted just so far that the lightness stays."""
    least, most = torch.zeros_like(lab[:, :1]), torch.ones_like(lab[:, :1])
    grey = lab * torch.tensor([1.0, 0.0, 0.0], device=lab.device).view(1, 3, 1, 1)
    share = most
    for _ in range(8):
        rgb = from_oklab(torch.lerp(grey, lab, share))
        inside = ((rgb >= -1e-3) & (rgb <= 1 + 1e-3)).all(1, keepdim=True)
        least, most = torch.where(inside, share, least), torch.where(inside, most, share)
        share = torch.where(inside & (share == 1), share, (least + most) / 2)
    return from_oklab(torch.lerp(grey, lab, least)).clamp_(0, 1)


def _mixed(picture: Tensor, matrix: Tensor) -> Tensor:
    """(1, 3, h, w), each pixel times matrix (3, 3)."""
    return torch.einsum("ij,njhw->nihw", matrix.to(picture), picture)
