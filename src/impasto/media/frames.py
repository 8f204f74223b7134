"""The frames of a film: a quick look at all of them, and any of them as pictures."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple, cast

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter
from numpy.typing import NDArray

from impasto.errors import FilmError
from impasto.media.film import Film, decoded, opened_film
from impasto.media.picture import Picture, read_picture
from impasto.media.profiles import unit
from impasto.media.scaling import resize, resize_with_alpha

EXACTLY: Final = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
GLANCE_PX: Final = 64
LATE_S: Final = 1.0
"""A film that ends this much before the length it claims was cut off."""


class Glance(NamedTuple):
    """A frame in passing. time: in the film's time base, None if it has none; grey: (64, 64) uint8."""

    time: int | None
    duration: int
    grey: NDArray[np.uint8]


@dataclass(frozen=True)
class Timeline:
    """When each frame is shown: times ascend, in units of time_base; end is when the last one goes.

    counted: the file's own times were of no use, and frames are found by counting from the first.
    """

    times: tuple[int, ...]
    end: int
    time_base: Fraction
    counted: bool = False

    def seconds(self, index: int) -> float:
        """From the first frame's beginning to that of frame `index`, or to the end."""
        time = self.times[index] if index < len(self.times) else self.end
        return float((time - self.times[0]) * self.time_base)

    def steady_rate(self) -> Fraction | None:
        """Frames a second, if each is shown as long as every other but for the rounding of the time base."""
        count = len(self.times)
        span = (self.end - self.times[0]) * self.time_base
        for rate in _likely_rates(count / span):
            step = 1 / (rate * self.time_base)
            late = (time - self.times[0] - k * step for k, time in enumerate((*self.times, self.end)))
            if all(abs(lateness) <= 1 for lateness in late):
                return rate
        return None


def _likely_rates(rate: Fraction) -> Iterator[Fraction]:
    """A short film in milliseconds cannot tell 24 from 24000/1001; whole rates are likelier."""
    likely = [
        Fraction(round(rate)),
        Fraction(round(rate * Fraction(1001, 1000)) * 1000, 1001),
        rate.limit_denominator(1001),
        rate,
    ]
    yield from (candidate for candidate in likely if candidate > 0)


def glances(film: Film, damage: list[str]) -> Iterator[Glance]:
    """All frames in passing; what is wrong with the film is appended to `damage` as sentences.

    FilmError when there is no frame at all.
    """
    if film.pictures:
        for index, path in enumerate(film.pictures):
            small = resize(_picture(film, path).rgb, (GLANCE_PX, GLANCE_PX)).mean(2)
            yield Glance(index, 1, np.rint(small * 255).astype(np.uint8))
        return
    troubles: list[str] = []
    shrink = VideoReformatter()
    seen_until = 0.0
    with opened_film(film.path) as (container, stream):
        first = None
        for frame in decoded(container, stream, troubles):
            small = shrink.reformat(
                frame, GLANCE_PX, GLANCE_PX, "gray", interpolation=Interpolation.AREA, threads=1
            )
            if frame.pts is not None:
                first = frame.pts if first is None else first
                seen_until = float((frame.pts - first + (frame.duration or 0)) * film.time_base)
            yield Glance(frame.pts, frame.duration or 0, cast("NDArray[np.uint8]", small.to_ndarray()))
    if film.duration_s is not None and film.duration_s - seen_until > LATE_S and seen_until > 0:
        damage.append(
            f"{film.path.name} is cut off: it claims {film.duration_s:.1f} s, and its pictures end "
            f"after {seen_until:.1f} s"
        )
    elif troubles:
        damage.append(f"{film.path.name} is damaged in {len(troubles)} places; frames may be missing there")


def timeline(film: Film, glanced: Sequence[tuple[int | None, int]]) -> Timeline:
    """From the time and duration of every frame; where times are missing or go back, frames are counted.

    FilmError when there are none.
    """
    if not glanced:
        raise FilmError(f"{film.path} has no frame that can be read; copy it again or choose another film.")
    usual = max(1, round(1 / (film.rate * film.time_base)))
    times = [time for time, _ in glanced if time is not None]
    if len(times) == len(glanced) and all(after > before for before, after in pairwise(times)):
        return Timeline(tuple(times), times[-1] + (glanced[-1][1] or usual), film.time_base)
    return Timeline(tuple(range(len(glanced))), len(glanced), 1 / film.rate, counted=True)


