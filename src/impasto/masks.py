"""Masks: where in a photo something counts, from a picture that is white there, or where faces are."""

from typing import Final

import torch
import torch.nn.functional as F  # noqa: N812 - the name the field uses
from torch import Tensor

from impasto.crossing import to_tensor
from impasto.errors import PictureError
from impasto.media.faces import Face, find_faces
from impasto.media.picture import Picture, read_picture
from impasto.tasks import FACES, MaskChoice

OTHER_SHAPE: Final = 0.02
"""Sides may differ by this share, or a pixel, from the photo's: by rounding, not by another crop."""
LEAST_SHARE: Final = 1e-4
HEAD: Final = 0.85
"""Radii of a head, with hair and chin, in parts of the box around a face."""
HEAD_EDGE: Final = 0.5
"""How far out its mask takes to fade, in parts of the radii."""


def mask_for(choice: MaskChoice, photo: Picture, max_pixels: int) -> Tensor:
    """(h, w) in [0, 1] for a photo: white is 1, black and transparent are 0.

    PictureError when the file is no picture, has another shape than the photo, or marks nothing, and when
    there are no faces to be found; ExtraError when faces cannot be looked for.
    """
    if choice.path != FACES:
        return read_mask(choice, photo.size_px, max_pixels)
    faces = find_faces(photo.rgb)
    if not faces:
        raise PictureError("no faces were found in the photo; leave out faces, or draw a mask of them")
    mask = mask_of_faces(faces, photo.size_px)
    return 1 - mask if choice.inverse else mask


def mask_of_faces(faces: list[Face], size_px: tuple[int, int]) -> Tensor:
    """(h, w): 1 on the heads, fading softly around them."""
    width, height = size_px
    mask = torch.zeros((height, width))
    x, y = torch.arange(width)[None], torch.arange(height)[:, None]
    for face in faces:
        across = (x - face.left - face.width / 2) / (HEAD * face.width)
        down = (y - face.top - 0.4 * face.height) / (1.15 * HEAD * face.height)
        away = (across.square() + down.square()).sqrt()
        mask = torch.maximum(mask, ((1 + HEAD_EDGE - away) / HEAD_EDGE).clamp(0, 1))
    return mask


def read_mask(choice: MaskChoice, size_px: tuple[int, int], max_pixels: int) -> Tensor:
    """The mask in a file, for a photo of (width, height); values and errors as `mask_for` has them."""
    picture = read_picture(choice.path, max_pixels=max_pixels)
    (width, height), (mask_width, mask_height) = size_px, picture.size_px
    stretched = abs(mask_width * height - width * mask_height)
    if stretched > max(OTHER_SHAPE * width * mask_height, mask_width, mask_height):
        raise PictureError(
            f"{choice.path} is {mask_width} x {mask_height}, which is not the shape of the photo, painted at "
            f"{width} x {height}; use a mask of the whole photo, in any size"
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
