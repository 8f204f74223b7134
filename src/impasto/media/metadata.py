"""What rides in a picture beside its pixels: EXIF, XMP, and the recipe that made it."""

import html
import re
import struct
from collections.abc import Callable
from typing import Final

from PIL import ExifTags, Image

_ORIENTATION: Final = ExifTags.Base.Orientation
_TIFF_LAYOUT: Final = frozenset(
    (
        *(*range(254, 270), 273, *range(275, 282), *range(284, 294), 297, 301),
        *(*range(317, 348), *range(512, 533), 700, 33723, 34377, 34675, 37724),
    )
)
"""Tags that say how one TIFF file is laid out or that hold its other metadata: wrong in any other file."""

_UNREADABLE: Final = (
    *(AttributeError, KeyError, IndexError, OSError, OverflowError, SyntaxError, TypeError, ValueError),
    struct.error,
)
"""What Pillow raises for damaged EXIF blocks, depending on where the damage is."""

_QUOTED: Final = rb"""(?:"[^"<]*"|'[^'<]*')"""
_RECIPE: Final = re.compile(
    rb"""
    (<[\w:.-]+ (?:\s+[\w:.-]+\s*=\s*%b)*?) \s+impasto:recipe\s*=\s* (?:"([^"<]*)"|'([^'<]*)')
    | <impasto:recipe (?:\s[^<>]*)? > ([^<]*) </impasto:recipe\s*>\s*
    """
    % _QUOTED,
    re.VERBOSE,
)
"""Our attribute, after what precedes it in its tag, or the element that other programs make of it."""

_EMPTIED: Final = re.compile(
    rb"""
    <rdf:Description (?=[^<>]*\sxmlns:impasto) (?:\s+(?:rdf:about|xmlns:impasto)\s*=\s*%b)+
    \s* (?:/> | >\s*</rdf:Description\s*>) \s*
    """
    % _QUOTED,
    re.VERBOSE,
)
"""What held a recipe and nothing else, once the recipe is gone."""

_GPS: Final = re.compile(
    rb"""
    \s+exif:GPS\w+\s*=\s*%b | <exif:GPS\w+ (?:\s[^<>]*)? /> | <(exif:GPS\w+) [\s>] .*? </\1\s*>
    """
    % _QUOTED,
    re.VERBOSE | re.DOTALL,
)
"""XMP's copies of the EXIF tags that tell a place: attributes and elements."""

_RECIPE_TEMPLATE: Final = '<rdf:Description rdf:about="" xmlns:impasto="urn:impasto:1" impasto:recipe="{}"/>'
_EMPTY_XMP: Final = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)


def read_exif(load: Callable[[], Image.Exif]) -> tuple[int, bytes | None, str | None]:
    """The orientation (1 to 8), the block as `upright_exif` gives it, and a note if it was unreadable."""
    try:
        exif = load()
        orientation = int(exif.get(_ORIENTATION, 1))
        block = upright_exif(exif)
    except _UNREADABLE:
        return 1, None, "its EXIF data are damaged and were left out"
    return (orientation if orientation in range(1, 9) else 1), block, None


def upright_exif(exif: Image.Exif) -> bytes | None:
    """The EXIF block with orientation 1 and without the old thumbnail; None if nothing is left of it."""
    for tag in _TIFF_LAYOUT:
        exif.pop(tag, None)
    if _ORIENTATION in exif:
        exif[_ORIENTATION] = 1
    return exif.tobytes() if len(exif) else None


def exif_of_size(exif: bytes, size_px: tuple[int, int]) -> bytes:
    """The EXIF block with its record of the picture's size, if it has one, set to (width, height)."""
    record = Image.Exif()
    record.load(exif)
    if ExifTags.IFD.Exif not in record:
        return exif
    details = record.get_ifd(ExifTags.IFD.Exif)
    for tag, side in zip((ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight), size_px, strict=True):
        if tag in details:
            details[tag] = side
    return record.tobytes()


def upright_xmp(xmp: bytes) -> bytes:
    """The XMP packet with orientation 1 and without a recipe: that told of another picture."""
    xmp = re.sub(rb"(tiff:Orientation(?:>|\s*=\s*[\"'])\s*)[2-8]", rb"\g<1>1", xmp)
    return _without_recipe(xmp)


def exif_without_gps(exif: bytes) -> bytes | None:
    """The EXIF block without its GPS directory; None if nothing is left."""
    record = Image.Exif()
    record.load(exif)
    if ExifTags.IFD.GPSInfo not in record:
        return exif
    record.get_ifd(ExifTags.IFD.Exif)  # or else only its offset would be written
    del record[ExifTags.IFD.GPSInfo]
    return record.tobytes() if len(record) else None


def xmp_without_gps(xmp: bytes) -> bytes:
    """The XMP packet without the places that it took over from EXIF; all else stays."""
    return _GPS.sub(b"", xmp)


def with_recipe(xmp: bytes | None, recipe: str) -> bytes:
    """The XMP packet, or a new one, with this recipe and no other."""
    block = _RECIPE_TEMPLATE.format(html.escape(recipe)).encode()
    packet = _without_recipe(xmp) if xmp and b"</rdf:RDF>" in xmp else _EMPTY_XMP
    return packet.replace(b"</rdf:RDF>", block + b"</rdf:RDF>", 1)


def recipe_of(xmp: bytes) -> str | None:
    """The recipe that `with_recipe` put into an XMP packet, the last if there are many, or None."""
    recipe = None
    for found in _RECIPE.finditer(xmp):
        recipe = found[found.lastindex or 0]
    return None if recipe is None else html.unescape(recipe.decode("utf-8", "replace"))


def _without_recipe(xmp: bytes) -> bytes:
    """The XMP packet without our attribute or element; all else stays."""
    return _EMPTIED.sub(b"", _RECIPE.sub(rb"\1", xmp))
