"""What a film's file says, and every way it can disappoint."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from impasto.errors import FilmError
from impasto.media.film import open_film
from tests.clips import SIZE, make_film, moving_square


def test_rate_and_size_are_exact(tmp_path: Path) -> None:
    rate = Fraction(30_000, 1001)
    film = open_film(make_film(tmp_path / "a.mp4", [moving_square(n) for n in range(6)], rate))
    assert (film.rate, film.size_px, film.has_alpha, film.sixteen_bit) == (rate, SIZE, False, False)


def test_a_rotated_film_is_upright(tmp_path: Path) -> None:
    film = open_film(make_film(tmp_path / "a.mp4", [moving_square(0)] * 3, rotation=90))
    assert film.size_px == SIZE[::-1]
    assert film.quarter_turns == 1


def test_tags_and_depth_are_told(tmp_path: Path) -> None:
    tags = {"colorspace": 9, "color_range": 2, "color_trc": 16, "color_primaries": 9}
    film = open_film(
        make_film(tmp_path / "a.mkv", [moving_square(0)] * 3, pixel_format="yuv420p10le", tags=tags)
    )
    assert film.sixteen_bit
    assert (film.colors.matrix, film.colors.full_range) == (9, True)
    assert (film.colors.transfer, film.colors.primaries) == (16, 9)


def test_untagged_colors_are_taken_as_players_take_them(tmp_path: Path) -> None:
    small = open_film(make_film(tmp_path / "a.mp4", [moving_square(0)] * 2))
    large = open_film(make_film(tmp_path / "b.mp4", [moving_square(0, (1280, 720))] * 2))
    assert (small.colors.matrix, large.colors.matrix) == (6, 1)


def test_pictures_in_a_folder_are_a_film_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number in (1, 2, 10):
        Image.fromarray(moving_square(number)).save(tmp_path / f"{number}.png")
    (tmp_path / "notes.txt").write_text("no picture")
    for path in (tmp_path, tmp_path / "%d.png"):
        film = open_film(path, Fraction(10))
        assert [file.stem for file in film.pictures] == ["1", "2", "10"]
        assert (film.rate, film.size_px) == (Fraction(10), SIZE)


def test_what_is_no_film_is_refused_in_one_sentence(tmp_path: Path) -> None:
    good = make_film(tmp_path / "good.mp4", [moving_square(n) for n in range(6)], sound="aac")
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(good.read_bytes()[:900])
    text = tmp_path / "text.mp4"
    text.write_text("no film")
    empty = tmp_path / "empty.mkv"
    empty.touch()
    (tmp_path / "nothing").mkdir()
    sound_only = tmp_path / "sound.m4a"
    with av.open(sound_only, "w", format="mp4") as output:
        stream = output.add_stream("aac", rate=48_000)
        tone = av.AudioFrame.from_ndarray(np.zeros((2, 4800), np.float32), format="fltp", layout="stereo")
        tone.sample_rate = 48_000
        output.mux(stream.encode(tone))
        output.mux(stream.encode(None))
    for path in (
        cut,
        text,
        empty,
        sound_only,
        tmp_path / "gone.mp4",
        tmp_path / "nothing",
        tmp_path / "%d.png",
    ):
        with pytest.raises(FilmError, match=r"; .*\.$"):
            open_film(path)


@pytest.mark.parametrize("name", ["photo.png", "photo.jpg", "photo.webp"])
def test_a_single_picture_is_no_film(picture_file: Callable[..., Path], name: str) -> None:
    with pytest.raises(FilmError, match=rf"single picture; paint it with: impasto {name} STYLE"):
        open_film(picture_file("photo", name))
