"""Pictures: files <-> arrays that are upright, float32 and sRGB-encoded in [0, 1], with alpha apart.

Reading applies the EXIF orientation and the ICC profile. Writing lets the suffix choose the format and
keeps what the format can hold:

    suffix            bits     alpha        profile, EXIF, XMP    recipe
    .png .apng        8, 16    yes          yes                   text chunk "impasto"
    .tif .tiff        8, 16    yes          yes                   XMP
    .webp             8        yes          yes                   XMP
    .avif             8        yes          yes                   XMP
    .heic .heif       8        yes          yes                   XMP
    .jpg .jpeg        8        over white   yes, 64 KB each       XMP
    .gif              8        0 or 1       XMP                   XMP
    .bmp              8        over white   no                    no

What is written is always sRGB. The profile of sRGB is embedded if the picture came with a profile;
a picture without one stays without, which means sRGB everywhere.
"""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import features

from impasto.errors import OutputError
from impasto.media import encoders
from impasto.media.decoders import decode, read_labels
from impasto.media.encoders import Encoder, Labels, Pixels, levels
from impasto.media.files import STANDARD, place_of, write_whole
from impasto.media.gif import encode_gif
from impasto.media.metadata import exif_of_size, exif_without_gps, recipe_of, xmp_without_gps
from impasto.media.opening import opened
from impasto.media.profiles import srgb_profile, to_srgb, unit
from impasto.media.raster import Raster
from impasto.media.scaling import fit_within, resize, resize_with_alpha
from impasto.options import MAX_PIXELS, Format

__all__ = [
    "SUFFIXES",
    "WRITABLE_SUFFIXES",
    "Picture",
    "check_writable",
    "read_picture",
    "read_recipe",
    "resize",
    "resize_picture",
    "without_gps",
    "write_picture",
]


class _Format(NamedTuple):
    encode: Encoder
    alpha: bool = True
    sixteen_bit: bool = False
    longest_px: int = 65_500


_JPEG: Final = _Format(encoders.encode_jpeg, alpha=False)
_TIFF: Final = _Format(encoders.encode_tiff, sixteen_bit=True, longest_px=1 << 31)
_HEIF: Final = _Format(encoders.encode_heif)
_PNG: Final = _Format(encoders.encode_png, sixteen_bit=True, longest_px=1 << 31)
_WRITABLE: Final = {
    ".png": _PNG,
    ".apng": _PNG,
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".webp": _Format(encoders.encode_webp, longest_px=16_383),
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".bmp": _Format(encoders.encode_bmp, alpha=False),
    ".gif": _Format(encode_gif, longest_px=65_535),
    ".avif": _Format(encoders.encode_avif),
    ".heic": _HEIF,
    ".heif": _HEIF,
}

SUFFIXES: Final[dict[Format, str]] = {
    "png": ".png",
    "jpeg": ".jpg",
    "webp": ".webp",
    "gif": ".gif",
    "tiff": ".tif",
    "bmp": ".bmp",
    "avif": ".avif",
    "heic": ".heic",
}
"""What the name of a result in each format ends in."""

WRITABLE_SUFFIXES: Final = tuple(_WRITABLE)
"""What `write_picture` accepts, in lower case; it does not mind capitals."""


_MARGIN: Final = 2
"""A JPEG is reduced in gamma-encoded light; the rest of the way, in linear light, is at least by so much."""


@dataclass(frozen=True)
class Picture:
    """A picture, upright and in sRGB.

    `rgb` is (h, w, 3) float32, sRGB-encoded in [0, 1]; `alpha` is (h, w) float32 in [0, 1], None for opaque.
    Colours below transparent pixels are those of the file. `profile` is the ICC profile that the file came
    with and that `rgb` was converted from, None for sRGB. `exif` and `xmp` say that the picture is upright.
    `sixteen_bit` is True for a file of more than 8 bits a channel. `notes` are remarks for the user.
    """

    rgb: NDArray[np.float32]
    alpha: NDArray[np.float32] | None = None
    profile: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    sixteen_bit: bool = False
    notes: tuple[str, ...] = ()

    @property
    def size_px(self) -> tuple[int, int]:
        """(width, height)."""
        height, width = self.rgb.shape[:2]
        return width, height


def read_picture(path: Path, *, max_pixels: int = MAX_PIXELS, longest_px: int | None = None) -> Picture:
    """The picture in a file: the first one if there are many, which `notes` then says.

    PictureError, one sentence with a remedy, for a file that is missing, empty, unreadable, no picture,
    cut off or damaged, or that has more than `max_pixels` pixels, which is checked before decoding.
    Floats and 32-bit integers that do not lie in [0, 1] are stretched to it, with a note.
    If its longer side is above `longest_px` it is resized to that. A JPEG more than four times as large is
    then decoded at a fraction of its size, which takes a quarter of the memory, or less.
    """
    with opened(path, max_pixels) as file:
        raster = decode(file, max_pixels, longest_px and _MARGIN * longest_px)
        picture = picture_of(raster)
    width, height = raster.whole_px or raster.samples.shape[1::-1]
    whole_px = (height, width) if raster.orientation > 4 else (width, height)
    return _resized(picture, fit_within(whole_px, min(longest_px or max(whole_px), max(whole_px))))


