"""What Pillow decodes: every mode, palettes, keys of transparency, frames and pages."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from impasto.media.picture import read_picture

GREY = np.random.default_rng(0).integers(0, 256, (12, 10), np.uint8)
RGB = np.random.default_rng(1).integers(0, 256, (12, 10, 3), np.uint8)


def levels(values: NDArray[Any]) -> NDArray[Any]:
    whole: NDArray[Any] = np.rint(values * 255).astype(np.uint8)
    return whole


def grey3(values: NDArray[Any]) -> NDArray[Any]:
    return np.repeat(values[..., None], 3, axis=2)


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp", "gif", "tga", "jp2", "pgm"])
def test_grey_is_three_equal_channels(tmp_path: Path, suffix: str) -> None:
    Image.fromarray(GREY).save(tmp_path / f"a.{suffix}")
    after = read_picture(tmp_path / f"a.{suffix}")
    assert np.array_equal(levels(after.rgb), grey3(GREY))
    assert not after.sixteen_bit


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp", "tga", "jp2", "ppm", "qoi", "pcx", "sgi"])
def test_rgb_is_exact_in_every_lossless_format(tmp_path: Path, suffix: str) -> None:
    Image.fromarray(RGB).save(tmp_path / f"a.{suffix}")
    assert np.array_equal(levels(read_picture(tmp_path / f"a.{suffix}").rgb), RGB)


def test_the_content_decides_not_the_name(tmp_path: Path) -> None:
    Image.fromarray(RGB).save(tmp_path / "a.jpg", "PNG")
    assert np.array_equal(levels(read_picture(tmp_path / "a.jpg").rgb), RGB)


def test_bilevel_is_black_and_white(tmp_path: Path) -> None:
    Image.fromarray(GREY > 127).save(tmp_path / "a.png")
    assert np.array_equal(levels(read_picture(tmp_path / "a.png").rgb), grey3((GREY > 127) * np.uint8(255)))


@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_alpha_and_the_colours_below_it_are_read(tmp_path: Path, suffix: str, mode: str) -> None:
    colours = grey3(GREY) if mode == "LA" else RGB
    stored = np.dstack([GREY if mode == "LA" else RGB, GREY[::-1]])
    options: dict[str, Any] = {"lossless": True, "exact": True} if suffix == "webp" else {}
    Image.fromarray(stored).save(tmp_path / f"a.{suffix}", **options)
    after = read_picture(tmp_path / f"a.{suffix}")
    assert after.alpha is not None
    assert np.array_equal(levels(after.alpha), GREY[::-1])
    assert np.array_equal(levels(after.rgb), colours)


@pytest.mark.parametrize("suffix", ["png", "gif"])
def test_palettes_with_and_without_a_transparent_entry(tmp_path: Path, suffix: str) -> None:
    image = Image.fromarray(GREY % 4).convert("P")
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
    image.save(tmp_path / f"a.{suffix}")
    image.save(tmp_path / f"b.{suffix}", transparency=2)
    opaque, holed = read_picture(tmp_path / f"a.{suffix}"), read_picture(tmp_path / f"b.{suffix}")
    assert opaque.alpha is None
    assert levels(opaque.rgb)[GREY % 4 == 1].max(axis=0).tolist() == [0, 255, 0]
    assert holed.alpha is not None
    assert np.array_equal(holed.alpha == 0, GREY % 4 == 2)
    assert np.array_equal(holed.rgb, opaque.rgb)


def test_a_transparent_colour_makes_alpha(tmp_path: Path) -> None:
    Image.fromarray(RGB).save(tmp_path / "a.png", transparency=tuple(int(level) for level in RGB[3, 4]))
    after = read_picture(tmp_path / "a.png")
    assert after.alpha is not None
    assert np.argwhere(after.alpha == 0).tolist() == [[3, 4]]
    assert np.array_equal(levels(after.rgb), RGB)


def test_a_16_bit_pgm_keeps_its_levels(tmp_path: Path) -> None:
    stored = np.arange(120, dtype=np.uint16).reshape(12, 10) * 500
    Image.fromarray(stored).save(tmp_path / "a.pgm")
    after = read_picture(tmp_path / "a.pgm")
    assert after.sixteen_bit
    assert np.array_equal(np.rint(after.rgb * 65535), grey3(stored))


def test_a_float_map_is_stretched_only_if_it_must_be(tmp_path: Path) -> None:
    values = np.linspace(0, 1, 120, dtype=np.float32).reshape(12, 10)
    Image.fromarray(values).save(tmp_path / "a.pfm")
    Image.fromarray(values * 255).save(tmp_path / "b.pfm")
    within, beyond = read_picture(tmp_path / "a.pfm"), read_picture(tmp_path / "b.pfm")
    assert np.array_equal(within.rgb, grey3(values))
    assert within.notes == ()
    assert np.allclose(beyond.rgb, within.rgb, atol=1e-6)
    assert "stretched" in beyond.notes[0]


@pytest.mark.parametrize(
    ("suffix", "part"),
    [
        ("gif", "frames"),
        ("png", "frames"),
        ("webp", "frames"),
        ("avif", "frames"),
        ("tif", "pages"),
        ("mpo", "pictures"),
    ],
)
def test_the_first_of_many_is_used_and_said(tmp_path: Path, suffix: str, part: str) -> None:
    shades = [Image.new("RGB", (16, 16), (shade, shade, shade)) for shade in (200, 100, 0)]
    shades[0].save(tmp_path / f"a.{suffix}", save_all=True, append_images=shades[1:])
    after = read_picture(tmp_path / f"a.{suffix}")
    assert np.allclose(after.rgb, 200 / 255, atol=0.02)
    assert after.notes == (f"only the first of its 3 {part} is used",)


def test_an_icon_gives_its_largest_picture(tmp_path: Path) -> None:
    Image.new("RGBA", (64, 64), (1, 2, 3, 255)).save(tmp_path / "a.ico", sizes=[(16, 16), (64, 64)])
    assert read_picture(tmp_path / "a.ico").size_px == (64, 64)


@pytest.mark.parametrize(("gamma", "expected"), [(1.0, 0.7366), (1 / 2.2, 128 / 255)])
def test_the_gamma_of_a_png_is_applied(tmp_path: Path, gamma: float, expected: float) -> None:
    chunks = PngImagePlugin.PngInfo()
    chunks.add(b"gAMA", round(gamma * 100_000).to_bytes(4))
    Image.new("RGB", (4, 4), (128, 128, 128)).save(tmp_path / "a.png", pnginfo=chunks)
    assert np.allclose(read_picture(tmp_path / "a.png").rgb, expected, atol=0.003)


def test_impossible_chromaticities_are_ignored(tmp_path: Path) -> None:
    chunks = PngImagePlugin.PngInfo()
    chunks.add(b"gAMA", (45_455).to_bytes(4))
    chunks.add(b"cHRM", bytes(32))
    Image.new("RGB", (4, 4), (128, 128, 128)).save(tmp_path / "a.png", pnginfo=chunks)
    assert np.allclose(read_picture(tmp_path / "a.png").rgb, 128 / 255)
