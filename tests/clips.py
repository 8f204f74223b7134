"""Films that the tests draw for themselves."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av.audio.stream import AudioStream
from av.video.stream import VideoStream
from numpy.typing import NDArray

SIZE = (48, 32)


def moving_square(number: int, size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """(h, w, 3): a bright square on a smooth ground, two pixels further right in every frame."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    picture = np.stack([x * 255 // width, y * 255 // height, np.full_like(x, 90)], -1).astype(np.uint8)
    left = 4 + 2 * number
    picture[8:20, left : left + 12] = (240, 220, 40)
    return picture


def make_film(
    path: Path,
    frames: Sequence[NDArray[np.uint8]],
    rate: Fraction = Fraction(24),
    *,
    codec: str = "libx264",
    times_ms: Sequence[int] | None = None,
    sound: str | None = None,
    pixel_format: str = "yuv420p",
    rotation: int = 0,
    tags: dict[str, Any] | None = None,
    chapters: Sequence[tuple[int, int]] = (),
) -> Path:
    """(h, w, 3) frames as a film, with a tone as long as it if a sound codec is given."""
    with av.open(path, "w") as output:
        stream = cast("VideoStream", output.add_stream(codec, rate=rate))
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pixel_format
        stream.codec_context.time_base = Fraction(1, 1000) if times_ms else 1 / rate
        for name, value in (tags or {}).items():
            setattr(stream.codec_context, name, value)
        if rotation:
            stream.set_display_rotation(rotation)
        tone = None
        if sound:
            tone = cast("AudioStream", output.add_stream(sound, rate=48_000, layout="mono"))
        output.set_chapters(
            [
                {"id": n, "start": a, "end": b, "time_base": Fraction(1, 1000), "metadata": {"title": str(n)}}
                for n, (a, b) in enumerate(chapters)
            ]
        )
        for number, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(picture, format="rgba" if picture.shape[2] == 4 else "rgb24")
            frame = frame.reformat(format=pixel_format, threads=1)
            frame.pts = times_ms[number] if times_ms else number
            frame.time_base = stream.codec_context.time_base
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
        if tone is not None:
            seconds = len(frames) / rate
            wave = np.sin(np.arange(int(seconds * 48_000)) / 20).astype(np.float32)[None] * 0.3
            audio = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
            audio.sample_rate, audio.pts = 48_000, 0
            output.mux(tone.encode(audio))
            output.mux(tone.encode(None))
    return path


def sound_packets(path: Path) -> list[bytes]:
    with av.open(path) as container:
        if not container.streams.audio:
            return []
        return [bytes(packet) for packet in container.demux(container.streams.audio[0]) if packet.size]
