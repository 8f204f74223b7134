"""What Pillow would round to 8 bits or misread: deep PNG, JPEG 2000, TIFF (also L*a*b*), and HEIF.

Each decoder but HEIF's answers None to a file that is not its business, and all of them raise whatever their
libraries raise.
"""

import math
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from impasto.errors import PictureError
from impasto.media.metadata import read_exif, upright_xmp
from impasto.media.opening import peek
from impasto.media.profiles import Space
from impasto.media.raster import Raster, exposed, full_range, lab_units, parted, refuse_beyond

if TYPE_CHECKING:
    from tifffile import TiffPage

_TIFF_MAGIC: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_TIFF_SPACES: Final[dict[int, Space]] = {0: "grey", 1: "grey", 2: "rgb", 5: "cmyk", 8: "lab", 9: "lab"}
_SUB_DIRECTORIES: Final = 330
_SENSOR_DATA: Final = (32803, 34892)  # photometric: a colour filter array, and its values made linear
_PNG_PIXEL_CHUNKS: Final = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")


def decode_png(image: Image.Image, file: BinaryIO) -> Raster | None:
    """A PNG of 16 bits a channel; `image` is the same file as Pillow opened it."""
    if image.format != "PNG" or peek(file, 25)[24] != 16:
        return None
    from imagecodecs import png_decode

    # libpng remarks on odd metadata on standard error; Pillow has read them already.
    stored = png_decode(_pixel_chunks(peek(file)))
    stored = stored.reshape(*stored.shape[:2], -1)
    space: Space = "rgb" if stored.shape[2] > 2 else "grey"
    samples, alpha = parted(stored, space, has_alpha=stored.shape[2] in (2, 4))
    return Raster(samples, space, alpha, sixteen_bit=True)


def decode_jpeg2000(image: Image.Image, file: BinaryIO) -> Raster | None:
    """A grey or RGB JPEG 2000 of more than 8 bits; `image` is the same file as Pillow opened it."""
    if image.format != "JPEG2000" or image.mode not in ("L", "LA", "I;16", "RGB", "RGBA"):
        return None
    bits = _jpeg2000_bits(peek(file, 4096))
    if bits <= 8:
        return None
    from imagecodecs import jpeg2k_decode

    image.load()  # Pillow notices a file that is cut off, jpeg2k_decode does not
    space: Space = "rgb" if image.mode.startswith("RGB") else "grey"
    stored = full_range(jpeg2k_decode(peek(file)), bits)
    samples, alpha = parted(stored, space, has_alpha=image.mode.endswith("A"))
    return Raster(samples, space, alpha, sixteen_bit=True)


def decode_tiff(file: BinaryIO, max_pixels: int) -> Raster | None:
    """The first page of a TIFF of more than 8 bits, or in L*a*b*; PictureError for camera raw of any kind."""
    if not is_tiff(file):
        return None
    from tifffile import TiffFile

    with TiffFile(file) as tiff:
        page, pages = tiff.pages.first, len(tiff.pages)
        is_thumbnail = page.is_reduced and (pages > 1 or _SUB_DIRECTORIES in page.tags)
        if is_thumbnail or page.photometric in _SENSOR_DATA:
            trouble = f"{file.name} is camera raw, or begins with a thumbnail"
            raise PictureError(f"{trouble}; convert it to JPEG or TIFF first.")
        if any(at + count > tiff.filehandle.size for at, count in _parts(page)):
            raise ValueError("the file is cut off")  # libtiff would say so on standard error
        if page.bitspersample <= 8 and _TIFF_SPACES.get(page.photometric) != "lab":
            file.seek(0)
            return None
        refuse_beyond(max_pixels, page.imagewidth, page.imagelength)
        samples, alpha, space, stretched = _tiff_samples(page)
        tag = page.tags.valueof
        file.seek(0)
        orientation, exif, damaged = read_exif(lambda: _exif_in(file))
        many = f"only the first of its {pages} pages is used" if pages > 1 else None
        return Raster(
            samples,
            space,
            alpha,
            sixteen_bit=page.bitspersample > 8,
            orientation=orientation,
            profile=page.iccprofile,
            exif=exif,
            xmp=upright_xmp(bytes(tag(700))) if tag(700) else None,
            notes=tuple(note for note in (many, stretched, damaged) if note),
        )


def is_tiff(file: BinaryIO) -> bool:
    """Whether the file is a TIFF, classic or big."""
    return peek(file, 4) in _TIFF_MAGIC


