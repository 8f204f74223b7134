import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from impasto.media.scaling import decode_srgb, encode_srgb, fit_within, resize, resize_with_alpha

sides = st.integers(1, 40)


@given(st.tuples(st.integers(1, 100_000), st.integers(1, 100_000)), st.integers(1, 10_000))
def test_fitting_keeps_the_shape(size_px: tuple[int, int], longest_px: int) -> None:
    width, height = fit_within(size_px, longest_px)
    assert max(width, height) == longest_px
    assert min(width, height) >= 1
    exact = min(size_px) * longest_px / max(size_px)
    assert abs(min(width, height) - max(1, exact)) <= 0.5


@given(st.floats(0, 1, width=32))
def test_encoding_undoes_decoding(value: float) -> None:
    values = np.full(1, value, np.float32)
    assert np.allclose(encode_srgb(decode_srgb(values)), values, atol=1e-6)


@settings(max_examples=30)
@given(st.floats(0, 1, width=32), sides, sides, sides, sides)
def test_a_constant_stays_that_constant(value: float, height: int, width: int, tall: int, wide: int) -> None:
    resized = resize(np.full((height, width, 3), value, np.float32), (wide, tall))
    assert resized.shape == (tall, wide, 3)
    assert resized.dtype == np.float32
    assert np.allclose(resized, value, atol=2e-6)


def test_a_checkerboard_averages_in_linear_light() -> None:
    board = np.indices((32, 32)).sum(axis=0) % 2
    half = resize(np.repeat(board[..., None], 3, axis=2).astype(np.float32), (16, 16))
    assert np.allclose(half[2:-2, 2:-2], 0.7354, atol=1e-3)


@pytest.mark.parametrize("size_px", [(7, 5), (64, 64), (200, 90), (10, 120)])
def test_an_edge_does_not_ring_out_of_range(size_px: tuple[int, int]) -> None:
    edge = np.zeros((48, 48, 3), np.float32)
    edge[:, 24:] = 1
    resized = resize(edge, size_px)
    assert resized.min() >= 0
    assert resized.max() <= 1
    assert np.allclose(resized[:, 0], 0)
    assert np.allclose(resized[:, -1], 1)


@pytest.mark.parametrize("size_px", [(640, 480), (1171, 1777), (1201, 1300), (1300, 1801)])
def test_strips_give_the_pixels_of_the_whole(size_px: tuple[int, int]) -> None:
    plane = np.random.default_rng(0).random((1777, 1201), np.float32)
    kernel = Image.Resampling.BICUBIC if size_px[0] > 1201 else Image.Resampling.HAMMING
    whole = encode_srgb(np.asarray(Image.fromarray(decode_srgb(plane)).resize(size_px, kernel)))
    assert np.allclose(resize(plane[..., None], size_px)[..., 0], whole, rtol=0, atol=1e-6)


def test_reducing_does_not_alias() -> None:
    stripes = np.zeros((64, 99, 3), np.float32)
    stripes[:, ::3] = 1
    reduced = resize(stripes, (20, 64))
    assert np.ptp(reduced[:, 2:-2]) < 0.12


def test_opaque_alpha_changes_nothing() -> None:
    rgb = np.random.default_rng(0).random((30, 20, 3), np.float32)
    colours, alpha = resize_with_alpha(rgb, np.ones((30, 20), np.float32), (11, 17))
    assert np.allclose(colours, resize(rgb, (11, 17)), atol=1e-5)
    assert np.allclose(alpha, 1, atol=1e-6)


def test_colours_below_full_transparency_are_averaged() -> None:
    rgb = np.full((16, 16, 3), 0.5, np.float32)
    colours, alpha = resize_with_alpha(rgb, np.zeros((16, 16), np.float32), (4, 4))
    assert np.allclose(colours, 0.5, atol=1e-6)
    assert not alpha.any()