def picture_of(raster: Raster) -> Picture:
    """The raster upright and in sRGB."""
    samples = _upright(raster.samples, raster.orientation)
    rgb, profile, note = to_srgb(samples, raster.space, raster.profile)
    alpha = None if raster.alpha is None else unit(_upright(raster.alpha, raster.orientation))
    return Picture(
        rgb=rgb,
        alpha=None if alpha is None or alpha.min() == 1 else alpha,
        profile=profile,
        exif=raster.exif,
        xmp=raster.xmp,
        sixteen_bit=raster.sixteen_bit,
        notes=(*raster.notes, note) if note else raster.notes,
    )


def write_picture(
    path: Path,
    picture: Picture,
    *,
    recipe: str | None = None,
    quality: int = 95,
    piped: Format = "png",
) -> None:
    """Write `path` whole or not at all, in the format of its suffix (see the table at the top).

    `recipe` is a text that `read_recipe` will give back. `quality`, 1 to 100, is for the lossy formats.
    `piped` is the format on standard output.
    OutputError for an unknown suffix, a picture too large for the format, or a place that cannot be written.
    """
    name = Path(f"standard-output{SUFFIXES[piped]}") if path == STANDARD else path
    check_size(name, picture)
    writable = _format_of(name)
    labels, pixels = labels_of(picture, recipe), _pixels(picture, writable)
    write_whole(path, lambda file: writable.encode(file, pixels, labels, quality))


def check_size(path: Path, picture: Picture) -> None:
    """OutputError if the picture is too large for the format of the suffix."""
    longest_px = _format_of(path).longest_px
    if max(picture.size_px) > longest_px:
        limit = f"{path.suffix} holds at most {longest_px} pixels a side"
        raise OutputError(f"{limit}, too few for {path}; write .png or .tif.")


def labels_of(picture: Picture, recipe: str | None) -> Labels:
    """What rides beside the pixels of a picture in its file."""
    return Labels(
        profile=srgb_profile() if picture.profile else None,
        exif=exif_of_size(picture.exif, picture.size_px) if picture.exif else None,
        xmp=picture.xmp,
        recipe=recipe,
    )


def read_recipe(path: Path) -> str | None:
    """The recipe that `write_picture` put into a file, or None; PictureError as for `read_picture`."""
    with opened(path, max_pixels=1 << 62) as file:
        xmp, text = read_labels(file)
    return text or (recipe_of(xmp) if xmp else None)


def without_gps(picture: Picture) -> Picture:
    """The picture without what its EXIF and XMP say of where it was taken; the rest of them stays."""
    return replace(
        picture,
        exif=exif_without_gps(picture.exif) if picture.exif else None,
        xmp=xmp_without_gps(picture.xmp) if picture.xmp else None,
    )


def check_writable(path: Path) -> None:
    """OutputError if `write_picture` could not write `path`: ask before minutes of work."""
    if path == STANDARD:
        return
    _format_of(path)
    place = place_of(path)
    if not place.parent.is_dir():
        raise OutputError(f"The folder {place.parent} does not exist; make it or choose another.")
    if not os.access(place.parent, os.W_OK | os.X_OK) or (place.exists() and not os.access(place, os.W_OK)):
        raise OutputError(f"{path} may not be written by this user; choose another place.")


def resize_picture(picture: Picture, longest_px: int) -> Picture:
    """The picture with its longer side at `longest_px`, alpha included, averaged in linear light."""
    return _resized(picture, fit_within(picture.size_px, longest_px))


def _resized(picture: Picture, size_px: tuple[int, int]) -> Picture:
    if size_px == picture.size_px:
        return picture
    if picture.alpha is None:
        return replace(picture, rgb=resize(picture.rgb, size_px))
    rgb, alpha = resize_with_alpha(picture.rgb, picture.alpha, size_px)
    return replace(picture, rgb=rgb, alpha=alpha)


def _upright(plane: NDArray[Any], orientation: int) -> NDArray[Any]:
    """(h, w, ...) as stored -> the same memory as seen, for an EXIF orientation of 1 to 8."""
    if orientation > 4:
        plane = plane.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        plane = plane[::-1]
    if orientation in (2, 3, 6, 7):
        plane = plane[:, ::-1]
    return plane


def _format_of(path: Path) -> _Format:
    suffix = path.suffix.lower()
    if suffix not in _WRITABLE:
        raise OutputError(f"{path} has no known suffix; end it in one of {' '.join(WRITABLE_SUFFIXES)}.")
    if suffix == ".avif" and not features.check("avif"):
        raise OutputError(f"This Pillow cannot write {path}; pip install -U pillow, or write .webp.")
    return _WRITABLE[suffix]


def _pixels(picture: Picture, writable: _Format) -> Pixels:
    """(h, w, 3 or 4) integers, over white where the format has no alpha."""
    kind = np.uint16 if picture.sixteen_bit and writable.sixteen_bit else np.uint8

    def rounded(rows: slice) -> NDArray[Any]:
        rgb = picture.rgb[rows]
        if picture.alpha is None:
            return levels(rgb, kind)
        alpha = picture.alpha[rows, :, None]
        if not writable.alpha:
            return levels(rgb * alpha + (1 - alpha), kind)
        return levels(np.dstack([rgb, alpha]), kind)

    channels = 4 if picture.alpha is not None and writable.alpha else 3
    return Pixels((*picture.rgb.shape[:2], channels), np.dtype(kind), rounded)
