"""A picture as its file stores it, and the arithmetic from stored numbers to full-range samples."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from impasto.media.profiles import Space, unit
from impasto.media.strips import strips

_CHANNELS: Final[dict[Space, int]] = {"grey": 1, "rgb": 3, "cmyk": 4, "lab": 3}


@dataclass(frozen=True)
class Raster:
    """A picture before its orientation and its colour profile are applied.

    `samples` are (h, w, c) uint8, uint16 or float32: integers of full range, floats in [0, 1], and L*a*b* in
    its own units. `alpha` is (h, w), integers of full range or floats in [0, 1]. Where the samples are a
    reduced copy of the picture, `whole_px` is its (width, height).
    """

    samples: NDArray[Any]
    space: Space
    alpha: NDArray[Any] | None = None
    sixteen_bit: bool = False
    whole_px: tuple[int, int] | None = None
    orientation: int = 1
    profile: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    notes: tuple[str, ...] = ()


def full_range(samples: NDArray[Any], bits: int) -> NDArray[Any]:
    """Unsigned samples of `bits` bits -> uint8 or uint16 that use the whole of it; others -> float32."""
    if samples.dtype.kind != "u":
        return samples.astype(np.float32, copy=False)
    if bits in (8, 16):
        return samples
    if bits > 16:
        return (samples >> (bits - 16)).astype(np.uint16)
    peak = (1 << bits) - 1
    stretched = np.empty(samples.shape, np.uint16)
    for rows in strips(samples.shape):
        stretched[rows] = (samples[rows].astype(np.uint32) * 65535 + peak // 2) // peak
    return stretched


def exposed(values: NDArray[Any]) -> tuple[NDArray[np.float32], str | None]:
    """Numbers of any range -> [0, 1], and a note if that took more than clipping a few of them."""
    values = values.astype(np.float32)  # a copy, which all below may change
    highest = float(values.max(initial=0, where=np.isfinite(values)))
    np.nan_to_num(values, copy=False, nan=0, posinf=max(highest, 1), neginf=0)
    low, high = min(0.0, float(values.min())), float(values.max())
    if high <= low or np.mean((values >= 0) & (values <= 1)) > 0.95:
        return np.clip(values, 0, 1, out=values), None
    note = f"its values, {low:g} to {high:g}, are stretched to black and white"
    values -= low
    values /= high - low
    return values, note


def lab_units(stored: NDArray[Any], *, offset: bool) -> NDArray[np.float32]:
    """(h, w, 3) L*a*b* as a file encodes it -> L in [0, 100], a and b around 0, as float32.

    Integers are as in ICC profiles where a and b have an `offset`, and as in TIFF 6.0 where they are signed.
    """
    if stored.dtype.kind == "f":
        return stored.astype(np.float32)
    per_unit = 1 if stored.dtype == np.uint8 else 256
    white = 255 * per_unit if offset or per_unit == 1 else 65535
    lab = np.empty((*stored.shape[:2], 3), np.float32)
    for rows in strips(stored.shape):
        lightness, chroma = stored[rows, :, :1], stored[rows, :, 1:3]
        if not offset:
            chroma = np.ascontiguousarray(chroma).view(np.int8 if per_unit == 1 else np.int16)
        lab[rows, :, :1] = lightness * (100 / white)
        lab[rows, :, 1:] = chroma / per_unit - 128 * offset
    return lab


def parted(
    stored: NDArray[Any], space: Space, *, has_alpha: bool, premultiplied: bool = False
) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """(h, w) or (h, w, n) -> samples (h, w, c) and alpha (h, w) or None; further channels are left out."""
    planes = stored.reshape(*stored.shape[:2], -1)
    channels = _CHANNELS[space]
    if planes.shape[2] < channels + has_alpha:
        raise ValueError(f"{planes.shape[2]} channels are too few for {space}")
    samples, alpha = planes[..., :channels], planes[..., channels] if has_alpha else None
    if alpha is None or not premultiplied:
        return samples, alpha
    coverage = unit(alpha)[..., None]
    colours = unit(samples)
    colours /= np.where(coverage > 0, coverage, 1)
    return np.clip(colours, 0, 1, out=colours), alpha


def refuse_beyond(max_pixels: int, width: int, height: int) -> None:
    """Pillow's DecompressionBombError for too large a picture, from whatever library its size is known."""
    if width * height > max_pixels:
        raise Image.DecompressionBombError(f"{width} x {height} pixels")
