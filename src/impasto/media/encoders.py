"""Pixels and what rides with them -> files, one function per format."""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, PngImagePlugin
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from impasto.media.metadata import with_recipe
from impasto.media.strips import strips

_JPEG_SEGMENT: Final = 65_000
_PNG_MARGIN: Final = 4096
_STRIP_BYTES: Final = 1 << 20
_TIFF_HEADER: Final = b"II*\0\x08\0\0\0"


@dataclass(frozen=True)
class Labels:
    """What rides beside the pixels: an ICC profile, EXIF and XMP blocks, the recipe."""

    profile: bytes | None
    exif: bytes | None
    xmp: bytes | None
    recipe: str | None

    @property
    def xmp_with_recipe(self) -> bytes | None:
        """For the formats that have no better place for the recipe than XMP."""
        return with_recipe(self.xmp, self.recipe) if self.recipe else self.xmp


@dataclass(frozen=True)
class Pixels:
    """A picture of `shape` (h, w, 3 or 4) in uint8 or uint16: `rows` rounds some rows of it when asked to.

    So an encoder that goes from top to bottom never holds it whole.
    """

    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    rows: Callable[[slice], NDArray[Any]]


Encoder = Callable[[BinaryIO, Pixels, Labels, int], object]
"""Writes (h, w, 3 or 4) uint8 or uint16 pixels with their labels, at a quality of 1 to 100, into a file."""


def encode_jpeg(file: BinaryIO, pixels: Pixels, labels: Labels, quality: int) -> None:
    """RGB uint8. A segment holds 64 KB: longer EXIF is left out, and of longer XMP only the recipe kept."""
    blocks = {"icc_profile": labels.profile, "exif": labels.exif, "xmp": labels.xmp_with_recipe}
    if labels.recipe and len(labels.xmp_with_recipe or b"") > _JPEG_SEGMENT:
        blocks["xmp"] = with_recipe(None, labels.recipe)
    fitting = {name: block for name, block in blocks.items() if block and len(block) <= _JPEG_SEGMENT}
    subsampling = "4:4:4" if quality >= 90 else "4:2:0"
    _image(pixels).save(file, "JPEG", quality=quality, subsampling=subsampling, **fitting)


def encode_webp(file: BinaryIO, pixels: Pixels, labels: Labels, quality: int) -> None:
    """RGB or RGBA uint8; colours below transparent pixels are kept."""
    _image(pixels).save(file, "WEBP", quality=quality, exact=True, **_blocks(labels))


def encode_avif(file: BinaryIO, pixels: Pixels, labels: Labels, quality: int) -> None:
    """RGB or RGBA uint8."""
    _image(pixels).save(file, "AVIF", quality=quality, subsampling="4:4:4", **_blocks(labels))


def encode_heif(file: BinaryIO, pixels: Pixels, labels: Labels, quality: int) -> None:
    """RGB or RGBA uint8."""
    from pillow_heif import from_pillow

    from_pillow(_image(pixels)).save(file, quality=quality, chroma=444, **_blocks(labels))


def encode_bmp(file: BinaryIO, pixels: Pixels, _labels: Labels, _quality: int) -> None:
    """RGB uint8; the format has no place for labels."""
    _image(pixels).save(file, "BMP")


def encode_png(file: BinaryIO, pixels: Pixels, labels: Labels, _quality: int) -> None:
    """RGB or RGBA, uint8 or uint16 (which Pillow cannot write)."""
    from imagecodecs import png_encode

    stored = np.empty(pixels.shape, pixels.dtype)
    for rows in strips(pixels.shape):
        stored[rows] = pixels.rows(rows)
    # Given room for any result, imagecodecs makes no second copy of it; room left over takes no memory.
    room: Any = np.empty(2 * stored.nbytes + _PNG_MARGIN, np.uint8)
    encoded = png_encode(stored, out=room)
    header = len(b"\x89PNG\r\n\x1a\n") + 25
    file.write(encoded[:header])
    for chunk, data in png_labels(labels):
        PngImagePlugin.putchunk(file, chunk, data)
    file.write(encoded[header:])


