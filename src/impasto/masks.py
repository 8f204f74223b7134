"""Masks: where in a photo something counts, from a picture that is white there."""

from typing import Final

import torch
import torch.nn.functional as F  # noqa: N812 - the name the field uses
from torch import Tensor

from impasto.crossing import to_tensor
from impasto.errors import PictureError
from impasto.media.picture import read_picture
from impasto.tasks import MaskChoice

OTHER_SHAPE: Final = 0.02
"""Sides may differ by this share, or a pixel, from the photo's: by rounding, not by another crop."""
LEAST_SHARE: Final = 1e-4


def read_mask(choice: MaskChoice, size_px: tuple[int, int], max_pixels: int) -> Tensor:
    """(h, w) in [0, 1] for a photo of (width, height): white is 1, black and transparent are 0.

    PictureError when the file is no picture, has another shape than the photo, or marks nothing.
    """
    picture = read_picture(choice.path, max_pixels=max_pixels)
    (width, height), (mask_width, mask_height) = size_px, picture.size_px
    stretched = abs(mask_width * height - width * mask_height)
    if stretched > max(OTHER_SHAPE * width * mask_height, mask_width, mask_height):
        raise PictureError(
            f"{choice.path} is {mask_width} x {mask_height}, which is not the shape of the photo, "
            f"{width} x {height}; use a mask of the whole photo"
        )
    mask = to_tensor(picture.rgb).mean(1, keepdim=True)
    if picture.alpha is not None:
        mask = mask * torch.from_numpy(picture.alpha)
    if choice.inverse:
        mask = 1 - mask
    if mask.mean() < LEAST_SHARE:
        shade = "black" if choice.inverse else "white"
        raise PictureError(f"{choice.path} marks nothing; what counts should be {shade} in it")
    return F.interpolate(mask, size=(height, width), mode="bilinear", antialias=True)[0, 0].clamp_(0, 1)
