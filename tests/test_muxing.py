"""Films written: what was read comes back, at the same times, with the same sound."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from impasto.errors import OutputError
from impasto.media.codecs import CONTAINERS, encoding_for
from impasto.media.film import Film, open_film
from impasto.media.frames import chosen, glances, kept, read_frames, timeline
from impasto.media.muxing import write_film
from impasto.media.picture import Picture
from impasto.options import FilmCodec
from tests.clips import SIZE, make_film, moving_square, sound_packets

FRAMES = [moving_square(number) for number in range(12)]


def copy_film(source: Path, output: Path, codec: FilmCodec = "auto", start_s: float = 0) -> list[str]:
    film = open_film(source)
    line = timeline(film, [(seen.time, seen.duration) for seen in glances(film, [])])
    indices = chosen(line, start_s)
    encoding = encoding_for(output, film, film.size_px, codec)
    frames = read_frames(film, line, indices, encoding.size_px)
    return write_film(output, film, kept(line, indices), frames, encoding, whole=start_s == 0)


def all_frames(path: Path) -> tuple[Film, list[Picture], list[float]]:
    film = open_film(path)
    line = timeline(film, [(seen.time, seen.duration) for seen in glances(film, [])])
    count = len(line.times)
    return (
        film,
        list(read_frames(film, line, range(count), film.size_px)),
        [line.seconds(n) for n in range(count + 1)],
    )


@pytest.mark.parametrize("suffix", sorted(set(CONTAINERS) - {".webp"}))
def test_every_container_gives_the_frames_back(tmp_path: Path, suffix: str) -> None:
    rate = Fraction(25) if suffix == ".gif" else Fraction(30_000, 1001)
    source = make_film(tmp_path / "a.mkv", FRAMES, rate)
    copy_film(source, tmp_path / f"b{suffix}")
    _, before, times = all_frames(source)
    film, after, new_times = all_frames(tmp_path / f"b{suffix}")
    assert film.size_px == SIZE
    assert len(after) == len(before)
    assert np.abs(np.array(times) - new_times).max() < 0.011
    worst = max(float(np.abs(a.rgb - b.rgb).mean()) for a, b in zip(before, after, strict=True))
    assert worst < (0.05 if suffix == ".gif" else 0.03)


def test_the_rate_stays_a_fraction(tmp_path: Path) -> None:
    rate = Fraction(24_000, 1001)
    copy_film(make_film(tmp_path / "a.mp4", FRAMES, rate), tmp_path / "b.mp4")
    with av.open(tmp_path / "b.mp4") as container:
        stream = container.streams.video[0]
        assert stream.average_rate == rate
        assert stream.duration is not None
        assert stream.time_base is not None
        assert stream.duration * stream.time_base == len(FRAMES) / rate


def test_variable_times_are_written(tmp_path: Path) -> None:
    times = [0, 40, 120, 160, 300]
    copy_film(make_film(tmp_path / "a.mkv", FRAMES[:5], times_ms=times), tmp_path / "b.mp4")
    _, _, seconds = all_frames(tmp_path / "b.mp4")
    assert [round(second * 1000) for second in seconds[:-1]] == times


def test_sound_is_copied_bit_for_bit(tmp_path: Path) -> None:
    source = make_film(tmp_path / "a.mp4", FRAMES * 2, sound="aac")
    assert copy_film(source, tmp_path / "b.mkv") == []
    assert sound_packets(tmp_path / "b.mkv") == sound_packets(source)


def test_sound_that_does_not_fit_is_encoded_anew_and_said(tmp_path: Path) -> None:
    source = make_film(tmp_path / "a.mp4", FRAMES * 2, sound="aac")
    notes = copy_film(source, tmp_path / "b.webm")
    assert [note for note in notes if "encoded anew, as opus" in note]
    with av.open(tmp_path / "b.webm") as container:
        samples = sum(frame.samples for frame in container.decode(audio=0))
    assert abs(samples / 48_000 - 1) < 0.05
    assert copy_film(source, tmp_path / "b.gif") == ["gif holds no sound"]


def test_a_cut_film_has_the_sound_of_its_part(tmp_path: Path) -> None:
    source = make_film(tmp_path / "a.mp4", FRAMES * 4, sound="aac")
    copy_film(source, tmp_path / "b.mp4", start_s=1.0)
    parts = sound_packets(tmp_path / "b.mp4")
    every = sound_packets(source)
    assert every[-len(parts) :] == parts
    assert abs(len(parts) - len(every) / 2) <= 2


def test_tags_pixel_aspect_and_ten_bits_are_kept(tmp_path: Path) -> None:
    tags = {
        "colorspace": 9,
        "color_range": 1,
        "color_trc": 16,
        "color_primaries": 9,
        "sample_aspect_ratio": Fraction(4, 3),
    }
    frames = [moving_square(number, (96, 64)) for number in range(3)]
    source = make_film(tmp_path / "a.mkv", frames, pixel_format="yuv420p10le", tags=tags)
    copy_film(source, tmp_path / "b.mp4")
    before, after = open_film(source), open_film(tmp_path / "b.mp4")
    assert (after.colors, after.sixteen_bit, after.pixel_aspect) == (before.colors, True, Fraction(4, 3))
    assert after.codec == "hevc"


def test_transparency_is_kept_where_it_can_be(tmp_path: Path) -> None:
    cut_out = [
        np.dstack([frame, np.where(frame[..., 0] > 200, 255, 0).astype(np.uint8)]) for frame in FRAMES[:3]
    ]
    source = make_film(tmp_path / "a.mkv", cut_out, codec="ffv1", pixel_format="bgra")
    for suffix in (".webm", ".mov", ".mkv", ".gif", ".apng"):
        copy_film(source, tmp_path / f"b{suffix}")
        film, pictures, _ = all_frames(tmp_path / f"b{suffix}")
        assert film.has_alpha
        alpha = pictures[0].alpha
        assert alpha is not None
        assert np.abs(alpha * 255 - cut_out[0][..., 3]).mean() < 3
    notes = copy_film(source, tmp_path / "b.mp4")
    assert [note for note in notes if "no transparency" in note]


def test_chapters_are_kept(tmp_path: Path) -> None:
    source = make_film(tmp_path / "a.mkv", FRAMES * 2, chapters=[(0, 400), (400, 1000)])
    copy_film(source, tmp_path / "b.mkv")
    with av.open(tmp_path / "b.mkv") as container:
        found = [(c["start"] * (c["time_base"] or 0), c["metadata"]["title"]) for c in container.chapters()]
    assert found == [(0, "0"), (Fraction(2, 5), "1")]


def test_odd_sizes_are_kept_where_the_codec_can(tmp_path: Path) -> None:
    odd = [moving_square(n, (45, 31)) for n in range(3)]
    source = make_film(tmp_path / "a.mkv", odd, codec="ffv1", pixel_format="bgr0")
    copy_film(source, tmp_path / "b.webm")
    assert open_film(tmp_path / "b.webm").size_px == (45, 31)


def test_what_does_not_go_together_is_refused(tmp_path: Path) -> None:
    film = Film(tmp_path / "a.mp4", SIZE, Fraction(24), Fraction(1, 24))
    for name, codec in (("b.xyz", "auto"), ("b.webm", "h264"), ("b", "auto"), ("b.mp4", "h265")):
        with pytest.raises(OutputError, match="; "):
            encoding_for(tmp_path / name, film, SIZE, codec)  # type: ignore[arg-type]


def test_a_film_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    source = make_film(tmp_path / "a.mp4", FRAMES)
    film = open_film(source)
    line = timeline(film, [(seen.time, seen.duration) for seen in glances(film, [])])

    def failing() -> Iterator[Picture]:
        yield from read_frames(film, line, range(3), SIZE)
        raise OutputError("The disk is full; make room.")

    with pytest.raises(OutputError, match="disk is full"):
        write_film(
            tmp_path / "b.mp4",
            film,
            line,
            failing(),
            encoding_for(tmp_path / "b.mp4", film, SIZE),
            whole=True,
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4"]
