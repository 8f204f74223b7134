"""More than 8 bits a channel, L*a*b*, and HEIF."""

from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
import tifffile
from imagecodecs import jpeg2k_encode, png_encode
from PIL import Image

from impasto.errors import PictureError
from impasto.media.picture import read_picture, read_recipe

DEEP = np.random.default_rng(0).integers(0, 65536, (40, 60, 4), np.uint16)
RGB = DEEP[..., :3]


def levels(path: Path) -> Any:
    after = read_picture(path)
    assert after.sixteen_bit
    return np.rint(after.rgb * 65535)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bit_png_of_every_kind(tmp_path: Path, channels: int) -> None:
    stored = DEEP[..., :channels] if channels > 1 else DEEP[..., 0]
    (tmp_path / "a.png").write_bytes(png_encode(np.ascontiguousarray(stored)))
    colours = RGB if channels > 2 else np.repeat(DEEP[..., :1], 3, axis=2)
    assert np.array_equal(levels(tmp_path / "a.png"), colours)
    alpha = read_picture(tmp_path / "a.png").alpha
    assert (alpha is None) == (channels in (1, 3))
    if alpha is not None:
        assert np.array_equal(np.rint(alpha * 65535), DEEP[..., channels - 1])


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"tile": (16, 16)},
        {"byteorder": ">", "rowsperstrip": 7},
        {"compression": "lzw", "predictor": True},
        {"compression": "zstd"},
        {"bigtiff": True},
    ],
)
def test_16_bit_tiff_of_every_layout(tmp_path: Path, options: dict[str, Any]) -> None:
    tifffile.imwrite(tmp_path / "a.tif", RGB, photometric="rgb", **options)
    assert np.array_equal(levels(tmp_path / "a.tif"), RGB)


def test_planes_apart_are_put_together(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.moveaxis(RGB, 2, 0), photometric="rgb", planarconfig="separate")
    assert np.array_equal(levels(tmp_path / "a.tif"), RGB)


def test_grey_tiff_may_count_from_white(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", RGB[..., 0], photometric="miniswhite")
    assert np.array_equal(levels(tmp_path / "a.tif")[..., 1], 65535 - RGB[..., 0])


@pytest.mark.parametrize(("kind", "divided"), [("unassalpha", False), ("assocalpha", True)])
def test_tiff_alpha_plain_and_premultiplied(tmp_path: Path, kind: str, divided: bool) -> None:
    alpha = np.full((40, 60), 0x8000, np.uint16)
    stored = np.dstack([RGB // 2 if divided else RGB, alpha])
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", extrasamples=[kind])
    assert np.abs(levels(tmp_path / "a.tif") - RGB).max() <= 2
    seen = read_picture(tmp_path / "a.tif").alpha
    assert seen is not None
    assert np.allclose(seen, 0x8000 / 65535)


def test_16_bit_cmyk_white_is_white(tmp_path: Path) -> None:
    inks = np.zeros((4, 4, 4), np.uint16)
    inks[2:, :, 3] = 65535
    tifffile.imwrite(tmp_path / "a.tif", inks, photometric="separated")
    assert np.array_equal(levels(tmp_path / "a.tif")[:, 0, 0], [65535, 65535, 0, 0])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_float_tiff_in_range_is_kept(tmp_path: Path, dtype: type[Any]) -> None:
    values = (RGB / 65535).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb")
    after = read_picture(tmp_path / "a.tif")
    assert np.allclose(after.rgb, values, atol=1e-6)
    assert (after.sixteen_bit, after.notes) == (True, ())


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_lab_tiff_is_neutral_where_it_should_be(tmp_path: Path, dtype: type[Any]) -> None:
    lab = np.zeros((2, 4, 3), dtype)
    lab[0, :, 0] = np.iinfo(dtype).max
    tifffile.imwrite(tmp_path / "a.tif", lab, photometric="cielab")
    after = read_picture(tmp_path / "a.tif")
    assert np.allclose(after.rgb[0], 1, atol=1e-3)
    assert np.allclose(after.rgb[1], 0, atol=1e-3)
    assert after.sixteen_bit == (dtype is np.uint16)
    assert read_recipe(tmp_path / "a.tif") is None


def test_the_first_of_many_deep_pages_is_used_and_said(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.stack([RGB, RGB // 2]), photometric="rgb")
    assert np.array_equal(levels(tmp_path / "a.tif"), RGB)
    assert read_picture(tmp_path / "a.tif").notes == ("only the first of its 2 pages is used",)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("below", [True, False])
def test_camera_raw_is_refused_rather_than_read_as_its_thumbnail(
    tmp_path: Path, dtype: type[Any], below: bool
) -> None:
    thumbnail = RGB[::10, ::10].astype(dtype)
    with tifffile.TiffWriter(tmp_path / "a.dng") as tiff:
        tiff.write(thumbnail, photometric="rgb", subfiletype=1, subifds=int(below), metadata=None)
        tiff.write(DEEP[..., 0], photometric=32803, metadata=None)  # colour filter array
    with pytest.raises(PictureError, match=r"a\.dng is camera raw, .* JPEG or TIFF first\.$"):
        read_picture(tmp_path / "a.dng")


def test_camera_raw_without_a_thumbnail_is_named_too(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.dng", DEEP[..., 0], photometric=32803, metadata=None)
    with pytest.raises(PictureError, match="is camera raw"):
        read_picture(tmp_path / "a.dng")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_page_that_says_it_is_reduced_is_read_if_there_is_no_other(
    tmp_path: Path, dtype: type[Any]
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", RGB.astype(dtype), photometric="rgb", subfiletype=1)
    assert read_picture(tmp_path / "a.tif").size_px == (60, 40)


@pytest.mark.parametrize(("bits", "kind"), [(16, "jp2"), (12, "j2k")])
def test_deep_jpeg_2000_keeps_its_levels(tmp_path: Path, bits: int, kind: str) -> None:
    stored = RGB >> (16 - bits)
    encoded = jpeg2k_encode(stored, level=0, codecformat=kind, bitspersample=bits)
    (tmp_path / f"a.{kind}").write_bytes(encoded)
    after = read_picture(tmp_path / f"a.{kind}")
    assert after.sixteen_bit
    assert np.array_equal(np.rint(after.rgb * ((1 << bits) - 1)), stored)


def test_heif_of_10_bits_reaches_white(tmp_path: Path) -> None:
    stored = np.zeros((64, 64, 3), np.uint16)
    stored[:, 32:] = 65535
    heif = pillow_heif.from_bytes("RGB;16", (64, 64), stored.tobytes())
    heif.save(tmp_path / "a.heic", quality=100, chroma=444)
    after = read_picture(tmp_path / "a.heic")
    assert after.sixteen_bit
    assert np.allclose(after.rgb[:, :24], 0, atol=0.005)
    assert np.allclose(after.rgb[:, 40:], 1, atol=0.005)


def test_the_main_picture_of_a_heif_file_is_used_and_said(tmp_path: Path) -> None:
    heif = pillow_heif.from_pillow(Image.new("RGB", (64, 64), "black"))
    heif.add_from_pillow(Image.new("RGB", (32, 32), "white"))
    heif.save(tmp_path / "a.heic", primary_index=1)
    after = read_picture(tmp_path / "a.heic")
    assert after.size_px == (32, 32)
    assert after.notes == ("only the main one of its 2 pictures is used",)
