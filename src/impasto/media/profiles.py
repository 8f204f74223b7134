"""Colours of every kind -> sRGB, through ICC profiles where a picture has one.

The transforms are Little CMS's, reached through imagecodecs rather than PIL.ImageCms: that one only takes
8 bits a channel. Colorimetric intent with black point compensation, as photo editors do it.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from impasto.media.strips import strips

Space = Literal["grey", "rgb", "cmyk", "lab"]
"""What the channels of a picture mean; Lab is CIE L*a*b* under D50, L in [0, 100]."""

_SIGNATURES: Final[dict[bytes, Space]] = {b"GRAY": "grey", b"RGB ": "rgb", b"CMYK": "cmyk"}
_LCMS_NAMES: Final[dict[Space, str]] = {"grey": "gray", "rgb": "rgb", "cmyk": "cmyk", "lab": "lab"}
_CREATION_DATE: Final = bytes((7, 234, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0))


@cache
def srgb_profile() -> bytes:
    """The ICC profile of sRGB, the same bytes every day (its creation date is fixed)."""
    from imagecodecs import cms_profile

    profile = cms_profile("srgb")
    return profile[:24] + _CREATION_DATE + profile[36:]


@cache
def _lab_profile() -> bytes:
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


def gamma_profile(gamma: float, chromaticity: tuple[float, ...]) -> bytes | None:
    """An RGB profile from a PNG's gAMA (the encoding exponent) and cHRM (white, red, green, blue as x, y).

    None for chromaticities that no colours have, such as zeros.
    """
    from imagecodecs import CmsError, cms_profile

    try:
        return cms_profile("rgb", whitepoint=chromaticity[:2], primaries=chromaticity[2:], gamma=1 / gamma)
    except CmsError:
        return None


def unit(samples: NDArray[Any]) -> NDArray[np.float32]:
    """Unsigned integers of full range, or floats -> contiguous float32 in [0, 1]; the shape stays."""
    if samples.dtype.kind == "f":
        values: NDArray[np.float32] = np.clip(samples, 0, 1, dtype=np.float32, order="C")
    else:
        values = np.divide(samples, np.iinfo(samples.dtype).max, dtype=np.float32, order="C")
    return values


def to_srgb(
    samples: NDArray[Any], space: Space, profile: bytes | None
) -> tuple[NDArray[np.float32], bytes | None, str | None]:
    """(h, w, c) -> (h, w, 3) sRGB-encoded in [0, 1], the profile that was used, and a note if one was not.

    `samples` are uint8, uint16 or float32; c is 1 for grey, 4 for CMYK (0 is no ink) and 3 otherwise.
    A profile that is broken or of another space is ignored, which the note says. A grey picture with an
    RGB profile is taken as equal amounts of red, green and blue.
    """
    if space == "lab":
        return _transform(samples, space, _lab_profile()), None, None
    if not profile:
        return _assumed_srgb(samples, space), None, None
    profile_space = _SIGNATURES.get(profile[16:20])
    if profile_space == "rgb" and space == "grey":
        samples, space = np.broadcast_to(samples, (*samples.shape[:2], 3)), "rgb"
    if profile_space != space:
        note = f"its colour profile does not fit a {space} picture and was ignored"
        return _assumed_srgb(samples, space), None, note
    if profile == srgb_profile():
        return _assumed_srgb(samples, space), profile, None
    from imagecodecs import CmsError

    try:
        return _transform(samples, space, profile), profile, None
    except (CmsError, ValueError):
        return _assumed_srgb(samples, space), None, "its colour profile is broken and was ignored"


def _transform(samples: NDArray[Any], space: Space, profile: bytes) -> NDArray[np.float32]:
    """(h, w, c) -> (h, w, 3) in [0, 1]."""
    from imagecodecs import CMS, cms_transform

    # For more than 8 bits Little CMS would approximate the profile by a table that is off by up to 10/255.
    flags = CMS.FLAGS.BLACKPOINTCOMPENSATION | (0 if samples.dtype == np.uint8 else CMS.FLAGS.NOOPTIMIZE)

    def convert(strip: NDArray[Any]) -> NDArray[np.float32]:
        converted = cms_transform(
            np.ascontiguousarray(strip),
            profile,
            srgb_profile(),
            colorspace=_LCMS_NAMES[space],
            outcolorspace="rgb",
            outdtype=np.float32 if samples.dtype.kind == "f" else np.uint16,
            intent=CMS.INTENT.RELATIVE_COLORIMETRIC,
            flags=flags,
        )
        return unit(converted).reshape(*strip.shape[:2], 3)

    return _by_strips(samples, convert)


def _assumed_srgb(samples: NDArray[Any], space: Space) -> NDArray[np.float32]:
    """(h, w, c) -> (h, w, 3): RGB and grey as they are, CMYK as ideal inks."""

    def convert(strip: NDArray[Any]) -> NDArray[np.float32]:
        values = unit(strip)
        return (1 - values[..., :3]) * (1 - values[..., 3:]) if space == "cmyk" else values

    return _by_strips(samples, convert)


def _by_strips(
    samples: NDArray[Any], convert: Callable[[NDArray[Any]], NDArray[np.float32]]
) -> NDArray[np.float32]:
    """(h, w, c) -> (h, w, 3), where `convert` makes (n, w, 3) of any n rows, or (n, w, 1) for grey."""
    rgb = np.empty((*samples.shape[:2], 3), np.float32)
    for rows in strips(samples.shape):
        rgb[rows] = convert(samples[rows])
    return rgb
