"""What goes with a film's pictures: sound, subtitles, chapters, titles; copied bit for bit where possible."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import AttachmentStream, Stream
from av.subtitles.stream import SubtitleStream

from impasto.media.film import codec_of

if TYPE_CHECKING:
    from av.container.core import Chapter

SOUND_CODECS: Final = {"webm": "libopus", "avi": "libmp3lame"}
"""For sound that a container does not take as it is; AAC elsewhere."""
NO_PLAYER: Final = {"mp4": {"vorbis", "libvorbis"}}
"""What FFmpeg would copy and hardly any player finds there."""
SUBTITLE_CODECS: Final = {"mp4": "mov_text", "mov": "mov_text", "matroska": "subrip", "webm": "webvtt"}
SILENT: Final = {"gif", "apng", "webp"}


Handler = Callable[["Packet[Any] | None"], "list[Packet[Any]]"]
"""What a packet of the source becomes in the new film; None asks for what is left."""


class Timed(NamedTuple):
    """Packets ready to be written, and the second of the new film at which they belong."""

    at_s: float
    packets: "list[Packet[Any]]"


@dataclass
class Tracks:
    """The tracks that were taken over. begin_s: the second on the source's clock that becomes 0.

    length_s: of the new film, if it is cut; then packets outside are left out.
    """

    source: InputContainer
    begin_s: Fraction
    length_s: Fraction | None
    handlers: dict[int, Handler] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def packets(self) -> Iterator[Timed]:
        """All of them, in the order of the file."""
        streams = [stream for stream in self.source.streams if stream.index in self.handlers]
        if not streams:
            return
        try:
            for packet in self.source.demux(*streams):
                yield from self._timed(packet)
        except (av.FFmpegError, OSError):
            self.notes.append("the sound is damaged, and ends where the damage begins")
        for handle in self.handlers.values():
            yield Timed(0.0, handle(None))

    def _timed(self, packet: "Packet[Any]") -> Iterator[Timed]:
        if not packet.size or packet.pts is None:
            return
        at_s = packet.pts * packet.time_base - self.begin_s
        middle_s = at_s + (packet.duration or 0) * packet.time_base / 2
        if self.length_s is not None and not 0 <= middle_s < self.length_s:
            return
        shift = round(self.begin_s / packet.time_base)
        packet.pts -= shift
        if packet.dts is not None:
            packet.dts -= shift
        yield Timed(float(at_s), self.handlers[packet.stream_index](packet))


class Merged:
    """Writes packets among those of the pictures, in the order of time, so that few wait in memory."""

    def __init__(self, output: OutputContainer, packets: Iterator[Timed]) -> None:
        self.output, self.packets = output, packets
        self.waiting: Timed | None = next(packets, None)

    def write_until(self, second: float) -> None:
        while self.waiting is not None and self.waiting.at_s <= second:
            self.output.mux(self.waiting.packets)
            self.waiting = next(self.packets, None)


def take_over(
    source: InputContainer, output: OutputContainer, begin_s: Fraction, length_s: Fraction | None
) -> Tracks:
    """Adds the source's other tracks to a film that is being written, before its first packet; see Tracks."""
    tracks = Tracks(source, begin_s, length_s)
    output.metadata.update({key: value for key, value in source.metadata.items() if key in _TITLES})
    if output.format.name in SILENT:
        if source.streams.audio:
            tracks.notes.append(f"{output.format.name} holds no sound")
        return tracks
    for stream in source.streams:
        if isinstance(stream, AudioStream):
            _take_sound(stream, output, tracks)
        elif isinstance(stream, SubtitleStream):
            _take_subtitles(stream, output, tracks)
        elif isinstance(stream, AttachmentStream) and output.format.name == "matroska":
            output.add_attachment(
                stream.metadata.get("filename", "attachment"), stream.mimetype or "", stream.data
            )
    output.set_chapters(_chapters(source, begin_s, length_s))
    return tracks


_TITLES: Final = {
    "title",
    "artist",
    "album",
    "date",
    "comment",
    "genre",
    "description",
    "copyright",
    "creation_time",
}


def _take_sound(stream: AudioStream, output: OutputContainer, tracks: Tracks) -> None:
    name = codec_of(stream)
    if not name:
        tracks.notes.append("a sound track of an unknown kind is left out")
        return
    container = output.format.name
    try:
        if name in NO_PLAYER.get(container, ()):
            raise ValueError(name)
        copy = output.add_stream_from_template(stream)
        copy.metadata.update(stream.metadata)
        tracks.handlers[stream.index] = _copier(copy)
        return
    except ValueError:
        codec = SOUND_CODECS.get(container, "aac")
    tracks.notes.append(
        f"{container} does not take {name} sound: it is encoded anew, as {codec.removeprefix('lib')}"
    )
    rate = 48_000 if codec == "libopus" else stream.codec_context.sample_rate
    encoder = cast("AudioStream", output.add_stream(codec, rate=rate, layout=stream.layout.name))
    encoder.bit_rate = 96_000 * min(stream.codec_context.channels, 6)
    encoder.metadata.update(stream.metadata)
    tracks.handlers[stream.index] = _transcoder(stream, encoder)


def _take_subtitles(stream: SubtitleStream, output: OutputContainer, tracks: Tracks) -> None:
    try:
        copy = output.add_stream_from_template(stream)
    except ValueError:
        tracks.notes.append(
            f"{output.format.name} does not take {codec_of(stream)} subtitles: they are left out; write .mkv"
        )
        return
    copy.metadata.update(stream.metadata)
    tracks.handlers[stream.index] = _copier(copy)


def _copier(copy: Stream) -> Handler:
    def handle(packet: "Packet[Any] | None") -> "list[Packet[Any]]":
        if packet is None:
            return []
        packet.stream = copy
        return [packet]

    return handle


def _transcoder(stream: AudioStream, encoder: AudioStream) -> Handler:
    def handle(packet: "Packet[Any] | None") -> "list[Packet[Any]]":
        frames = stream.decode(packet)
        packets = [out for frame in frames for out in encoder.encode(frame)]
        return packets if packet is not None else packets + encoder.encode(None)

    return handle


def _chapters(source: InputContainer, begin_s: Fraction, length_s: Fraction | None) -> list["Chapter"]:
    """The chapters that begin or last within the new film, on its clock."""
    found: list[Chapter] = []
    for chapter in source.chapters():
        base = chapter["time_base"] or Fraction(1, 1000)
        start, end = (value * base - begin_s for value in (chapter["start"], chapter["end"]))
        if end <= 0 or (length_s is not None and start >= length_s):
            continue
        start, end = max(start, Fraction(0)), end if length_s is None else min(end, length_s)
        moved = {"start": round(start / base), "end": round(end / base), "time_base": base}
        found.append(cast("Chapter", {**chapter, **moved}))
    return found
