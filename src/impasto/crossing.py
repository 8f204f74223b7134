"""Between pictures, which are numpy, and methods, which are torch."""

import numpy as np
import torch
from torch import Tensor

from impasto.media.picture import Picture
from impasto.tasks import Pixels


def to_tensor(rgb: Pixels) -> Tensor:
    """(h, w, 3) -> (1, 3, h, w)."""
    return torch.from_numpy(np.ascontiguousarray(rgb.transpose(2, 0, 1)))[None]


def to_pixels(picture: Tensor) -> Pixels:
    """(1, 3, h, w) -> (h, w, 3), cut to [0, 1]."""
    pixels: Pixels = picture[0].detach().permute(1, 2, 0).cpu().numpy().astype(np.float32, order="C")
    return np.clip(pixels, 0, 1, out=pixels)


def over_white(picture: Picture) -> Tensor:
    """(1, 3, h, w): the picture as it looks on white paper."""
    if picture.alpha is None:
        return to_tensor(picture.rgb)
    alpha = picture.alpha[..., None]
    return to_tensor(picture.rgb * alpha + (1 - alpha))
