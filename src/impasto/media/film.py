"""A film, as its file describes it: any format of FFmpeg's, by PyAV, or pictures in a folder."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
from av.codec.context import CodecContext
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from impasto.errors import FilmError
from impasto.media.picture import WRITABLE_SUFFIXES, read_picture

UNSPECIFIED: Final = 2
_BT709: Final = 1
_MATRICES: Final = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}
"""Of ITU-T H.273 -> swscale's number of the same; the matrix of 601 has two names."""
_SEQUENCE: Final = re.compile(r"%0?(\d*)d")
PICTURE_RATE: Final = Fraction(24)
"""Pictures a second in a sequence that does not say."""


@dataclass(frozen=True)
class Colors:
    """What the numbers mean, in ITU-T H.273: matrix, transfer and primaries; the first is never left open."""

    matrix: int = _BT709
    full_range: bool = False
    transfer: int = UNSPECIFIED
    primaries: int = UNSPECIFIED

    @property
    def swscale_matrix(self) -> int:
        return _MATRICES[self.matrix]


@dataclass(frozen=True)
class Film:
    """A film before its frames are read.

    pictures: those of a sequence, in order; empty for a file. size_px: (width, height), upright. rate: frames
    a second. time_base: seconds in a unit of the timestamps. quarter_turns: anticlockwise, to be upright.
    pixel_aspect: width of a pixel through its height. duration_s: as the file claims, None if it does not.
    """

    path: Path
    size_px: tuple[int, int]
    rate: Fraction
    time_base: Fraction
    codec: str = ""
    pictures: tuple[Path, ...] = field(default=(), repr=False)
    quarter_turns: int = 0
    pixel_aspect: Fraction = Fraction(1)
    colors: Colors = Colors()
    sixteen_bit: bool = False
    has_alpha: bool = False
    duration_s: float | None = None
    notes: tuple[str, ...] = ()


def open_film(path: Path, picture_rate: Fraction = PICTURE_RATE) -> Film:
    """What a film's file says about it, checked by its first frame.

    path: a file that FFmpeg reads, a folder of pictures, or their pattern such as frames/%04d.png.
    FilmError, one sentence with a remedy, for what is no film, has no frames, or is damaged from the start.
    """
    if path.is_dir() or _SEQUENCE.search(path.name):
        return _sequence(path, picture_rate)
    with opened_film(path) as (container, stream):
        if container.format.name == "image2" or container.format.name.endswith("_pipe"):
            raise FilmError(f"{path} is a single picture; paint it with: impasto {path.name} STYLE.")
        frame = next(decoded(container, stream), None)
        if frame is None:
            raise FilmError(f"{path} has no frame that can be read; copy it again or choose another film.")
        return _described(path, container, stream, frame)


