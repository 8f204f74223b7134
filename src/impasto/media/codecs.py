"""How a film is encoded: what its suffix, its source and the user ask for, brought together."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from impasto.errors import OutputError
from impasto.media.film import Film
from impasto.options import FilmCodec


class Encoder(NamedTuple):
    """FFmpeg's name; pixel formats for 8 bits, for more and with alpha; the usual crf, and options.

    even: width and height must be even numbers. least_px: of a side.
    """

    name: str
    shallow: str
    deep: str | None
    alpha: str | None
    crf: int | None = None
    options: tuple[tuple[str, str], ...] = ()
    even: bool = False
    least_px: int = 1


class Container(NamedTuple):
    """FFmpeg's name; the usual codec for 8 bits, for more, and with alpha; all that players expect in it."""

    format: str
    shallow: str
    deep: str
    alpha: str
    codecs: tuple[str, ...]


_PRESET: Final = ("preset", "medium")
ENCODERS: Final = {
    "h264": Encoder("libx264", "yuv420p", "yuv420p10le", None, 17, (_PRESET,), even=True),
    "h265": Encoder(
        "libx265",
        "yuv420p",
        "yuv420p10le",
        None,
        19,
        (_PRESET, ("x265-params", "log-level=none")),
        even=True,
        least_px=64,  # below that it damages memory
    ),
    "vp9": Encoder("libvpx-vp9", "yuv420p", None, "yuva420p", 24, (("cpu-used", "4"), ("row-mt", "1"))),
    "av1": Encoder(
        "libsvtav1", "yuv420p", "yuv420p10le", None, 24, (("preset", "8"),), even=True, least_px=64
    ),
    "prores": Encoder("prores_ks", "yuv422p10le", "yuv422p10le", "yuva444p10le", even=True),
    "ffv1": Encoder("ffv1", "bgr0", "gbrp12le", "bgra", None, (("level", "3"),)),
    "gif": Encoder("gif", "pal8", None, "pal8"),
    "webp": Encoder("libwebp_anim", "bgra", None, "bgra", None, (("quality", "90"),)),
    "apng": Encoder("apng", "rgb24", "rgb48be", "rgba"),
}
_MP4: Final = Container("mp4", "h264", "h265", "h264", ("h264", "h265", "av1", "vp9"))
CONTAINERS: Final = {
    ".mp4": _MP4,
    ".m4v": _MP4,
    ".mov": Container("mov", "h264", "h265", "prores", ("h264", "h265", "prores")),
    ".mkv": Container("matroska", "h264", "h265", "ffv1", ("h264", "h265", "av1", "vp9", "ffv1")),
    ".webm": Container("webm", "vp9", "av1", "vp9", ("vp9", "av1")),
    ".avi": Container("avi", "h264", "h264", "ffv1", ("h264", "ffv1")),
    ".gif": Container("gif", "gif", "gif", "gif", ("gif",)),
    ".webp": Container("webp", "webp", "webp", "webp", ("webp",)),
    ".apng": Container("apng", "apng", "apng", "apng", ("apng",)),
}


@dataclass(frozen=True)
class Encoding:
    """How a film is written, settled. size_px: (width, height) of its frames; notes are for the user."""

    container: str
    encoder: Encoder
    size_px: tuple[int, int]
    pixel_format: str
    crf: int | None
    has_alpha: bool
    sixteen_bit: bool
    notes: tuple[str, ...]


def encoding_for(
    path: Path, film: Film, size_px: tuple[int, int], codec: FilmCodec = "auto", crf: int | None = None
) -> Encoding:
    """The encoding for `path`, from `film` at (width, height), or a pixel less where codecs want it even.

    OutputError when suffix, codec and size do not go together.
    """
    container = CONTAINERS.get(path.suffix.lower())
    if container is None:
        raise OutputError(f"{path} has no known suffix for a film; end it in one of {' '.join(CONTAINERS)}.")
    if codec != "auto" and codec not in container.codecs:
        fitting = " or ".join(container.codecs)
        raise OutputError(f"{path.suffix} takes no {codec} here; use {fitting}, or another suffix.")
    usual = container.alpha if film.has_alpha else container.deep if film.sixteen_bit else container.shallow
    name = usual if codec == "auto" else codec
    encoder = ENCODERS[name]
    if min(size_px) < encoder.least_px:
        raise OutputError(
            f"{name} takes no side below {encoder.least_px} pixels; use --codec h264 or a larger --size."
        )
    has_alpha = film.has_alpha and encoder.alpha is not None
    deep = film.sixteen_bit and not has_alpha and encoder.deep is not None
    notes = []
    if film.has_alpha and not has_alpha:
        notes.append(
            f"{name} in {path.suffix} holds no transparency, white lies below; .webm and .mov keep it"
        )
    if film.sixteen_bit and not deep and encoder.deep is None:
        notes.append(f"{name} in {path.suffix} holds 8 bits a channel; .mp4 and .mkv keep more")
    pixel_format = (encoder.alpha if has_alpha else encoder.deep if deep else None) or encoder.shallow
    return Encoding(
        container.format,
        encoder,
        (size_px[0] // 2 * 2, size_px[1] // 2 * 2) if encoder.even else size_px,
        pixel_format,
        encoder.crf if crf is None else crf,
        has_alpha,
        film.sixteen_bit and encoder.deep is not None,
        tuple(notes),
    )
