import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image

from impasto.media.metadata import (
    exif_of_size,
    exif_without_gps,
    read_exif,
    recipe_of,
    upright_exif,
    upright_xmp,
    with_recipe,
    xmp_without_gps,
)

texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="\r"), min_size=1)


@given(texts)
def test_a_recipe_comes_back_from_xmp(recipe: str) -> None:
    assert recipe_of(with_recipe(None, recipe)) == recipe


def test_a_recipe_leaves_the_rest_of_the_packet_alone() -> None:
    xmp = b'<x:xmpmeta><rdf:RDF><rdf:Description dc:title="wave"/></rdf:RDF></x:xmpmeta>'
    assert upright_xmp(with_recipe(xmp, "{}")) == xmp


def test_a_recipe_that_another_program_rewrote_is_found() -> None:
    xmp = b"<rdf:Description><impasto:recipe>{&quot;a&quot;: 1}</impasto:recipe></rdf:Description>"
    assert recipe_of(xmp) == '{"a": 1}'


@pytest.mark.parametrize(
    ("rewritten", "rest"),
    [
        (
            b'<rdf:Description rdf:about="" impasto:recipe="old" dc:title="wave"><dc:x/></rdf:Description>',
            b'<rdf:Description rdf:about="" dc:title="wave"><dc:x/></rdf:Description>',
        ),
        (
            b"<rdf:Description rdf:about=''\n dc:title='a > b'\n impasto:recipe = 'old'\n/>",
            b"<rdf:Description rdf:about=''\n dc:title='a > b'\n/>",
        ),
        (
            b"<rdf:Description dc:title='wave'>\n <impasto:recipe>old</impasto:recipe>\n </rdf:Description>",
            b"<rdf:Description dc:title='wave'>\n </rdf:Description>",
        ),
        (
            b"<rdf:Description rdf:about=''\n xmlns:impasto='urn:impasto:1'>\n"
            b" <impasto:recipe xml:lang='x-default'>old</impasto:recipe>\n</rdf:Description>",
            b"",
        ),
    ],
)
def test_a_recipe_that_another_program_rewrote_gives_way_and_the_rest_stays(
    rewritten: bytes, rest: bytes
) -> None:
    xmp = b"<rdf:RDF>" + rewritten + b"</rdf:RDF>"
    assert recipe_of(xmp) == "old"
    assert upright_xmp(xmp) == b"<rdf:RDF>" + rest + b"</rdf:RDF>"
    again = with_recipe(xmp, "new")
    assert recipe_of(again) == "new"
    assert upright_xmp(again) == upright_xmp(xmp)


def test_of_two_recipes_the_later_one_is_found() -> None:
    old, new = (f"<impasto:recipe>{age}</impasto:recipe>".encode() for age in ("old", "new"))
    assert recipe_of(old + new) == "new"


def test_what_only_speaks_of_a_recipe_is_none() -> None:
    xmp = b'<dc:title a=\' impasto:recipe="x"\'>the attribute impasto:recipe="x"</dc:title><rdf:Description/>'
    assert recipe_of(xmp) is None
    assert upright_xmp(xmp) == xmp


def test_xmp_becomes_upright_in_each_notation() -> None:
    assert upright_xmp(b'<a tiff:Orientation="6"/>') == b'<a tiff:Orientation="1"/>'
    assert upright_xmp(b"<a tiff:Orientation = '8'/>") == b"<a tiff:Orientation = '1'/>"
    assert upright_xmp(b"<tiff:Orientation>3</tiff:Orientation>") == b"<tiff:Orientation>1</tiff:Orientation>"


def test_exif_becomes_upright_and_loses_the_layout_of_its_file() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.StripOffsets] = 8
    exif[ExifTags.Base.Make] = "Leica"
    kept = Image.Exif()
    kept.load(upright_exif(exif) or b"")
    assert dict(kept) == {ExifTags.Base.Orientation: 1, ExifTags.Base.Make: "Leica"}


def test_no_exif_stays_none() -> None:
    assert upright_exif(Image.Exif()) is None


def test_damaged_exif_is_left_out_with_a_note() -> None:
    def load() -> Image.Exif:
        exif = Image.Exif()
        exif.load(b"Exif\0\0not TIFF")
        return exif

    orientation, block, note = read_exif(load)
    assert (orientation, block) == (1, None)
    assert note is not None


def test_exif_without_a_size_gets_none() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Leica"
    assert exif_of_size(exif.tobytes(), (3, 2)) == exif.tobytes()


def test_a_place_is_taken_out_of_exif_and_the_rest_stays() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Leica"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ISOSpeedRatings] = 200
    without = exif.tobytes()
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (48.0, 31.0, 12.0)
    assert exif_without_gps(exif.tobytes()) == without
    assert exif_without_gps(without) == without


def test_exif_of_a_place_alone_is_none_without_it() -> None:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (48.0, 31.0, 12.0)
    assert exif_without_gps(exif.tobytes()) is None


@pytest.mark.parametrize(
    ("placed", "rest"),
    [
        (b'<rdf:Description exif:GPSLatitude="48,31N" dc:a="b"/>', b'<rdf:Description dc:a="b"/>'),
        (b"<a exif:GPSLongitude = '9,3E'\n/>", b"<a\n/>"),
        (b"<exif:GPSAltitude>300/1</exif:GPSAltitude><dc:a/>", b"<dc:a/>"),
        (b"<exif:GPSVersionID/><exif:ISO>1</exif:ISO>", b"<exif:ISO>1</exif:ISO>"),
        (b"<exif:GPSDest xml:lang='x'><rdf:Seq><rdf:li>1</rdf:li></rdf:Seq></exif:GPSDest>", b""),
    ],
)
def test_a_place_is_taken_out_of_xmp_and_the_rest_stays(placed: bytes, rest: bytes) -> None:
    assert xmp_without_gps(placed) == rest
