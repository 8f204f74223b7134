"""Animated PNG, a frame at a time (PNG specification, third edition, 11.3.6)."""

import struct
import zlib
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from impasto.media.encoders import Labels, png_labels
from impasto.media.moving import Box, changed_box

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"


class ApngWriter:
    """Frames of one size -> a PNG with transparency; each frame but the first holds only what has changed."""

    def __init__(self, file: BinaryIO, size_px: tuple[int, int], plays: int, labels: Labels, _q: int) -> None:
        self._file = file
        self._shown: NDArray[np.uint8] | None = None
        self._plays = plays
        self._frames = 0
        self._in_sequence = 0
        file.write(_SIGNATURE)
        self._put(b"IHDR", struct.pack(">IIBBBBB", *size_px, 8, 6, 0, 0, 0))
        self._counts_at = file.tell()
        self._put(b"acTL", struct.pack(">II", 0, plays))
        for kind, data in png_labels(labels):
            self._put(kind, data)

    def add(self, pixels: NDArray[np.uint8], delay_s: Fraction) -> None:
        """(h, w, 4), shown for so long."""
        from imagecodecs import png_encode

        box = changed_box(self._shown, pixels) or Box(0, 0, 1, 1)
        place = (box.right - box.left, box.bottom - box.top, box.left, box.top)
        self._put_in_sequence(b"fcTL", struct.pack(">IIIIHHBB", *place, *_ratio(delay_s), 0, 0))
        for data in _image_data(png_encode(np.ascontiguousarray(box.of(pixels)))):
            if self._frames:
                self._put_in_sequence(b"fdAT", data)
            else:
                self._put(b"IDAT", data)
        self._frames += 1
        self._shown = pixels

    def finish(self) -> None:
        """After the last frame."""
        self._put(b"IEND", b"")
        self._file.seek(self._counts_at)
        self._put(b"acTL", struct.pack(">II", self._frames, self._plays))

    def _put_in_sequence(self, kind: bytes, data: bytes) -> None:
        self._put(kind, self._in_sequence.to_bytes(4) + data)
        self._in_sequence += 1

    def _put(self, kind: bytes, data: bytes) -> None:
        self._file.write(len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4))


def _ratio(delay_s: Fraction) -> tuple[int, int]:
    """Numerator and denominator in 16 bits each."""
    longest = min(delay_s, Fraction(0xFFFF))
    ratio = longest.limit_denominator(min(0xFFFF, int(0xFFFF / max(longest, Fraction(1)))))
    return ratio.numerator, ratio.denominator


def _image_data(png: Any) -> Iterator[bytes]:
    """The contents of the IDAT chunks of a PNG."""
    at = len(_SIGNATURE)
    while at < len(png):
        end = at + 8 + int.from_bytes(png[at : at + 4])
        if png[at + 4 : at + 8] == b"IDAT":
            yield bytes(png[at + 8 : end])
        at = end + 4
