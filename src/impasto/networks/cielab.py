"""sRGB <-> CIELAB, in which lightness is apart from colour. CIE 15:2004, sec. 8.2.1, under D65."""

from typing import Final

import torch
from torch import Tensor

SRGB_TO_XYZ: Final = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)
LAB_KNEE: Final = 6 / 29


def to_lab(rgb: Tensor) -> Tensor:
    """(n, 3, h, w) sRGB in [0, 1] -> L in [0, 100], a and b within [-110, 110].

    White is the sum of the primaries, so that greys have a = b = 0.
    """
    linear = torch.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    matrix = torch.tensor(SRGB_TO_XYZ, dtype=rgb.dtype, device=rgb.device)
    shares = torch.einsum("ij,njhw->nihw", matrix / matrix.sum(1, keepdim=True), linear)
    x, y, z = torch.where(
        shares > LAB_KNEE**3, shares.clamp(min=1e-9) ** (1 / 3), shares / (3 * LAB_KNEE**2) + 4 / 29
    ).unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], 1)


def from_lab(lab: Tensor) -> Tensor:
    """(n, 3, h, w) CIELAB -> sRGB; colours that sRGB lacks lie outside [0, 1]."""
    lightness, a, b = lab.unbind(1)
    y = (lightness + 16) / 116
    roots = torch.stack([y + a / 500, y, y - b / 200], 1)
    shares = torch.where(roots > LAB_KNEE, roots**3, 3 * LAB_KNEE**2 * (roots - 4 / 29))
    matrix = torch.tensor(SRGB_TO_XYZ, dtype=lab.dtype, device=lab.device)
    inverse = torch.linalg.inv(matrix / matrix.sum(1, keepdim=True))
    linear = torch.einsum("ij,njhw->nihw", inverse, shares)
    return torch.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * linear.clamp(min=1e-9) ** (1 / 2.4) - 0.055
    )


def grey_of(lightness: Tensor) -> Tensor:
    """(n, 1, h, w), L in [0, 100] -> (n, 3, h, w), the sRGB grey that is as light."""
    return from_lab(torch.cat([lightness, torch.zeros_like(lightness).expand(-1, 2, -1, -1)], 1)).clamp(0, 1)