@contextmanager
def opened_film(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The file and its first stream of moving pictures; FilmError if there is none."""
    try:
        container = av.open(path, metadata_errors="replace")
    except FileNotFoundError as reason:
        raise FilmError(f"There is no film {path}; check its name and folder.") from reason
    except PermissionError as reason:
        raise FilmError(f"{path} may not be read by this user; change its permissions.") from reason
    except (av.FFmpegError, OSError, ValueError) as reason:
        sentence = f"{path} is no film that can be read, or is cut off or damaged; copy or convert it again."
        raise FilmError(sentence) from reason
    with container:
        moving = (
            stream
            for stream in container.streams.video
            if codec_of(stream) and not stream.disposition & Disposition.attached_pic
        )
        stream = next(moving, None)
        if stream is None:
            raise FilmError(f"{path} has no moving picture, only sound or data; choose a film.")
        yield container, stream


def decoded(
    container: InputContainer, stream: VideoStream, damage: list[str] | None = None
) -> Iterator[VideoFrame]:
    """Frames in the order they are shown; what cannot be decoded is left out, and `damage` told why."""
    decoder = _decoder(stream)
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except (av.FFmpegError, OSError) as reason:
            if damage is not None:
                damage.append(str(reason))
            return
        try:
            yield from decoder.decode(packet if packet.size else None)
        except av.EOFError:
            return
        except av.FFmpegError as reason:
            if damage is not None:
                damage.append(str(reason))


def codec_of(stream: Stream) -> str:
    """Its name; empty for one that this FFmpeg does not know, which PyAV's types leave out."""
    context: CodecContext | None = stream.codec_context
    return "" if context is None else context.name


def alpha_rides_beside(stream: VideoStream) -> bool:
    """Whether a WebM has its transparency in a second picture, which only libvpx decodes."""
    modes = {name.lower(): value for name, value in stream.metadata.items()}
    return modes.get("alpha_mode") == "1" and codec_of(stream) in ("vp8", "vp9")


def _decoder(stream: VideoStream) -> VideoStream | VideoCodecContext:
    if not alpha_rides_beside(stream):
        return stream
    name = {"vp8": "libvpx", "vp9": "libvpx-vp9"}[stream.codec_context.name]
    context = av.Codec(name, "r").create("video")
    context.extradata = stream.codec_context.extradata
    return context


def _described(path: Path, container: InputContainer, stream: VideoStream, frame: VideoFrame) -> Film:
    turns = round(frame.rotation / 90) % 4
    size_px = (frame.height, frame.width) if turns % 2 else (frame.width, frame.height)
    aspect = stream.sample_aspect_ratio or Fraction(1)
    components = frame.format.components
    length = stream.duration and stream.duration * (stream.time_base or 0)
    if length is None and container.duration is not None:
        length = Fraction(container.duration, av.time_base)
    note = f"{path.name} is interlaced; deinterlace it first if it shows combs"
    return Film(
        path=path,
        size_px=size_px,
        rate=stream.guessed_rate or stream.average_rate or PICTURE_RATE,
        time_base=stream.time_base or Fraction(1, 1000),
        codec=stream.codec_context.name,
        quarter_turns=turns,
        pixel_aspect=1 / aspect if turns % 2 else aspect,
        colors=_colors(frame),
        sixteen_bit=max(component.bits for component in components) > 8,
        has_alpha=any(component.is_alpha for component in components) and _shows_alpha(frame),
        duration_s=float(length) if length else None,
        notes=(note,) if frame.interlaced_frame else (),
    )


def _shows_alpha(frame: VideoFrame) -> bool:
    """Animated pictures are decoded with alpha whether they use it or not."""
    return frame.format.name != "bgra" or bool(frame.to_ndarray()[..., 3].min() < 255)


def _colors(frame: VideoFrame) -> Colors:
    """Players take the matrix of 709 for untagged high definition, and of 601 below."""
    transfer, primaries = int(frame.color_trc), int(frame.color_primaries)
    if frame.format.is_rgb or frame.format.has_palette:
        return Colors(transfer=transfer, primaries=primaries)
    matrix = int(frame.colorspace)
    if matrix not in _MATRICES:
        matrix = _BT709 if frame.height >= 720 else 6
    return Colors(matrix, int(frame.color_range) == 2, transfer, primaries)


def _sequence(path: Path, rate: Fraction) -> Film:
    if path.is_dir():
        found = (file for file in path.iterdir() if file.suffix.lower() in WRITABLE_SUFFIXES)
        pictures = sorted(found, key=_in_order)
    else:
        pattern = re.compile(_SEQUENCE.sub(lambda _: r"\d+", re.escape(path.name)))
        there = path.parent.iterdir() if path.parent.is_dir() else iter(())
        pictures = sorted((file for file in there if pattern.fullmatch(file.name)), key=_in_order)
    if not pictures:
        raise FilmError(f"{path} has no pictures to make a film of; name a film, or a folder of pictures.")
    first = read_picture(pictures[0])
    return Film(
        path=path,
        size_px=first.size_px,
        rate=rate,
        time_base=1 / rate,
        pictures=tuple(pictures),
        sixteen_bit=first.sixteen_bit,
        has_alpha=first.alpha is not None,
        duration_s=float(len(pictures) / rate),
    )


def _in_order(file: Path) -> tuple[list[int], str]:
    """9.png before 10.png."""
    return [int(number) for number in re.findall(r"\d+", file.stem)], file.name
