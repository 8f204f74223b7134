from pathlib import Path
from typing import Any

import numpy as np
import pytest
from imagecodecs import cms_profile
from PIL import Image

from impasto.media.picture import read_picture
from impasto.media.profiles import gamma_profile, srgb_profile, to_srgb

SRGB = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
PIXELS = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)


def foreign_srgb() -> bytes:
    """sRGB by a profile of other bytes than our own."""
    return srgb_profile()[:24] + bytes(12) + srgb_profile()[36:]


@pytest.mark.parametrize("profile", [None, srgb_profile(), foreign_srgb()])
def test_srgb_is_kept_to_the_level(profile: bytes | None) -> None:
    rgb, used, note = to_srgb(PIXELS, "rgb", profile)
    assert np.array_equal(np.rint(rgb * 255), PIXELS)
    assert (used, note) == (profile, None)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_adobe_rgb_is_converted_alike_in_every_depth(dtype: type[Any]) -> None:
    grey, green = [0.5, 0.5, 0.5], [0.2, 0.6, 0.2]
    highest = 1 if dtype is np.float32 else np.iinfo(dtype).max
    samples = np.rint(np.array([[grey, green]]) * 255) / 255 * highest
    rgb, used, _ = to_srgb(samples.astype(dtype), "rgb", cms_profile("adobergb"))
    assert used is not None
    assert np.allclose(rgb[0, 0], 0.5, atol=0.01)
    assert rgb[0, 1, 0] < 0.05  # sRGB has no such green: its red is nearly nothing
    eight_bit, _, _ = to_srgb(np.array([[[51, 153, 51]]], np.uint8), "rgb", cms_profile("adobergb"))
    assert np.allclose(rgb[0, 1], eight_bit, atol=0.003)


def test_grey_with_an_rgb_profile_stays_grey() -> None:
    rgb, used, note = to_srgb(PIXELS[..., :1], "grey", foreign_srgb())
    assert np.array_equal(np.rint(rgb * 255), np.repeat(PIXELS[..., :1], 3, axis=2))
    assert used is not None
    assert note is None


def test_a_grey_profile_applies_its_curve() -> None:
    linear = cms_profile("gray", gamma=1.0)
    rgb, used, _ = to_srgb(np.full((2, 2, 1), 128, np.uint8), "grey", linear)
    assert np.allclose(rgb, 0.7366, atol=0.003)
    assert used == linear


def test_a_profile_of_another_space_is_ignored_with_a_note() -> None:
    cmyk = np.zeros((2, 2, 4), np.uint8)
    rgb, used, note = to_srgb(cmyk, "cmyk", srgb_profile())
    assert np.array_equal(rgb, np.ones((2, 2, 3)))
    assert used is None
    assert note is not None


def test_lab_white_black_and_grey_are_neutral() -> None:
    lab = np.array([[[100, 0, 0], [0, 0, 0], [53.389, 0, 0]]], np.float32)
    rgb, _, _ = to_srgb(lab, "lab", None)
    assert np.allclose(rgb[0], np.array([[1], [0], [0.5]]), atol=1e-3)


def test_a_gamma_of_one_means_linear_light() -> None:
    rgb, _, _ = to_srgb(np.full((1, 1, 3), 128, np.uint8), "rgb", gamma_profile(1.0, SRGB))
    assert np.allclose(rgb, 0.7366, atol=0.003)


def test_bands_of_rows_leave_no_seam() -> None:
    large = np.tile(PIXELS, (700, 130, 1))
    assert np.array_equal(np.rint(to_srgb(large, "rgb", foreign_srgb())[0] * 255), large)


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
@pytest.mark.parametrize(("ink", "light"), [((0, 0, 0, 0), 1.0), ((0, 0, 0, 255), 0.0)])
def test_cmyk_white_is_white_and_black_black(
    tmp_path: Path, suffix: str, ink: tuple[int, ...], light: float
) -> None:
    Image.new("CMYK", (16, 16), ink).save(tmp_path / f"a{suffix}")
    assert np.allclose(read_picture(tmp_path / f"a{suffix}").rgb, light, atol=0.01)


def test_a_broken_profile_is_ignored_with_a_note(tmp_path: Path) -> None:
    profile = bytes(16) + b"RGB " + bytes(200)
    Image.fromarray(PIXELS).save(tmp_path / "a.png", icc_profile=profile)
    after = read_picture(tmp_path / "a.png")
    assert np.array_equal(after.rgb, np.divide(PIXELS, 255, dtype=np.float32))
    assert after.profile is None
    assert "profile" in after.notes[0]
