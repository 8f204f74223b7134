"""Files of any format -> samples as they are stored. The content decides, never the name of the file."""

from dataclasses import replace
from typing import Any, BinaryIO, Final

import numpy as np
from PIL import Image

from impasto.media import deep, gif
from impasto.media.metadata import read_exif, upright_xmp
from impasto.media.profiles import Space, gamma_profile
from impasto.media.raster import Raster, exposed, lab_units, parted
from impasto.media.scaling import fit_within

# Pillow knows more formats, but some run other programs (EPS) and others are no pictures.
_FORMATS: Final = (
    *("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "ICO", "AVIF"),
    *("JPEG2000", "PPM", "TGA", "PSD", "QOI", "PCX", "SGI"),
)
_HEIF_SUFFIXES: Final = frozenset((".heic", ".heics", ".heif", ".heifs", ".hif"))
_PARTS: Final = {
    **dict.fromkeys(("GIF", "WEBP", "PNG", "AVIF"), "frames"),
    "TIFF": "pages",
    "MPO": "pictures",
}
_SRGB_CHROMATICITY: Final = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)


def readable_suffixes() -> frozenset[str]:
    """How names of pictures usually end, in lower case: for picking them out of a folder."""
    formats = {*_FORMATS, "MPO"}
    known = Image.registered_extensions()
    return _HEIF_SUFFIXES | {suffix for suffix, kind in known.items() if kind in formats}


def decode(file: BinaryIO, max_pixels: int, enough_px: int | None = None) -> Raster:
    """The first picture in a file, all of it; any exception for a file that is damaged or no picture.

    A JPEG comes at a half, a quarter or an eighth of its size where its longer side is `enough_px` even so.
    More than `max_pixels` pixels are refused before decoding, with Pillow's DecompressionBombError.
    """
    if deep.is_heif(file):
        return deep.decode_heif(file, max_pixels)
    tiff = deep.decode_tiff(file, max_pixels)
    if tiff is not None:
        return tiff
    with open_image(file) as image:
        many = _many(image)
        raster = (
            deep.decode_png(image, file)
            or deep.decode_jpeg2000(image, file)
            or _decode_reduced(image, enough_px)
            or decode_shallow(image)
        )
        labelled = with_labels(raster, image)
        return replace(labelled, notes=(many, *labelled.notes)) if many else labelled


def read_labels(file: BinaryIO) -> tuple[bytes | None, str | None]:
    """A file's XMP packet and its PNG text named `impasto`, without its pixels; raises as `decode` does."""
    if deep.is_heif(file):
        from pillow_heif import open_heif

        return open_heif(file).info.get("xmp"), None
    if deep.is_tiff(file):
        return deep.tiff_xmp(file), None
    if gif.is_gif(file):
        return gif.xmp_in(file), None
    with open_image(file) as image:
        text = image.info.get("impasto")
        return image.info.get("xmp"), str(text) if text else None


def _decode_reduced(image: Image.Image, enough_px: int | None) -> Raster | None:
    """A JPEG at a half, a quarter or an eighth of its size, if a longer side of `enough_px` will do."""
    if enough_px is None or image.format not in ("JPEG", "MPO"):
        return None
    whole_px = image.size
    drafted = image.draft(None, fit_within(whole_px, enough_px))
    if drafted is None:
        return None
    _, (_, _, width, height) = drafted
    raster = decode_shallow(image)
    # A last row or column that covers little of the picture would stretch the rest.
    samples = raster.samples[: max(1, round(height)), : max(1, round(width))]
    return replace(raster, samples=samples, whole_px=whole_px)


def _many(image: Image.Image) -> str | None:
    count = getattr(image, "n_frames", 1)
    part = _PARTS.get(image.format or "")
    return f"only the first of its {count} {part} is used" if part and count > 1 else None


def open_image(file: BinaryIO) -> Image.Image:
    """A file of a format that Pillow decodes well, not yet decoded; raises as `decode` does."""
    return Image.open(file, formats=_FORMATS)


def with_labels(raster: Raster, image: Image.Image) -> Raster:
    """The raster with the orientation, profile, EXIF and XMP that Pillow has found beside it."""
    # Taken out first, for where EXIF has no orientation Pillow looks into XMP. Other programs do not.
    xmp = image.info.pop("xmp", None)
    image.info.pop("XML:com.adobe.xmp", None)
    orientation, exif, damaged = read_exif(image.getexif)
    return replace(
        raster,
        orientation=orientation,
        profile=image.info.get("icc_profile") or _png_profile(image.info),
        exif=exif,
        xmp=upright_xmp(bytes(xmp)) if xmp else None,
        notes=(*raster.notes, damaged) if damaged else raster.notes,
    )


def decode_shallow(image: Image.Image) -> Raster:
    """Whatever Pillow decodes without loss, from bilevel to CMYK, palettes and tRNS included."""
    image.load()
    mode = image.mode
    if mode == "F" or mode.startswith("I"):
        return _decode_numbers(image)
    if mode == "CMYK":
        return Raster(np.asarray(image), "cmyk")
    if mode == "LAB":
        return Raster(lab_units(np.asarray(image), offset=True), "lab")
    space: Space = "grey" if mode in ("1", "L", "LA", "La") else "rgb"
    has_alpha = image.has_transparency_data
    stored = np.asarray(image.convert(("L" if space == "grey" else "RGB") + "A" * has_alpha))
    samples, alpha = parted(stored, space, has_alpha=has_alpha)
    return Raster(samples, space, alpha)


def _decode_numbers(image: Image.Image) -> Raster:
    """One channel of 16 or 32-bit integers or of floats."""
    numbers: Any = np.asarray(image)[..., None]
    if numbers.dtype.kind != "f" and numbers.min() >= 0 and numbers.max() <= 65535:
        return Raster(numbers.astype(np.uint16), "grey", sixteen_bit=True)
    values, note = exposed(numbers)
    return Raster(values, "grey", sixteen_bit=True, notes=(note,) if note else ())


def _png_profile(info: dict[str | tuple[int, int], Any]) -> bytes | None:
    """The profile that a PNG's gAMA and cHRM amount to, where they say something else than sRGB."""
    gamma = info.get("gamma")
    if not gamma or "srgb" in info:
        return None
    chromaticity = info.get("chromaticity", _SRGB_CHROMATICITY)
    if abs(gamma - 1 / 2.2) < 0.01 and np.allclose(chromaticity, _SRGB_CHROMATICITY, atol=0.005):
        return None
    return gamma_profile(gamma, chromaticity)
