"""Pictures at other sizes, averaged in linear light."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def fit_within(size_px: tuple[int, int], longest_px: int) -> tuple[int, int]:
    """(width, height) of the same shape whose longer side is `longest_px`, larger or smaller than before.

    Each side is at least 1.
    """
    scale = longest_px / max(size_px)
    width, height = (max(1, round(side * scale)) for side in size_px)
    return width, height


def decode_srgb(encoded: NDArray[np.float32]) -> NDArray[np.float32]:
    """sRGB-encoded values in [0, 1] -> linear light in [0, 1] (IEC 61966-2-1); the shape stays."""
    encoded = np.asarray(encoded, np.float32)
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def encode_srgb(linear: NDArray[np.float32]) -> NDArray[np.float32]:
    """Linear light, clipped to [0, 1] -> sRGB-encoded values in [0, 1]; the shape stays."""
    linear = np.clip(linear, 0, 1, dtype=np.float32)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def resize(rgb: NDArray[np.float32], size_px: tuple[int, int]) -> NDArray[np.float32]:
    """(h, w, c) sRGB-encoded in [0, 1] -> (height, width, c) likewise; `size_px` is (width, height).

    Averages in linear light: a Hamming window for reducing, which neither aliases nor rings,
    and a cubic for enlarging, whose ringing is clipped.
    """
    if size_px == (rgb.shape[1], rgb.shape[0]):
        return rgb
    channels = [encode_srgb(_resample(decode_srgb(channel), size_px)) for channel in np.moveaxis(rgb, 2, 0)]
    return np.stack(channels, axis=2)


def resize_with_alpha(
    rgb: NDArray[np.float32], alpha: NDArray[np.float32], size_px: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(h, w, c) and (h, w) -> the same at `size_px`: transparent pixels lend no colour to visible ones.

    Where the result is fully transparent, the colours below it are averaged as if they were visible.
    """
    small_alpha = np.clip(_resample(alpha, size_px), 0, 1)
    visible = small_alpha > 1e-4
    divisor = np.where(visible, small_alpha, 1)
    channels = []
    for channel in np.moveaxis(rgb, 2, 0):
        linear = decode_srgb(channel)
        weighted = _resample(linear * alpha, size_px) / divisor
        channels.append(encode_srgb(np.where(visible, weighted, _resample(linear, size_px))))
    return np.stack(channels, axis=2), small_alpha


def _resample(plane: NDArray[np.float32], size_px: tuple[int, int]) -> NDArray[np.float32]:
    """(h, w) -> (height, width), values unclipped."""
    height, width = plane.shape
    enlarges = size_px[0] > width or size_px[1] > height
    kernel = Image.Resampling.BICUBIC if enlarges else Image.Resampling.HAMMING
    image = Image.fromarray(np.ascontiguousarray(plane, np.float32))
    return np.asarray(image.resize(size_px, kernel), np.float32)