def png_labels(labels: Labels) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of a PNG, kind and content, that hold its labels."""
    if labels.profile:
        yield b"iCCP", b"ICC profile\0\0" + zlib.compress(labels.profile)
    if labels.exif:
        yield b"eXIf", labels.exif.removeprefix(b"Exif\0\0")
    texts = PngImagePlugin.PngInfo()
    if labels.xmp:
        texts.add_itxt("XML:com.adobe.xmp", labels.xmp.decode("utf-8", "replace"))
    if labels.recipe:
        texts.add_itxt("impasto", labels.recipe, zip=True)
    for kind, content, *_ in texts.chunks:
        yield kind, content


def encode_tiff(file: BinaryIO, pixels: Pixels, labels: Labels, _quality: int) -> None:
    """RGB or RGBA, uint8 or uint16 (which Pillow cannot write), deflated with horizontal differencing.

    Pillow's directory writer is given all tags, because tifffile does not write EXIF directories.
    """
    height, width, channels = pixels.shape
    rows = max(1, _STRIP_BYTES // (width * channels * pixels.dtype.itemsize))
    deflated = [_deflated(pixels.rows(slice(top, top + rows))) for top in range(0, height, rows)]
    counts = tuple(len(strip) for strip in deflated)
    tag = ExifTags.Base
    layout: dict[int, Any] = {
        tag.ImageWidth: width,
        tag.ImageLength: height,
        tag.BitsPerSample: (8 * pixels.dtype.itemsize,) * channels,
        tag.Compression: 8,
        tag.PhotometricInterpretation: 2,
        tag.StripOffsets: tuple(accumulate(counts[:-1], initial=0)),  # it will add the directory's length
        tag.SamplesPerPixel: channels,
        tag.RowsPerStrip: rows,
        tag.StripByteCounts: counts,
        tag.PlanarConfiguration: 1,
        tag.Predictor: 2,
        tag.ExtraSamples: (2,) * (channels - 3),
        tag.XMLPacket: labels.xmp_with_recipe,
        tag.InterColorProfile: labels.profile,
    }
    directory = ImageFileDirectory_v2(_TIFF_HEADER)
    directory.update(_exif_values(labels.exif or b""))
    directory.update({tag: value for tag, value in layout.items() if value})
    file.write(_TIFF_HEADER + directory.tobytes(len(_TIFF_HEADER)))
    file.writelines(deflated)


def _image(pixels: Pixels) -> Image.Image:
    height, width, channels = pixels.shape
    image = Image.new("RGBA"[:channels], (width, height))
    for rows in strips(pixels.shape):
        image.paste(Image.fromarray(pixels.rows(rows)), (0, rows.start))
    return image


def _deflated(strip: NDArray[Any]) -> bytes:
    """(rows, w, n) unsigned -> each pixel as its difference to the left one, modulo its range, compressed."""
    differences = strip.copy()
    differences[:, 1:] -= strip[:, :-1]
    return zlib.compress(differences.astype(strip.dtype.newbyteorder("<"), copy=False).tobytes())


def _exif_values(block: bytes) -> dict[int, Any]:
    """The tags of an EXIF block, those of its sub-directories as dicts below their pointers."""
    exif = Image.Exif()
    exif.load(block)
    values = dict(exif)
    for pointer in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
        below = {tag: value for tag, value in exif.get_ifd(pointer).items() if tag != ExifTags.IFD.Interop}
        values.pop(pointer, None)
        if below:
            values[pointer] = below
    return values


def _blocks(labels: Labels) -> dict[str, bytes]:
    blocks = {"icc_profile": labels.profile, "exif": labels.exif, "xmp": labels.xmp_with_recipe}
    return {name: block for name, block in blocks.items() if block}


def levels(values: NDArray[np.float32], kind: type[np.uint8] | type[np.uint16]) -> NDArray[Any]:
    """Values, clipped to [0, 1] -> the nearest of 256 or 65536 levels; the shape stays."""
    scaled = np.clip(values, 0, 1)
    scaled *= np.iinfo(kind).max
    scaled += 0.5
    return scaled.astype(kind)
