"""The frames of a film: all of them, any of them, and when they are shown."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from impasto.errors import FilmError
from impasto.media.film import Film, open_film
from impasto.media.frames import Timeline, chosen, glances, kept, read_frames, timeline
from tests.clips import SIZE, make_film, moving_square

FRAMES = [moving_square(number) for number in range(14)]


def line_of(film: Film) -> Timeline:
    return timeline(film, [(seen.time, seen.duration) for seen in glances(film, [])])


def test_any_frames_are_those_of_the_whole(tmp_path: Path) -> None:
    """Wherever decoding begins: across keyframes, with frames stored out of order."""
    film = open_film(make_film(tmp_path / "a.mp4", FRAMES, tags={"gop_size": 5}))
    line = line_of(film)
    everything = [picture.rgb for picture in read_frames(film, line, range(14), SIZE)]
    assert len(everything) == 14
    for indices in ([0], [3, 4], [7, 9, 13], [12]):
        some = [picture.rgb for picture in read_frames(film, line, indices, SIZE)]
        for index, rgb in zip(indices, some, strict=True):
            np.testing.assert_array_equal(rgb, everything[index])


@pytest.mark.parametrize(("matrix", "full"), [(1, 1), (1, 2), (6, 1), (9, 1)])
def test_colors_survive_for_every_matrix_and_range(tmp_path: Path, matrix: int, full: int) -> None:
    """Grey and black stay so in any; the encoder is told what the reader must undo."""
    grey = np.full((32, 48, 3), 128, np.uint8)
    grey[:, 24:] = 0
    film = open_film(
        make_film(tmp_path / "a.mkv", [grey] * 2, tags={"colorspace": matrix, "color_range": full})
    )
    assert film.colors.full_range == (full == 2)
    rgb = next(read_frames(film, line_of(film), [0], SIZE)).rgb
    expected = (128, 0) if full == 1 else ((128 * 219 / 255 + 16), 16)  # drawn in limited range
    assert np.abs(rgb[:, 2:20] * 255 - expected[0]).max() < 3
    assert np.abs(rgb[:, 28:] * 255 - expected[1]).max() < 3


def test_variable_times_are_kept(tmp_path: Path) -> None:
    times = [0, 40, 120, 160, 300]
    film = open_film(make_film(tmp_path / "a.mkv", FRAMES[:5], times_ms=times))
    line = line_of(film)
    assert [round(line.seconds(n) * 1000) for n in range(5)] == times
    assert line.steady_rate() is None


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(25), Fraction(30_000, 1001), Fraction(24_000, 1001)])
def test_a_steady_rate_is_found_in_rounded_times(rate: Fraction) -> None:
    count = 3000
    times = [round(n / rate * 1000) for n in range(count + 1)]
    assert Timeline(tuple(times[:-1]), times[-1], Fraction(1, 1000)).steady_rate() == rate


def test_a_rotated_film_is_read_upright(tmp_path: Path) -> None:
    film = open_film(make_film(tmp_path / "a.mp4", [FRAMES[0]] * 2, rotation=90))
    upright = next(read_frames(film, line_of(film), [0], film.size_px)).rgb
    expected = np.rot90(FRAMES[0].astype(np.float32) / 255)
    assert upright.shape == expected.shape
    assert np.abs(upright - expected).mean() < 0.05


def test_a_part_is_chosen_by_seconds_and_thinned_out() -> None:
    line = Timeline(tuple(range(0, 100, 10)), 100, Fraction(1, 10))
    assert chosen(line, 2.0, 6.0) == [2, 3, 4, 5]
    assert chosen(line, every=4) == [0, 4, 8]
    thin = kept(line, [0, 4, 8])
    assert thin.end == 100
    assert thin.steady_rate() is None
    assert kept(line, [0, 5]).steady_rate() == Fraction(1, 5)
    assert all(later > earlier for earlier, later in pairwise(thin.times))


def test_frames_without_times_are_counted() -> None:
    film = Film(Path("a.avi"), SIZE, Fraction(25), Fraction(1, 1000))
    line = timeline(film, [(None, 0), (None, 0), (None, 0)])
    assert (line.counted, line.steady_rate(), len(line.times)) == (True, Fraction(25), 3)
    assert timeline(film, [(0, 40), (0, 40)]).counted
    with pytest.raises(FilmError, match="no frame"):
        timeline(film, [])


def test_a_cut_off_film_is_read_up_to_the_cut_and_said(tmp_path: Path) -> None:
    frames = [np.random.default_rng(n).integers(0, 255, (32, 48, 3), np.uint8) for n in range(90)]
    whole = make_film(tmp_path / "a.mkv", frames, codec="ffv1", pixel_format="yuv444p")
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    film = open_film(cut)
    damage: list[str] = []
    seen = [(seen.time, seen.duration) for seen in glances(film, damage)]
    assert 30 < len(seen) < 60
    line = timeline(film, seen)
    assert len(list(read_frames(film, line, range(len(seen)), SIZE))) == len(seen)
    assert len(damage) == 1


def test_pictures_are_read_as_frames(tmp_path: Path) -> None:
    for number in range(3):
        Image.fromarray(FRAMES[number]).save(tmp_path / f"{number}.png")
    film = open_film(tmp_path)
    line = line_of(film)
    second = next(read_frames(film, line, [1, 2], SIZE))
    np.testing.assert_allclose(second.rgb * 255, FRAMES[1], atol=1e-3)
    Image.fromarray(FRAMES[0][:16]).save(tmp_path / "2.png")
    with pytest.raises(FilmError, match="another size"):
        list(read_frames(film, line, [2], SIZE))
