"""Animations: GIF, WebP, PNG and AVIF -> pictures with their time, and back (but for AVIF).

Both ways hold one frame at a time. Frames come composed, each the whole picture as it is seen. Times are
exact in PNG; GIF counts hundredths of a second and WebP thousandths.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from impasto.media.apng import ApngWriter
from impasto.media.decoders import decode_shallow, open_image, with_labels
from impasto.media.deep import is_heif, is_tiff
from impasto.media.encoders import Labels, levels
from impasto.media.files import appearing, writing
from impasto.media.gif import GifWriter
from impasto.media.opening import decoding, opened, regular_file
from impasto.media.picture import Picture, check_size, labels_of, picture_of
from impasto.media.webp import WebpWriter
from impasto.options import MAX_PIXELS

_MOVING: Final = ("GIF", "WEBP", "PNG", "AVIF")


class _Writer(Protocol):
    def __init__(
        self, file: BinaryIO, size_px: tuple[int, int], plays: int, labels: Labels, quality: int, /
    ) -> None: ...

    def add(self, pixels: NDArray[np.uint8], delay_s: Fraction, /) -> None: ...

    def finish(self) -> None: ...


_WRITERS: Final[dict[str, type[_Writer]]] = {
    ".gif": GifWriter,
    ".webp": WebpWriter,
    ".png": ApngWriter,
    ".apng": ApngWriter,
}

ANIMATED_SUFFIXES: Final = tuple(_WRITERS)
"""What `writing_animation` accepts, in lower case."""


@dataclass(frozen=True)
class Animation:
    """How many frames there are, and how often they are shown in all; 0 plays are without end."""

    frames: int
    plays: int


@dataclass(frozen=True)
class Frame:
    """The whole picture as it is seen for `delay_s` seconds."""

    picture: Picture
    delay_s: Fraction


def animation_in(path: Path, *, max_pixels: int = MAX_PIXELS) -> Animation | None:
    """What moves in a file, or None for a still picture; PictureError as `read_picture` has it."""
    with opened(path, max_pixels) as file:
        if is_heif(file) or is_tiff(file):
            return None
        with open_image(file) as image:
            frames = _frames_of(image)
            return Animation(len(frames), _plays(image)) if len(frames) > 1 else None


def read_frames(path: Path, *, max_pixels: int = MAX_PIXELS) -> Iterator[Frame]:
    """The frames of an animation, all of the first one's size and with its labels.

    PictureError as `read_picture` has it, when the damaged frame's turn has come.
    """
    with regular_file(path) as file:
        with decoding(path, max_pixels):
            image = open_image(file)
            indices = _frames_of(image)
            image.seek(indices[0])
            first = with_labels(decode_shallow(image), image)
            height, width = first.samples.shape[:2]
        for index in indices:
            with decoding(path, max_pixels):
                image.seek(index)
                image.load()  # some formats tell the time only then
                delay_s = _delay_s(image)
                # Frames of a GIF may reach out of the picture, which then grows.
                seen = decode_shallow(image.crop((0, 0, width, height)))
                raster = replace(first, samples=seen.samples, alpha=seen.alpha, space=seen.space)
                picture = picture_of(raster)
            yield Frame(picture, delay_s)


@contextmanager
def writing_animation(
    path: Path, like: Picture, plays: int, *, recipe: str | None = None, quality: int = 95
) -> Iterator[Callable[[Frame], None]]:
    """A function that adds a frame to the file, which appears whole when the block ends.

    An exception in the block undoes it. `like` is a picture of the frames' size with the labels that the
    animation is to have. OutputError for a picture too large for the format, or an unwritable place.
    """
    check_size(path, like)
    with appearing(path) as file:
        with writing(path):
            labels = labels_of(like, recipe)
            writer = _WRITERS[path.suffix.lower()](file, like.size_px, plays, labels, quality)

        def add(frame: Frame) -> None:
            with writing(path):
                writer.add(_rgba(frame.picture), frame.delay_s)

        yield add
        with writing(path):
            writer.finish()


def _frames_of(image: Image.Image) -> range:
    """The indices that Pillow gives to the frames of an animation; one of them for a still picture."""
    if image.format not in _MOVING:
        return range(1)
    # A PNG may show another picture where animations are not understood.
    return range(int(image.info.get("default_image", False)), getattr(image, "n_frames", 1))


def _plays(image: Image.Image) -> int:
    """0 for without end. GIF counts the loops after the first showing, the others all of them."""
    loops = image.info.get("loop")
    if image.format == "GIF":
        return 1 if loops is None else loops and int(loops) + 1
    return int(loops or 0)


def _delay_s(image: Image.Image) -> Fraction:
    milliseconds: Any = image.info.get("duration", 0)
    return Fraction(milliseconds / 1000).limit_denominator(0xFFFF)  # of PNG, a ratio of 16-bit numbers


def _rgba(picture: Picture) -> NDArray[np.uint8]:
    """(h, w, 4) levels."""
    height, width = picture.rgb.shape[:2]
    pixels = np.full((height, width, 4), 255, np.uint8)
    pixels[..., :3] = levels(picture.rgb, np.uint8)
    if picture.alpha is not None:
        pixels[..., 3] = levels(picture.alpha, np.uint8)
    return pixels