def chosen(line: Timeline, start_s: float = 0.0, end_s: float | None = None, every: int = 1) -> list[int]:
    """The indices of frames from a start to before an end, in seconds from the first frame; every n-th."""
    inside = [
        index
        for index in range(len(line.times))
        if line.seconds(index) >= start_s and (end_s is None or line.seconds(index) < end_s)
    ]
    return inside[::every]


def kept(line: Timeline, indices: Sequence[int]) -> Timeline:
    """The timeline of some of the frames, in order; each stays until the next one."""
    after = indices[-1] + (indices[1] - indices[0] if len(indices) > 1 else 1)
    end = line.times[after] if after < len(line.times) else line.end
    return Timeline(tuple(line.times[index] for index in indices), end, line.time_base, line.counted)


def read_frames(
    film: Film, line: Timeline, indices: Sequence[int], size_px: tuple[int, int]
) -> Iterator[Picture]:
    """The frames of those ascending indices, upright, sRGB-encoded, resized to (width, height).

    Decoding begins at the keyframe before the first, so that the same indices give the same pixels.
    FilmError when the file no longer has them.
    """
    if film.pictures:
        for index in indices:
            yield _resized(_picture(film, film.pictures[index]), size_px)
        return
    wanted = deque(indices)
    convert = _Converter(film)
    for index, frame in _numbered(film, line, indices[0] if indices else 0):
        if not wanted:
            return
        if index == wanted[0]:
            wanted.popleft()
            yield _resized(convert(frame), size_px)
    if wanted:
        raise FilmError(f"{film.path} has changed while it was read; leave it in place and begin again.")


def _numbered(film: Film, line: Timeline, first: int) -> Iterator[tuple[int, VideoFrame]]:
    """Frames with their indices, from `first` or before it."""
    if line.counted:
        with opened_film(film.path) as (container, stream):
            yield from enumerate(decoded(container, stream))
        return
    index_of = {time: index for index, time in enumerate(line.times)}
    for seek in (True, False):
        with opened_film(film.path) as (container, stream):
            if seek:
                container.seek(line.times[first], stream=stream)
            begun = False
            for frame in decoded(container, stream):
                if not begun and seek and (frame.pts is None or frame.pts > line.times[first]):
                    break  # the file cannot be sought in, or not exactly: read all of it
                begun = True
                if frame.pts in index_of:
                    yield index_of[frame.pts], frame
            if begun:
                return


class _Converter:
    """A decoded frame -> a Picture, upright; chroma is interpolated and the matrix is the film's."""

    def __init__(self, film: Film) -> None:
        self.film = film
        self.swscale = VideoReformatter()

    def __call__(self, frame: VideoFrame) -> Picture:
        colors = self.film.colors
        is_rgb = frame.format.is_rgb or frame.format.has_palette
        channels = "rgba" if self.film.has_alpha else "rgb"
        depth = {("rgb", False): "24", ("rgb", True): "48le", ("rgba", True): "64le"}
        rgb = self.swscale.reformat(
            frame,
            format=channels + depth.get((channels, self.film.sixteen_bit), ""),
            src_colorspace=None if is_rgb else colors.swscale_matrix,
            src_color_range=ColorRange.JPEG if colors.full_range or is_rgb else ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
            interpolation=EXACTLY,
            threads=1,
        )
        values = np.rot90(rgb.to_ndarray(), self.film.quarter_turns)
        alpha = unit(values[..., 3]) if self.film.has_alpha else None
        return Picture(unit(values[..., :3]), alpha, sixteen_bit=self.film.sixteen_bit)


def _picture(film: Film, path: Path) -> Picture:
    picture = read_picture(path)
    if picture.size_px != film.size_px:
        raise FilmError(
            f"{path} has another size than {film.pictures[0]}; make all pictures of a film alike."
        )
    return picture


def _resized(picture: Picture, size_px: tuple[int, int]) -> Picture:
    if picture.alpha is None:
        return Picture(resize(picture.rgb, size_px), sixteen_bit=picture.sixteen_bit)
    rgb, alpha = resize_with_alpha(picture.rgb, picture.alpha, size_px)
    return Picture(rgb, alpha, sixteen_bit=picture.sixteen_bit)