def tiff_xmp(file: BinaryIO) -> bytes | None:
    """The XMP packet of a TIFF's first page, of any kind of TIFF."""
    from tifffile import TiffFile

    with TiffFile(file) as tiff:
        xmp = tiff.pages.first.tags.valueof(700)
        return bytes(xmp) if xmp else None


def is_heif(file: BinaryIO) -> bool:
    """Whether the file is of the HEIF family and for libheif; AVIF, its other branch, is for Pillow."""
    from pillow_heif import get_file_mimetype

    head = peek(file, 64)
    return head[4:8] == b"ftyp" and get_file_mimetype(head[:12]) != "" and b"avi" not in head


def decode_heif(file: BinaryIO, max_pixels: int) -> Raster:
    """The main picture of a HEIF file, upright: libheif applies its rotation.

    The EXIF orientation beside it is a copy for readers that know no better.
    """
    from pillow_heif import open_heif

    heif = open_heif(file, convert_hdr_to_8bit=False, hdr_to_16bit=False)
    refuse_beyond(max_pixels, *heif.size)
    info, mode = heif.info, heif.mode.partition(";")[0]
    space: Space = "grey" if mode.startswith("L") else "rgb"
    stored = full_range(np.asarray(heif), info["bit_depth"])
    premultiplied = mode.endswith("a")
    samples, alpha = parted(stored, space, has_alpha=heif.has_alpha, premultiplied=premultiplied)
    _, exif, damaged = read_exif(lambda: _exif_of(info.get("exif") or b""))
    many = f"only the main one of its {len(heif)} pictures is used" if len(heif) > 1 else None
    return Raster(
        samples,
        space,
        alpha,
        sixteen_bit=info["bit_depth"] > 8,
        profile=info.get("icc_profile"),
        exif=exif,
        xmp=upright_xmp(info["xmp"]) if info.get("xmp") else None,
        notes=tuple(note for note in (many, damaged) if note),
    )


def _pixel_chunks(png: bytes) -> bytes:
    kept, at = [png[:8]], 8
    while at + 8 <= len(png):
        end = at + 12 + int.from_bytes(png[at : at + 4])
        if png[at + 4 : at + 8] in _PNG_PIXEL_CHUNKS:
            kept.append(png[at:end])
        at = end
    return b"".join(kept)


def _jpeg2000_bits(head: bytes) -> int:
    """The depth of the first channel, from the image header box or else from the bare codestream's SIZ."""
    box = head.find(b"ihdr")
    depth = head[box + 14] if box >= 0 else head[42]
    return (depth & 0x7F) + 1


def _parts(page: "TiffPage") -> list[tuple[int, int]]:
    """Where the strips or tiles of a TIFF page begin in the file, and how many bytes each has."""
    return list(zip(page.dataoffsets, page.databytecounts, strict=False))


def _tiff_samples(page: "TiffPage") -> tuple[NDArray[Any], NDArray[Any] | None, Space, str | None]:
    """Samples, alpha, their space, and a note if the numbers had to be stretched."""
    if page.axes not in ("YX", "YXS", "SYX"):
        raise ValueError(f"axes {page.axes}")
    parts = _parts(page)
    if len(parts) < math.prod(page.chunked) or not all(count for _, count in parts):
        raise ValueError("strips or tiles are missing")  # tifffile would paint them black
    stored = page.asarray()
    stored = np.moveaxis(stored, 0, 2) if page.axes == "SYX" else stored
    space, note = _TIFF_SPACES[page.photometric], None
    if space == "lab":
        stored = lab_units(stored, offset=page.photometric == 9)
    else:
        stored = full_range(stored, page.bitspersample)
        if stored.dtype == np.float32:
            stored, note = exposed(stored)
    kind = page.extrasamples[0] if page.extrasamples else 0
    samples, alpha = parted(stored, space, has_alpha=kind in (1, 2), premultiplied=kind == 1)
    if page.photometric == 0:
        samples = (np.iinfo(samples.dtype).max if samples.dtype.kind == "u" else 1) - samples
    return samples, alpha, space, note


def _exif_in(tiff: BinaryIO) -> Image.Exif:
    exif = Image.Exif()
    exif.load_from_fp(tiff)
    return exif


def _exif_of(block: bytes) -> Image.Exif:
    exif = Image.Exif()
    exif.load(block)
    return exif
