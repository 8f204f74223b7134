"""Animations: what goes in comes out, frame by frame and to the tick."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image

from impasto.errors import OutputError, PictureError
from impasto.media.animation import ANIMATED_SUFFIXES, Frame, animation_in, read_frames, writing_animation
from impasto.media.picture import Picture, read_picture, read_recipe
from impasto.media.profiles import srgb_profile

SECOND = Fraction(1)
EXACT = [".gif", ".png"]


def frame(rgba: NDArray[np.uint8], delay_s: Fraction = SECOND / 10) -> Frame:
    values = (rgba / np.float32(255)).astype(np.float32)
    return Frame(Picture(values[..., :3], values[..., 3]), delay_s)


def moving_dot(count: int = 5, *, see_through: bool = False) -> list[Frame]:
    """A white dot that wanders over noise, or over nothing."""
    noise = np.random.default_rng(0).integers(0, 256, (24, 32, 4), np.uint8)
    noise[..., 3] = 0 if see_through else 255
    frames = []
    for step in range(count):
        pixels = noise.copy()
        pixels[8:14, 4 * step : 4 * step + 6] = 255
        frames.append(frame(pixels))
    return frames


def save(path: Path, frames: Sequence[Frame], plays: int = 0, recipe: str | None = None) -> None:
    with writing_animation(path, frames[0].picture, plays, recipe=recipe) as add:
        for each in frames:
            add(each)


def rgba_of(picture: Picture) -> NDArray[np.uint8]:
    alpha = np.ones(picture.rgb.shape[:2], np.float32) if picture.alpha is None else picture.alpha
    pixels: NDArray[np.uint8] = np.rint(np.dstack([picture.rgb, alpha]) * 255).astype(np.uint8)
    pixels[pixels[..., 3] == 0] = 0
    return pixels


@settings(max_examples=60, deadline=None)
@given(
    frames=st.integers(1, 5).flatmap(
        lambda count: arrays(np.uint8, (count, 3, 5, 4), elements=st.sampled_from([0, 80, 255]))
    ),
    suffix=st.sampled_from(EXACT),
)
def test_any_frames_come_back_exactly(
    tmp_path_factory: pytest.TempPathFactory, frames: NDArray[np.uint8], suffix: str
) -> None:
    if suffix == ".gif":
        frames[..., 3] = np.where(frames[..., 3] < 128, 0, 255)
    frames[frames[..., 3] == 0] = 0
    path = tmp_path_factory.mktemp("moving") / f"a{suffix}"
    save(path, [frame(pixels) for pixels in frames])
    found = [rgba_of(each.picture) for each in read_frames(path)]
    assert np.array_equal(found, frames)


@pytest.mark.parametrize("see_through", [False, True])
def test_webp_frames_come_back_nearly(tmp_path: Path, see_through: bool) -> None:
    frames = moving_dot(see_through=see_through)
    save(tmp_path / "a.webp", frames)
    found = list(read_frames(tmp_path / "a.webp"))
    assert len(found) == len(frames)
    for before, after in zip(frames, found, strict=True):
        assert np.array_equal(rgba_of(after.picture)[..., 3], rgba_of(before.picture)[..., 3])
        assert after.picture.alpha is None or see_through
        difference = rgba_of(after.picture).astype(int) - rgba_of(before.picture)
        assert np.abs(difference).mean() < 40


@pytest.mark.parametrize("suffix", ANIMATED_SUFFIXES)
def test_times_and_loops_come_back_exactly(tmp_path: Path, suffix: str) -> None:
    delays = [SECOND * hundredths / 100 for hundredths in (4, 0, 100, 7, 1)]
    frames = [replace(each, delay_s=delay) for each, delay in zip(moving_dot(), delays, strict=True)]
    for plays in (0, 1, 2, 7):
        save(tmp_path / f"a{suffix}", frames, plays)
        found = animation_in(tmp_path / f"a{suffix}")
        assert found is not None
        assert (found.frames, found.plays) == (5, plays)
        assert [each.delay_s for each in read_frames(tmp_path / f"a{suffix}")] == delays


def test_times_that_a_format_cannot_hold_are_never_far_off(tmp_path: Path) -> None:
    frames = [replace(each, delay_s=SECOND / 24) for each in moving_dot(24)]
    for suffix, tick_s in ((".gif", SECOND / 100), (".webp", SECOND / 1000), (".png", 0)):
        save(tmp_path / f"a{suffix}", frames)
        now = Fraction(0)
        for number, each in enumerate(read_frames(tmp_path / f"a{suffix}"), 1):
            now += each.delay_s
            assert abs(now - SECOND * number / 24) <= tick_s / 2


@pytest.mark.parametrize("delay_s", [SECOND * 100_000, Fraction(655_361, 10), SECOND / 100_000])
@pytest.mark.parametrize("suffix", ANIMATED_SUFFIXES)
def test_times_out_of_range_are_cut_to_it(tmp_path: Path, suffix: str, delay_s: Fraction) -> None:
    frames = [replace(each, delay_s=delay_s) for each in moving_dot(2)]
    save(tmp_path / f"a{suffix}", frames)
    found = [each.delay_s for each in read_frames(tmp_path / f"a{suffix}")]
    assert all(0 <= each <= delay_s + SECOND / 100_000 for each in found)


@pytest.mark.parametrize("suffix", ANIMATED_SUFFIXES)
def test_what_stands_still_stays_exactly_and_costs_nothing(tmp_path: Path, suffix: str) -> None:
    colours = np.random.default_rng(1).integers(0, 256, (96, 96, 4), np.uint8)
    colours[..., 3] = 255
    later = colours.copy()
    later[80:, 80:] = 255
    save(tmp_path / f"one{suffix}", [frame(colours)] * 2)
    save(tmp_path / f"many{suffix}", [frame(colours)] * 10 + [frame(later)])
    frames = [rgba_of(each.picture) for each in read_frames(tmp_path / f"many{suffix}")]
    assert np.array_equal(frames[0][:80, :80], frames[-1][:80, :80])
    one, many = ((tmp_path / f"{name}{suffix}").stat().st_size for name in ("one", "many"))
    assert many < 1.2 * one + 5000


def test_many_colours_are_near_in_a_gif(tmp_path: Path) -> None:
    y, x = np.mgrid[0:96, 0:96] / 96
    scene = np.stack([x, y, 1 - x], -1).astype(np.float32)
    save(tmp_path / "a.gif", [Frame(Picture(scene), SECOND)])
    found = read_picture(tmp_path / "a.gif").rgb
    assert np.abs(found - scene).mean() < 0.02
    blocks = (found - scene).reshape(12, 8, 12, 8, 3).mean((1, 3))
    assert np.abs(blocks).max() < 0.03  # dithered: no bands


@pytest.mark.parametrize("suffix", ANIMATED_SUFFIXES)
def test_labels_and_the_recipe_ride_along(tmp_path: Path, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Leica"
    frames = moving_dot()
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><a/></rdf:RDF></x:xmpmeta>'
    like = replace(frames[0].picture, exif=exif.tobytes(), xmp=xmp, profile=srgb_profile())
    save(tmp_path / f"a{suffix}", [replace(frames[0], picture=like), *frames[1:]], recipe='{"a": 1}')
    assert read_recipe(tmp_path / f"a{suffix}") == '{"a": 1}'
    if suffix != ".gif":
        found = next(read_frames(tmp_path / f"a{suffix}")).picture
        assert (found.exif, found.xmp, found.profile) == (exif.tobytes(), xmp, srgb_profile())


def test_an_animation_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with writing_animation(tmp_path / "a.gif", moving_dot()[0].picture, 0) as add:
            add(moving_dot()[0])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_frames_too_large_for_a_format_are_refused(tmp_path: Path) -> None:
    wide = frame(np.zeros((1, 20_000, 4), np.uint8))
    with pytest.raises(OutputError, match="16383 pixels a side"):
        save(tmp_path / "a.webp", [wide])


def test_a_still_picture_does_not_move(tmp_path: Path) -> None:
    for name in ("a.png", "a.jpg", "a.gif", "a.webp", "a.tif"):
        Image.new("RGB", (4, 4)).save(tmp_path / name)
        assert animation_in(tmp_path / name) is None


def test_a_picture_for_those_who_see_no_animations_is_no_frame(tmp_path: Path) -> None:
    shades = [Image.new("L", (4, 4), shade) for shade in (255, 0, 100)]
    shades[0].save(tmp_path / "a.png", save_all=True, append_images=shades[1:], default_image=True)
    found = animation_in(tmp_path / "a.png")
    assert found is not None
    assert found.frames == 2
    levels = [round(float(each.picture.rgb.max()) * 255) for each in read_frames(tmp_path / "a.png")]
    assert levels == [0, 100]


def test_frames_turn_with_the_orientation_of_the_file(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    shades = [Image.new("RGB", (6, 4), (shade,) * 3) for shade in (0, 100)]
    shades[0].save(tmp_path / "a.webp", save_all=True, append_images=shades[1:], exif=exif)
    assert [each.picture.size_px for each in read_frames(tmp_path / "a.webp")] == [(4, 6)] * 2


def test_a_file_cut_off_gives_the_frames_before_and_a_sentence(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), np.uint8)
    whole = BytesIO()
    images = [Image.fromarray(each) for each in noise]
    images[0].save(whole, "GIF", save_all=True, append_images=images[1:])
    (tmp_path / "a.gif").write_bytes(whole.getvalue()[: len(whole.getvalue()) * 3 // 5])
    frames = read_frames(tmp_path / "a.gif")
    next(frames)
    with pytest.raises(PictureError, match=r"a\.gif is damaged"):
        list(frames)


def test_a_picture_is_read_while_frames_wait(tmp_path: Path) -> None:
    save(tmp_path / "a.gif", moving_dot())
    for each in read_frames(tmp_path / "a.gif"):
        assert read_picture(tmp_path / "a.gif").size_px == each.picture.size_px
