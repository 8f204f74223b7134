"""The colours of a finished painting: the photo's own, as far as they are kept, and how vivid they are."""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from impasto.methods.color import ColorMap, color_map, in_gamut, recolor, to_oklab
from impasto.methods.losses import statistics
from impasto.options import ColorsKeptBy

STRIP_PIXELS: Final = 1 << 20
"""Finished at a time, since it takes a dozen copies."""


@dataclass(frozen=True)
class Finish:
    """keep in [0, 1]: how much of the photo's colours; by: how; saturation: multiplies chroma."""

    keep: float = 0.0
    by: ColorsKeptBy = "luminance"
    saturation: float = 1.0

    @property
    def is_plain(self) -> bool:
        """Whether the painting stays as it is."""
        return (self.saturation == 1) and (self.keep == 0 or self.by == "before")

    def __call__(self, painting: Tensor, photo: Tensor) -> Tensor:
        """(1, 3, h, w) in [0, 1] and the photo at the same size -> the finished painting, in place."""
        if self.is_plain:
            return painting
        afterwards = _towards(photo, painting, self.keep) if self.by == "after" else None
        chroma = self.keep if self.by == "luminance" else 0.0
        rows = max(1, STRIP_PIXELS // painting.shape[3])
        for strip, original in zip(
            *(torch.split(one, rows, dim=2) for one in (painting, photo)), strict=True
        ):
            found = strip.float() if afterwards is None else recolor(strip, afterwards)
            if chroma > 0 or self.saturation != 1:
                lab = to_oklab(found)
                lab[:, 1:] = self.saturation * torch.lerp(lab[:, 1:], to_oklab(original)[:, 1:], chroma)
                found = in_gamut(lab)
            strip.copy_(found)
        return painting


def recolored_before(painting: Tensor, photo: Tensor, keep: float) -> Tensor:
    """The style picture (1, 3, h, w) in the photo's colours, as far as they are kept, in [0, 1].

    Gatys et al. 2017, "Controlling perceptual factors in neural style transfer", sec. 5.2.
    """
    return recolor(painting, _towards(photo, painting, keep))


def _towards(photo: Tensor, painting: Tensor, share: float) -> ColorMap:
    """A share of the way from the painting's colours to the photo's."""
    wanted = color_map(statistics(painting.float()), statistics(photo.float()))
    identity = torch.eye(3, device=painting.device)
    return ColorMap(torch.lerp(identity, wanted.matrix, share), share * wanted.offset)
