"""Reading and writing pictures: the laws that hold for every file."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import ExifTags, Image, PngImagePlugin

from impasto.errors import OutputError, PictureError
from impasto.media.picture import (
    WRITABLE_SUFFIXES,
    Picture,
    check_writable,
    read_picture,
    resize_picture,
    without_gps,
    write_picture,
)

FORMATS = Path(__file__).parents[2] / "shared" / "data" / "formats"
FILES = sorted(file for file in FORMATS.rglob("*") if file.is_file()) if FORMATS.is_dir() else []
DAMAGED_ELSEWHERE = {
    *("empty.png", "text_not_image.jpg", "truncated_50pct.jpg", "truncated_baseline_70pct.jpg"),
    *("balloon_eciRGBv2_aware.jp2", "ultrahdr.jpg"),
}
WITH_ALPHA = [".png", ".webp", ".tif", ".avif", ".heic"]


def asymmetric() -> NDArray[np.uint8]:
    """(40, 60, 3): four quarters of different colours."""
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:20, :30] = 255, 0, 0
    pixels[20:, :30] = 0, 0, 255
    pixels[20:, 30:] = 0, 255, 0
    return pixels


def unit_of(levels: NDArray[Any], highest: int) -> NDArray[np.float32]:
    values: NDArray[np.float32] = np.divide(levels, highest, dtype=np.float32)
    return values


def picture(seed: int = 0, size_px: tuple[int, int] = (60, 40), levels: int = 255) -> Picture:
    """A smooth picture with alpha, its values at whole levels."""
    width, height = size_px
    random = np.random.default_rng(seed)
    rgb = np.clip(np.cumsum(random.normal(0, 0.005, (height, width, 3)), axis=1) + 0.5, 0, 1)
    alpha = np.tile(np.linspace(0, 1, width), (height, 1))
    return Picture(unit_of(np.rint(rgb * levels), levels), unit_of(np.rint(alpha * levels), levels))


@settings(max_examples=25)
@given(pixels=arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))))
def test_png_keeps_8_bits_exactly(
    tmp_path_factory: pytest.TempPathFactory, pixels: NDArray[np.uint8]
) -> None:
    path = tmp_path_factory.mktemp("png") / "a.png"
    write_picture(path, Picture(unit_of(pixels, 255)))
    assert np.array_equal(np.asarray(Image.open(path)), pixels)
    assert np.array_equal(read_picture(path).rgb, unit_of(pixels, 255))


@settings(max_examples=25)
@given(
    pixels=arrays(np.uint16, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(4))),
    suffix=st.sampled_from([".png", ".tif"]),
)
def test_16_bits_are_kept_exactly(
    tmp_path_factory: pytest.TempPathFactory, pixels: NDArray[np.uint16], suffix: str
) -> None:
    path = tmp_path_factory.mktemp("deep") / f"a{suffix}"
    values = unit_of(pixels, 65535)
    write_picture(path, Picture(values[..., :3], values[..., 3], sixteen_bit=True))
    again = read_picture(path)
    assert again.sixteen_bit
    assert np.array_equal(again.rgb, values[..., :3])
    assert np.array_equal(
        np.ones_like(values[..., 3]) if again.alpha is None else again.alpha, values[..., 3]
    )


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_large_picture_is_the_same_in_every_part(tmp_path: Path, suffix: str) -> None:
    before = picture(size_px=(700, 900))
    write_picture(tmp_path / f"a{suffix}", before)
    after = read_picture(tmp_path / f"a{suffix}")
    assert np.array_equal(after.rgb, before.rgb)
    assert after.alpha is not None
    assert before.alpha is not None
    assert np.array_equal(after.alpha, before.alpha)


def test_a_large_picture_without_alpha_is_the_same_in_every_part(tmp_path: Path) -> None:
    before = picture(size_px=(701, 901))
    write_picture(tmp_path / "a.bmp", Picture(before.rgb))
    assert np.array_equal(read_picture(tmp_path / "a.bmp").rgb, before.rgb)


@pytest.mark.parametrize("suffix", WRITABLE_SUFFIXES)
def test_every_suffix_writes_its_format(tmp_path: Path, suffix: str) -> None:
    before = Picture(picture().rgb)
    path = tmp_path / f"a{suffix.upper()}"
    check_writable(path)
    write_picture(path, before)
    after = read_picture(path)
    assert after.size_px == before.size_px == (60, 40)
    assert np.abs(after.rgb - before.rgb).mean() < 0.02
    assert (after.alpha, after.profile, after.exif, after.xmp, after.notes) == (None, None, None, None, ())


@pytest.mark.parametrize("suffix", WITH_ALPHA)
def test_alpha_survives(tmp_path: Path, suffix: str) -> None:
    before = picture()
    write_picture(tmp_path / f"a{suffix}", before)
    after = read_picture(tmp_path / f"a{suffix}")
    assert after.alpha is not None
    assert before.alpha is not None
    assert np.abs(after.alpha - before.alpha).max() < 0.02


@pytest.mark.parametrize("suffix", [".jpg", ".bmp"])
def test_without_alpha_the_ground_is_white(tmp_path: Path, suffix: str) -> None:
    black = np.zeros((16, 16, 3), np.float32)
    alpha = np.zeros((16, 16), np.float32)
    alpha[8:] = 1
    write_picture(tmp_path / f"a{suffix}", Picture(black, alpha))
    rgb = read_picture(tmp_path / f"a{suffix}").rgb
    assert np.allclose(rgb[:8], 1, atol=0.01)
    assert np.allclose(rgb[8:], 0, atol=0.01)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_the_colour_below_transparent_pixels_is_kept(tmp_path: Path, suffix: str) -> None:
    rgb = np.tile(np.array([1, 0.4, 0], np.float32), (16, 16, 1))
    write_picture(tmp_path / f"a{suffix}", Picture(rgb, np.zeros((16, 16), np.float32)), quality=100)
    assert np.abs(read_picture(tmp_path / f"a{suffix}").rgb - rgb).max() < 0.03


def test_an_opaque_alpha_channel_is_none(tmp_path: Path) -> None:
    Image.new("RGBA", (4, 4), (1, 2, 3, 255)).save(tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png").alpha is None


def save_oriented(path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    block = exif.tobytes()
    if path.suffix == ".heic":
        heif = pillow_heif.from_bytes("RGB", (60, 40), asymmetric().tobytes())
        heif.save(path, exif=block, quality=100, chroma=444)
    elif path.name == "deep.tif":
        deep = asymmetric().astype(np.uint16) * 257
        tifffile.imwrite(path, deep, photometric="rgb", extratags=[(274, "H", 1, orientation, True)])
    else:
        quality: dict[str, Any] = {"quality": 100, "subsampling": "4:4:4"} if path.suffix != ".webp" else {}
        Image.fromarray(asymmetric()).save(path, exif=block, **quality)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tif", "deep.tif", "a.avif", "a.heic"])
def test_all_eight_orientations_read_as_seen(tmp_path: Path, name: str) -> None:
    stored = asymmetric()
    seen = {
        1: stored,
        2: stored[:, ::-1],
        3: np.rot90(stored, 2),
        4: stored[::-1],
        5: stored.swapaxes(0, 1),
        6: np.rot90(stored, -1),
        7: np.rot90(stored[::-1], -1)[::-1, ::-1],
        8: np.rot90(stored),
    }
    for orientation, expected in seen.items():
        save_oriented(tmp_path / name, orientation)
        after = read_picture(tmp_path / name)
        assert after.size_px == (expected.shape[1], expected.shape[0]), orientation
        assert np.abs(after.rgb - expected / 255).mean() < 0.03, orientation
        kept = Image.Exif()
        kept.load(after.exif or b"")
        assert kept.get(ExifTags.Base.Orientation, 1) == 1


@pytest.mark.parametrize("name", ["a.png", "a.avif", "a.webp"])
def test_an_orientation_that_only_xmp_tells_is_not_followed(tmp_path: Path, name: str) -> None:
    xmp = b'<rdf:RDF><rdf:Description tiff:Orientation="3"/></rdf:RDF>'
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", xmp.decode())
    Image.fromarray(asymmetric()).save(tmp_path / name, xmp=xmp, pnginfo=text)
    after = read_picture(tmp_path / name)
    assert np.abs(after.rgb - asymmetric() / 255).mean() < 0.03
    assert after.xmp == b'<rdf:RDF><rdf:Description tiff:Orientation="1"/></rdf:RDF>'


def test_transparent_pixels_lend_no_colour_when_reduced() -> None:
    rgb = np.zeros((32, 32, 3), np.float32)
    rgb[:, ::2] = 1, 0, 0
    alpha = np.zeros((32, 32), np.float32)
    alpha[:, ::2] = 1
    small = resize_picture(Picture(rgb, alpha), 8)
    assert small.size_px == (8, 8)
    assert np.allclose(small.rgb, [1, 0, 0], atol=1e-3)
    assert small.alpha is not None
    assert np.allclose(small.alpha, 0.5, atol=0.05)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_read_small_is_the_whole_one_resized(tmp_path: Path, mode: str, progressive: bool) -> None:
    y, x = np.mgrid[0:600, 0:801] / 100
    scene = np.stack([np.sin(x) ** 2, np.cos(y) ** 2, np.sin(x + y) ** 2], -1)
    image = Image.fromarray((scene * 255).astype(np.uint8)).convert(mode)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    image.save(tmp_path / "a.jpg", quality=95, progressive=progressive, exif=exif)
    whole = read_picture(tmp_path / "a.jpg")
    assert whole.size_px == (600, 801)
    for longest_px in (2000, 801, 500, 201, 200, 100, 99, 50, 9, 1):
        slow = resize_picture(whole, min(longest_px, 801))
        quick = read_picture(tmp_path / "a.jpg", longest_px=longest_px)
        assert slow.size_px == quick.size_px
        difference = np.abs(slow.rgb - quick.rgb)
        assert difference.mean() < 0.01
        assert difference.max() < 0.06


def test_a_jpeg_read_small_must_not_have_too_many_pixels_either(tmp_path: Path) -> None:
    Image.new("L", (800, 600)).save(tmp_path / "a.jpg")
    with pytest.raises(PictureError, match="--max-pixels"):
        read_picture(tmp_path / "a.jpg", max_pixels=100_000, longest_px=10)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".avif", ".heic"])
def test_exif_and_xmp_are_kept_and_the_place_if_it_may_be(tmp_path: Path, suffix: str) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Leica"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (48.0, 31.0, 12.0)
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description %b/></rdf:RDF></x:xmpmeta>'
    before = Picture(
        picture().rgb, exif=exif.tobytes(), xmp=xmp % b'exif:GPSLatitude="48,31.2N" dc:title="wave"'
    )
    for kept in (before, without_gps(before)):
        write_picture(tmp_path / f"a{suffix}", kept, recipe="{}")
        after = read_picture(tmp_path / f"a{suffix}")
        found = Image.Exif()
        found.load(after.exif or b"")
        assert found[ExifTags.Base.Make] == "Leica"
        assert (ExifTags.IFD.GPSInfo in found) == (kept is before)
        assert after.xmp == kept.xmp
    assert b"GPS" not in (kept.xmp or b"")


def test_resizing_to_its_own_size_is_the_identity() -> None:
    before = picture()
    assert resize_picture(before, 60) is before


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("a.xyz", "suffix"), ("a", "suffix"), ("missing/a.png", "does not exist"), (".", "suffix")],
)
def test_what_cannot_be_written_is_said_before(tmp_path: Path, name: str, remedy: str) -> None:
    with pytest.raises(OutputError, match=remedy):
        check_writable(tmp_path / name)


def test_a_folder_is_no_place_to_write(tmp_path: Path) -> None:
    (tmp_path / "a.png").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        check_writable(tmp_path / "a.png")


def test_what_a_link_leads_to_is_checked(tmp_path: Path) -> None:
    (tmp_path / "link.png").symlink_to("missing/a.png")
    with pytest.raises(OutputError, match="missing does not exist"):
        check_writable(tmp_path / "link.png")
    (tmp_path / "loop.png").symlink_to("loop.png")
    with pytest.raises(OutputError, match=r"loop\.png could not be written \(.*\); .*\.$"):
        check_writable(tmp_path / "loop.png")


def test_a_name_too_long_is_said_before(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"could not be written \(file name too long\); .*\.$"):
        check_writable(tmp_path / ("é" * 126 + ".png"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_a_pipe_is_no_place_to_write(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(OutputError, match=r"no regular file; .*\.$"):
        check_writable(tmp_path / "a.png")


def test_a_picture_too_large_for_a_format_names_another(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="16383 pixels a side"):
        write_picture(tmp_path / "a.webp", Picture(np.zeros((1, 20_000, 3), np.float32)))


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.heic", Picture(picture().rgb))
    old = (tmp_path / "a.heic").read_bytes()
    with pytest.raises(OutputError, match="could not be written"):
        write_picture(tmp_path / "a.heic", Picture(picture().rgb), quality=10**6)
    assert (tmp_path / "a.heic").read_bytes() == old
    assert [file.name for file in tmp_path.iterdir()] == ["a.heic"]


@pytest.mark.skipif(not FILES, reason="the collection of files is not here")
@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_stored_files_open_or_get_a_sentence(file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    outcome: Picture | PictureError
    try:
        outcome = read_picture(file)
    except PictureError as reason:
        outcome = reason
    assert capfd.readouterr() == ("", "")
    if isinstance(outcome, PictureError):
        assert file.parent.name == "corrupt" or file.name in DAMAGED_ELSEWHERE
        assert str(file) in str(outcome)
        assert str(outcome).endswith(".")
        assert "\n" not in str(outcome)
    else:
        assert file.name not in DAMAGED_ELSEWHERE
        assert outcome.rgb.dtype == np.float32
        assert outcome.rgb.flags.c_contiguous
        assert outcome.rgb.min() >= 0
        assert outcome.rgb.max() <= 1
