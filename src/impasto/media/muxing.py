"""A film written: frames encoded at their exact times, and the source's other tracks beside them."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, cast

import av
import numpy as np
from av.codec.context import Flags
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image

from impasto.errors import OutputError
from impasto.media.codecs import Encoding
from impasto.media.encoders import levels
from impasto.media.files import write_whole
from impasto.media.film import Film, opened_film
from impasto.media.frames import EXACTLY, Timeline
from impasto.media.picture import Picture
from impasto.media.tracks import Merged, take_over

_CONTAINER_OPTIONS: Final = {
    "mp4": {"movflags": "+faststart"},
    "mov": {"movflags": "+faststart"},
    "gif": {"loop": "0"},
    "apng": {"plays": "0"},
    "webp": {"loop": "0"},
}
_MOST_COLORS: Final = 255
"""Of a GIF's frame, beside the transparent one."""


def write_film(
    path: Path, film: Film, line: Timeline, frames: Iterator[Picture], encoding: Encoding, *, whole: bool
) -> list[str]:
    """Writes `path` all at once or not at all: the frames at the times of `line`, with `film`'s other tracks.

    frames: of the encoding's size.
    whole: the film was not cut, and so all of its sound is kept. Returns what the user should know.
    OutputError when there is no place for it.
    """
    notes: list[str] = list(encoding.notes)

    def write(beside: Path) -> None:
        first = next(frames, None)
        if first is None:
            raise OutputError(f"There is no frame to write into {path}; choose a longer part of the film.")
        with ExitStack() as stack:
            options = _CONTAINER_OPTIONS.get(encoding.container, {})
            output = stack.enter_context(
                av.open(beside, "w", format=encoding.container, container_options=options)
            )
            screen = _Screen(output, film, line, encoding)
            beside_it = Merged(output, iter(()))
            if not film.pictures:
                source, _ = stack.enter_context(opened_film(film.path))
                begin_s = Fraction(0) if line.counted else line.times[0] * line.time_base
                length_s = None if whole else (line.end - line.times[0]) * line.time_base
                tracks = take_over(source, output, begin_s, length_s)
                beside_it = Merged(output, tracks.packets())
            for number, picture in enumerate(_chained(first, frames)):
                beside_it.write_until(line.seconds(number))
                output.mux(screen.encode(picture, number))
            output.mux(screen.finish())
            beside_it.write_until(float("inf"))
            if not film.pictures:
                notes.extend(tracks.notes)

    write_whole(path, lambda file: write(Path(file.name)))
    return notes


def _chained(first: Picture, rest: Iterator[Picture]) -> Iterator[Picture]:
    yield first
    yield from rest


class _Screen:
    """The track of pictures: each Picture as a frame in the codec's own numbers, with the film's tags."""

    def __init__(self, output: OutputContainer, film: Film, line: Timeline, encoding: Encoding) -> None:
        self.film, self.line, self.encoding = film, line, encoding
        self.rate = line.steady_rate()
        usual = self.rate or Fraction(len(line.times)) / ((line.end - line.times[0]) * line.time_base)
        self.time_base = line.time_base if self.rate is None else 1 / self.rate
        options = dict(encoding.encoder.options)
        if encoding.crf is not None:
            options["crf"] = str(encoding.crf)
        stream = cast(
            "VideoStream",
            output.add_stream(
                encoding.encoder.name, rate=usual.limit_denominator(1_000_000), options=options
            ),
        )
        self.stream = stream
        stream.width, stream.height = encoding.size_px
        stream.pix_fmt = encoding.pixel_format
        context = stream.codec_context
        context.time_base = self.time_base
        context.flags |= Flags.frame_duration
        context.sample_aspect_ratio = film.pixel_aspect
        if not self.is_rgb:
            context.colorspace = film.colors.matrix
            context.color_range = self.range
        context.color_primaries = film.colors.primaries
        context.color_trc = film.colors.transfer
        if encoding.encoder.name == "libx265":
            context.codec_tag = "hvc1"  # the one of its two names that Apple's players know
        if encoding.encoder.name == "libsvtav1":
            os.environ.setdefault("SVT_LOG", "1")  # errors only, on standard error
        if encoding.container == "avi":
            context.max_b_frames = 0
        if encoding.has_alpha and encoding.container in ("webm", "matroska"):
            stream.metadata["alpha_mode"] = "1"
        self.swscale = VideoReformatter()

    @property
    def is_rgb(self) -> bool:
        return self.encoding.pixel_format.startswith(("bgr", "rgb", "gbr", "pal"))

    @property
    def range(self) -> ColorRange:
        return ColorRange.JPEG if self.film.colors.full_range else ColorRange.MPEG

    def encode(self, picture: Picture, number: int) -> "list[Packet[Any]]":
        frame = self._frame(picture)
        ends = (*self.line.times[1:], self.line.end)[number]
        began = self.line.times[number]
        frame.time_base = self.time_base
        frame.pts = number if self.rate else began - self.line.times[0]
        frame.duration = 1 if self.rate else ends - began
        return self.stream.encode(frame)

    def finish(self) -> "list[Packet[Any]]":
        return self.stream.encode(None)

    def _frame(self, picture: Picture) -> VideoFrame:
        rgb = picture.rgb
        if picture.alpha is not None and not self.encoding.has_alpha:
            alpha = picture.alpha[..., None]
            rgb = rgb * alpha + (1 - alpha)
        elif self.encoding.has_alpha:
            alpha = np.ones(rgb.shape[:2], np.float32) if picture.alpha is None else picture.alpha
            rgb = np.dstack([rgb, alpha])
        if self.encoding.pixel_format == "pal8":
            return _palette_frame(levels(rgb, np.uint8))
        deep = self.encoding.sixteen_bit
        formats = {(3, False): "rgb24", (3, True): "rgb48le", (4, False): "rgba", (4, True): "rgba64le"}
        stored = levels(rgb, np.uint16 if deep else np.uint8)
        frame = VideoFrame.from_ndarray(stored, format=formats[rgb.shape[2], deep])
        frame = self.swscale.reformat(
            frame,
            format=self.encoding.pixel_format,
            dst_colorspace=None if self.is_rgb else self.film.colors.swscale_matrix,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.JPEG if self.is_rgb else self.range,
            interpolation=EXACTLY,
            threads=1,
        )
        frame.color_primaries, frame.color_trc = self.film.colors.primaries, self.film.colors.transfer
        return frame


def _palette_frame(pixels: NDArray[np.uint8]) -> VideoFrame:
    """(h, w, 3 or 4) -> a frame of at most 256 colours of its own, transparent where alpha is under half."""
    image = Image.fromarray(np.ascontiguousarray(pixels[..., :3])).quantize(
        _MOST_COLORS, method=Image.Quantize.FASTOCTREE
    )
    indices = np.array(image)
    palette: NDArray[Any] = np.zeros((256, 4), np.uint8)
    colors = np.asarray(image.getpalette(), np.uint8).reshape(-1, 3)
    palette[: len(colors), 0], palette[: len(colors), 1:] = 255, colors
    if pixels.shape[2] == 4:
        indices[pixels[..., 3] < 128] = 255
        palette[255] = 0
    return VideoFrame.from_ndarray((indices, palette), format="pal8")  # type: ignore[arg-type]
