"""Animated WebP, a frame at a time (RFC 9649, 2.7)."""

import struct
from fractions import Fraction
from io import BytesIO
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from impasto.media.encoders import Labels
from impasto.media.moving import Box, Clock, changed_box

_ICC, _ALPHA, _EXIF, _XMP, _ANIMATION = 0x20, 0x10, 0x08, 0x04, 0x02
_LAY_OVER, _REPLACE = b"\0", b"\2"  # what a frame's transparent pixels do to what is below them


class WebpWriter:
    """Frames of one size -> a WebP; each frame but the first holds only the part that has changed."""

    def __init__(
        self, file: BinaryIO, size_px: tuple[int, int], plays: int, labels: Labels, quality: int
    ) -> None:
        self._file = file
        self._clock = Clock(1000, 0xFFFFFF)
        self._labels = labels
        self._size_px = size_px
        self._quality = quality
        self._shown: NDArray[np.uint8] | None = None
        self._features = _ANIMATION
        file.write(b"RIFF\0\0\0\0WEBP")
        self._extent_at = file.tell()
        self._put_extent()
        if labels.profile:
            self._features |= _ICC
            self._put(b"ICCP", labels.profile)
        self._put(b"ANIM", struct.pack("<IH", 0, min(plays, 0xFFFF)))

    def add(self, pixels: NDArray[np.uint8], delay_s: Fraction) -> None:
        """(h, w, 4), shown for so long; thousandths of a second are exact."""
        box = changed_box(self._shown, pixels)
        if self._shown is not None and (box is None or _are_opaque(box.of(self._shown), box.of(pixels))):
            # What stays is left out: encoded once more, it would look a little different.
            changes = (self._shown != pixels).any(2, keepdims=True) * np.uint8(255)
            self._put_frame(np.dstack([pixels[..., :3], changes]), box or Box(0, 0, 1, 1), delay_s, _LAY_OVER)
        else:
            self._put_frame(pixels, box or Box(0, 0, *self._size_px), delay_s, _REPLACE)
        self._shown = pixels

    def finish(self) -> None:
        """After the last frame."""
        labels = self._labels
        for kind, feature, block in ((b"EXIF", _EXIF, labels.exif), (b"XMP ", _XMP, labels.xmp_with_recipe)):
            if block:
                self._features |= feature
                self._put(kind, block)
        length = self._file.tell()
        self._file.seek(4)
        self._file.write((length - 8).to_bytes(4, "little"))
        self._file.seek(self._extent_at)
        self._put_extent()

    def _put_frame(self, pixels: NDArray[np.uint8], box: Box, delay_s: Fraction, manner: bytes) -> None:
        box = box._replace(left=box.left & ~1, top=box.top & ~1)  # places are even
        part = box.of(pixels)
        if part[..., 3].min() < 255:
            self._features |= _ALPHA
        else:
            part = part[..., :3]
        height, width = part.shape[:2]
        numbers = (box.left // 2, box.top // 2, width - 1, height - 1, self._clock.ticks(delay_s))
        head = b"".join(number.to_bytes(3, "little") for number in numbers) + manner
        self._put(b"ANMF", head + self._encoded(part, exact=manner == _REPLACE))

    def _put_extent(self) -> None:
        width, height = self._size_px
        sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        self._put(b"VP8X", bytes((self._features, 0, 0, 0)) + sides)

    def _encoded(self, part: NDArray[np.uint8], *, exact: bool) -> bytes:
        """The chunks of a picture, without the header that only a file needs."""
        still = BytesIO()
        Image.fromarray(part).save(still, "WEBP", quality=self._quality, exact=exact)
        chunks = still.getvalue()[12:]
        return chunks[18:] if chunks.startswith(b"VP8X") else chunks

    def _put(self, kind: bytes, data: bytes) -> None:
        self._file.write(kind + len(data).to_bytes(4, "little") + data + b"\0" * (len(data) % 2))


def _are_opaque(*parts: NDArray[np.uint8]) -> bool:
    return all(bool(part[..., 3].min() == 255) for part in parts)
