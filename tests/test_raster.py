import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from impasto.media.raster import exposed, full_range, lab_units, parted, refuse_beyond


@given(st.integers(9, 16))
def test_any_depth_uses_the_full_range(bits: int) -> None:
    peak = (1 << bits) - 1
    stored = np.array([0, peak // 2, peak], np.uint16)
    assert np.allclose(full_range(stored, bits) / 65535, stored / peak, atol=1 / 65535)


def test_32_bits_become_16() -> None:
    assert full_range(np.array([0, 2**32 - 1], np.uint32), 32).tolist() == [0, 65535]


def test_floats_in_range_are_clipped_without_a_note() -> None:
    values = np.linspace(0, 1.01, 200, dtype=np.float32)
    assert np.array_equal(exposed(values)[0], np.minimum(values, 1))
    assert exposed(values)[1] is None


@pytest.mark.parametrize(("low", "high"), [(0, 255), (-3, 3), (5, 65535)])
def test_other_numbers_are_stretched_with_a_note(low: float, high: float) -> None:
    values, note = exposed(np.linspace(low, high, 50))
    assert values.dtype == np.float32
    assert values.min() == pytest.approx(max(low, 0) / high)
    assert values.max() == 1
    assert note is not None


@pytest.mark.parametrize("value", [0, 0.5, 7, -2, np.nan, np.inf])
def test_a_constant_or_a_hole_is_in_range(value: float) -> None:
    values, _ = exposed(np.full((2, 2), value))
    assert np.all((values >= 0) & (values <= 1))


def test_premultiplied_colours_are_divided_and_holes_kept() -> None:
    stored = np.array([[[50, 25, 0, 128], [0, 0, 0, 0]]], np.uint8)
    samples, alpha = parted(stored, "rgb", has_alpha=True, premultiplied=True)
    assert np.allclose(samples[0], np.array([[50 / 128, 25 / 128, 0], [0, 0, 0]]), atol=1e-6)
    assert alpha is not None
    assert alpha.tolist() == [[128, 0]]


def test_too_few_channels_are_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        parted(np.zeros((2, 2, 2)), "rgb", has_alpha=False)


def test_lab_of_each_encoding_has_the_same_units() -> None:
    expected = [[[100, -10, 20]]]
    assert lab_units(np.array([[[255, 246, 20]]], np.uint8), offset=False).tolist() == expected
    assert lab_units(np.array([[[255, 118, 148]]], np.uint8), offset=True).tolist() == expected
    assert lab_units(np.array([[[65535, 65536 - 2560, 5120]]], np.uint16), offset=False).tolist() == expected
    assert lab_units(np.array([[[65280, 30208, 37888]]], np.uint16), offset=True).tolist() == expected


def test_the_limit_is_the_last_allowed_size() -> None:
    refuse_beyond(6, 2, 3)
    with pytest.raises(Image.DecompressionBombError):
        refuse_beyond(5, 2, 3)
