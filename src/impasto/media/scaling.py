"""Pictures at other sizes, averaged in linear light."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from impasto.media.strips import strips


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
    return _encoded(_resampled_light(rgb, size_px))


def resize_with_alpha(
    rgb: NDArray[np.float32], alpha: NDArray[np.float32], size_px: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(h, w, c) and (h, w) -> the same at `size_px`: transparent pixels lend no colour to visible ones.

    Where the result is fully transparent, the colours below it are averaged as if they were visible.
    """
    kernel = _kernel(alpha.shape, size_px)
    small_alpha = np.empty(size_px[::-1], np.float32)
    _resample((alpha[rows] for rows in strips(alpha.shape)), kernel, small_alpha)
    np.clip(small_alpha, 0, 1, out=small_alpha)
    colours = _resampled_light(rgb, size_px)
    weighted = np.empty_like(small_alpha)
    for channel in range(rgb.shape[2]):
        _resample(_light(rgb[..., channel], alpha), kernel, weighted)
        np.divide(weighted, small_alpha, out=colours[..., channel], where=small_alpha > 1e-4)
    return _encoded(colours), small_alpha


def _resampled_light(rgb: NDArray[np.float32], size_px: tuple[int, int]) -> NDArray[np.float32]:
    """(h, w, c) sRGB-encoded -> (height, width, c) in linear light, values unclipped."""
    resampled = np.empty((*size_px[::-1], rgb.shape[2]), np.float32)
    for channel in range(rgb.shape[2]):
        _resample(_light(rgb[..., channel]), _kernel(rgb.shape, size_px), resampled[..., channel])
    return resampled


def _light(
    channel: NDArray[np.float32], weight: NDArray[np.float32] | None = None
) -> Iterator[NDArray[np.float32]]:
    """(h, w) sRGB-encoded -> its strips of rows in linear light, times `weight`."""
    for rows in strips(channel.shape):
        light = decode_srgb(channel[rows])
        yield light if weight is None else light * weight[rows]


def _encoded(linear: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same memory, sRGB-encoded."""
    for rows in strips(linear.shape):
        linear[rows] = encode_srgb(linear[rows])
    return linear


def _kernel(shape: tuple[int, ...], size_px: tuple[int, int]) -> Image.Resampling:
    enlarges = size_px[0] > shape[1] or size_px[1] > shape[0]
    return Image.Resampling.BICUBIC if enlarges else Image.Resampling.HAMMING


def _resample(
    bands: Iterable[NDArray[np.float32]], kernel: Image.Resampling, out: NDArray[np.float32]
) -> None:
    """The strips of rows of an (h, w) plane -> `out`, (height, width), values unclipped.

    First along each row and then along each column, as Pillow itself resizes all but pictures that lose far
    more height than width.
    """
    height, width = out.shape
    narrow = [_pillow_resize(band, (width, len(band)), kernel) for band in bands]
    tall = sum(len(band) for band in narrow)
    for columns in strips((width, tall)):
        block = np.concatenate([band[:, columns] for band in narrow])
        out[:, columns] = _pillow_resize(block, (block.shape[1], height), kernel)


def _pillow_resize(
    plane: NDArray[np.float32], size_px: tuple[int, int], kernel: Image.Resampling
) -> NDArray[np.float32]:
    image = Image.fromarray(np.ascontiguousarray(plane, np.float32))
    return np.asarray(image.resize(size_px, kernel), np.float32)
