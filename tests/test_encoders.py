"""What rides beside the pixels: recipe, profile, EXIF and XMP."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image

from impasto.media.encoders import levels
from impasto.media.picture import Picture, read_picture, read_recipe, write_picture
from impasto.media.profiles import srgb_profile

LABELLED = [".png", ".jpg", ".webp", ".tif", ".avif", ".heic"]
RECIPE = '{"task": "stylize <b> & \\"friends\\"", "who": "Édouard’s", "n": [1, 2]}\n'
RGB = np.tile(np.linspace(0.2, 0.8, 60, dtype=np.float32)[:, None], (40, 1, 3))


@pytest.mark.parametrize("suffix", LABELLED)
def test_a_recipe_rides_in_the_picture(tmp_path: Path, suffix: str) -> None:
    write_picture(tmp_path / f"a{suffix}", Picture(RGB), recipe=RECIPE)
    assert read_recipe(tmp_path / f"a{suffix}") == RECIPE
    assert np.abs(read_picture(tmp_path / f"a{suffix}").rgb - RGB).mean() < 0.02


@pytest.mark.parametrize("suffix", [*LABELLED, ".bmp"])
def test_a_picture_without_a_recipe_has_none(tmp_path: Path, suffix: str) -> None:
    write_picture(tmp_path / f"a{suffix}", Picture(RGB))
    assert read_recipe(tmp_path / f"a{suffix}") is None


@pytest.mark.parametrize("suffix", LABELLED)
def test_profile_exif_and_xmp_are_carried(tmp_path: Path, suffix: str) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "Hokusai"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExifImageWidth] = 4000
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF>wave</rdf:RDF></x:xmpmeta>'
    before = Picture(RGB, profile=srgb_profile(), exif=exif.tobytes(), xmp=xmp)
    write_picture(tmp_path / f"a{suffix}", before, recipe="{}")
    after = read_picture(tmp_path / f"a{suffix}")
    kept = Image.Exif()
    kept.load(after.exif or b"")
    assert kept[ExifTags.Base.Artist] == "Hokusai"
    assert kept.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExifImageWidth] == 60
    assert kept.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] == "N"
    assert after.xmp == xmp
    assert after.profile is not None
    assert np.abs(after.rgb - before.rgb).mean() < 0.02


def test_labels_too_long_for_jpeg_do_not_stop_it(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = "long " * 20_000
    xmp = b"<rdf:RDF>" + b"long " * 20_000 + b"</rdf:RDF>"
    write_picture(tmp_path / "a.jpg", Picture(RGB, exif=exif.tobytes(), xmp=xmp), recipe=RECIPE)
    assert read_recipe(tmp_path / "a.jpg") == RECIPE


def test_the_same_picture_is_the_same_file(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        write_picture(tmp_path / name, Picture(RGB, profile=srgb_profile()), recipe=RECIPE)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_tiff_is_read_alike_by_others(tmp_path: Path) -> None:
    alpha = np.tile(np.linspace(0, 1, 60, dtype=np.float32), (40, 1))
    write_picture(tmp_path / "a.tif", Picture(RGB, alpha, sixteen_bit=True), recipe=RECIPE)
    pixels = tifffile.imread(tmp_path / "a.tif")
    assert np.array_equal(pixels, levels(np.dstack([RGB, alpha]), np.uint16))


@given(st.floats(0, 1, width=32))
def test_a_level_is_the_nearest_one(value: float) -> None:
    assert abs(levels(np.full(1, value, np.float32), np.uint8)[0] - value * 255) <= 0.5001
    assert abs(levels(np.full(1, value, np.float32), np.uint16)[0] - value * 65535) <= 0.51


def test_levels_beyond_the_range_are_clipped() -> None:
    assert levels(np.array([-1, 2], np.float32), np.uint8).tolist() == [0, 255]
