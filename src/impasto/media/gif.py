"""Animated GIF, a frame at a time: each has a palette of its own and holds only what has changed.

Pillow compresses the indices; what surrounds them is written here (GIF89a specification, 1990).
"""

from fractions import Fraction
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.GifImagePlugin import getdata

from impasto.media.encoders import Labels, Pixels
from impasto.media.moving import Box, Clock, changed_box, is_visible
from impasto.media.opening import peek

MOST_COLORS: Final = 255
"""The last of the 256 entries is for what is transparent or stays."""

_LOOPS: Final = b"!\xff\x0bNETSCAPE2.0\x03\x01"
_XMP: Final = b"!\xff\x0bXMP DataXMP"
_XMP_TRAILER: Final = bytes((1, *range(255, -1, -1), 0))
"""Leads a reader of sub-blocks out of the packet, from wherever it is (XMP specification part 3, 1.1.2)."""

_KEEP, _CLEAR = 1, 2  # what becomes of a frame when the next one is due


class GifWriter:
    """Frames of one size -> a GIF; transparency is all or nothing at each pixel."""

    def __init__(self, file: BinaryIO, size_px: tuple[int, int], plays: int, labels: Labels, _q: int) -> None:
        self._file = file
        self._clock = Clock(100, 0xFFFF)
        self._shown: NDArray[np.uint8] | None = None
        self._waiting: tuple[NDArray[np.uint8], int] | None = None
        width, height = size_px
        file.write(b"GIF89a" + width.to_bytes(2, "little") + height.to_bytes(2, "little") + b"\x70\0\0")
        if plays != 1:
            # The loops of this extension are those after the first showing; 0 is without end.
            file.write(_LOOPS + min(max(plays - 1, 0), 0xFFFF).to_bytes(2, "little") + b"\0")
        if labels.xmp_with_recipe:
            file.write(_XMP + labels.xmp_with_recipe + _XMP_TRAILER)

    def add(self, pixels: NDArray[np.uint8], delay_s: Fraction) -> None:
        """(h, w, 4), shown for so long; hundredths of a second are exact."""
        self._write_waiting(is_visible(pixels))
        self._waiting = pixels, self._clock.ticks(delay_s)

    def finish(self) -> None:
        """After the last frame."""
        self._write_waiting(None)
        self._file.write(b";")

    def _write_waiting(self, next_visible: NDArray[np.bool_] | None) -> None:
        """A frame can be written once it is known whether the next one needs any of it cleared."""
        if self._waiting is None:
            return
        pixels, ticks = self._waiting
        visible = is_visible(pixels)
        clears = next_visible is not None and bool((visible & ~next_visible).any())
        box = changed_box(self._shown, pixels)
        if clears or box is None:
            box = Box(0, 0, *pixels.shape[1::-1]) if clears else Box(0, 0, 1, 1)
        drawn = visible
        if self._shown is not None:
            stays = is_visible(self._shown) & (self._shown[..., :3] == pixels[..., :3]).all(2)
            drawn = visible & ~stays
        indices, palette = indexed(box.of(pixels)[..., :3], box.of(drawn))
        image = Image.fromarray(indices)
        image.putpalette(palette.tobytes() + bytes(3))
        how: dict[str, Any] = {
            "disposal": _CLEAR if clears else _KEEP,
            "include_color_table": True,
            # In every frame: Pillow takes an animation whose first frame has none for opaque.
            "transparency": len(palette),
        }
        self._file.writelines(getdata(image, (box.left, box.top), duration=10 * ticks, **how))
        self._shown = None if clears else pixels


def indexed(rgb: NDArray[np.uint8], drawn: NDArray[np.bool_]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """(h, w, 3) and (h, w) -> (h, w) indices and their (n, 3) palette; what is not drawn gets the index n.

    At most 255 colours are kept exactly; more are reduced by an octree and dithered.
    """
    colours = rgb[drawn]
    packed = colours.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    distinct, places = np.unique(packed, return_inverse=True)
    if len(distinct) <= MOST_COLORS:
        palette = np.stack([distinct >> 16, distinct >> 8 & 255, distinct & 255], 1).astype(np.uint8)
        indices = np.full(drawn.shape, len(palette), np.uint8)
        indices[drawn] = places
    else:
        # As near as median cut and k-means once dithered, nearer in flat parts, and a hundred times as fast.
        reduced = Image.fromarray(colours[:, None]).quantize(MOST_COLORS, Image.Quantize.FASTOCTREE)
        palette = np.array(reduced.getpalette(), np.uint8).reshape(-1, 3)[:MOST_COLORS]
        # Of what is not drawn no rounding error should be handed on to its neighbours.
        ground = np.where(drawn[..., None], rgb, palette[0])
        dithered = Image.fromarray(ground).quantize(palette=reduced, dither=Image.Dither.FLOYDSTEINBERG)
        indices = np.where(drawn, np.asarray(dithered), len(palette)).astype(np.uint8)
    return indices, palette


def encode_gif(file: BinaryIO, pixels: Pixels, labels: Labels, quality: int) -> None:
    """RGB or RGBA uint8, as one frame."""
    height, width, channels = pixels.shape
    rgba = np.full((height, width, 4), 255, np.uint8)
    rgba[..., :channels] = pixels.rows(slice(0, height))
    writer = GifWriter(file, (width, height), 1, labels, quality)
    writer.add(rgba, Fraction(0))
    writer.finish()


def is_gif(file: BinaryIO) -> bool:
    """Whether the file is a GIF."""
    return peek(file, 6) in (b"GIF87a", b"GIF89a")


def xmp_in(file: BinaryIO) -> bytes | None:
    """The XMP packet of a GIF, which Pillow does not look for."""
    data = peek(file)
    start = data.rfind(_XMP) + len(_XMP)
    end = data.find(_XMP_TRAILER, start)
    return data[start:end] if start >= len(_XMP) and end >= 0 else None
