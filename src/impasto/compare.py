"""impasto compare: style and content distance of finished paintings, on networks that judge."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from impasto.crossing import over_white
from impasto.media.picture import read_picture, resize_picture
from impasto.methods.distances import Distances, color_distance, distances
from impasto.methods.styles import resize_to
from impasto.studio import Studio


class Comparison(NamedTuple):
    """One painting: its distances on SqueezeNet, which is never optimised, and on VGG-16, which is.

    color: how far its colours are from the photo's.
    """

    painting: Path
    squeezenet: Distances
    vgg16: Distances
    color: float


def compare(
    photo: Path, style: Path, paintings: Sequence[Path], max_pixels: int, studio: Studio | None = None
) -> list[Comparison]:
    """Each painting at its own size, the photo brought to it, the style to its longest side.

    PictureError for a file that cannot be read.
    """
    photo_picture, style_picture = (read_picture(path, max_pixels=max_pixels) for path in (photo, style))
    squeezenet, vgg16 = (studio or Studio()).judges
    results = []
    for path in paintings:
        painting = read_picture(path, max_pixels=max_pixels)
        width, height = painting.size_px
        plain = resize_to(over_white(photo_picture), (height, width)).clamp(0, 1)
        styled = over_white(
            resize_picture(style_picture, min(max(style_picture.size_px), max(painting.size_px)))
        )
        painted = over_white(painting)
        results.append(
            Comparison(
                path,
                distances(squeezenet, painted, plain, styled),
                distances(vgg16, painted, plain, styled),
                color_distance(painted, plain),
            )
        )
    return results
