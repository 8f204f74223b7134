"""What a file is, decided by decoding it, in a process of its own that may die of it."""

import asyncio
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Final, Literal, NamedTuple

import av
import numpy as np
from PIL import Image

from impasto.errors import FilmError, ImpastoError, ServiceError
from impasto.media.animation import animation_in
from impasto.media.cards import read_card
from impasto.media.film import open_film
from impasto.media.frames import Timeline, read_frames
from impasto.media.picture import Picture, read_picture, resize_picture, write_picture

SHOWN_PX: Final = 1600
_LONGEST_NAME: Final = 120
_BASE_BYTES: Final = 3 << 30
_BYTES_A_PIXEL: Final = 64
"""Decoding, upright, in floats, and resized in linear light: about 40 were measured."""


FILM_FORMATS: Final = "mov,matroska,avi,mpegts,mpeg,flv,ogg,asf"
"""Containers of FFmpeg's that hold their films themselves; playlists, which name other files, are none."""


class Seen(NamedTuple):
    """What is in a file; size_px is (width, height). frames and animated as in an Upload."""

    kind: Literal["picture", "card", "film"]
    size_px: tuple[int, int]
    notes: tuple[str, ...]
    frames: int = 1
    animated: Literal["gif", "webp", "png"] | None = None


class Bounds(NamedTuple):
    """What is allowed of a picture, and of a film or animation."""

    pixels: int
    frames: int


class Examiner:
    """Decodes uploads, one at a time. limit_s: after so long a file counts as one that cannot be read."""

    def __init__(self, bounds: Bounds, limit_s: float = 60.0) -> None:
        self.bounds = bounds
        self.limit_s = limit_s
        self._one_at_a_time = asyncio.Lock()
        self._pool = self._new_pool()

    async def examine(self, arrived: Path, shown: Path, name: str) -> Seen:
        """Writes the harmless picture `shown`; ServiceError 422 for what is no picture, card or film."""
        loop = asyncio.get_running_loop()
        async with self._one_at_a_time:
            work = loop.run_in_executor(self._pool, examine, arrived, shown, name, self.bounds)
            try:
                return await asyncio.wait_for(work, self.limit_s)
            except ImpastoError as error:
                raise ServiceError(str(error), 422) from error
            except (BrokenProcessPool, TimeoutError) as error:
                self.close()
                self._pool = self._new_pool()
                sentence = f"{name} cannot be read in reasonable time and memory; save it anew as PNG"
                raise ServiceError(sentence, 422) from error

    def close(self) -> None:
        for process in list((self._pool._processes or {}).values()):
            process.kill()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _new_pool(self) -> ProcessPoolExecutor:
        limit = _BASE_BYTES + _BYTES_A_PIXEL * self.bounds.pixels
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(1, context, initializer=_bound_memory, initargs=(limit,))
        pool.submit(_looks_like_a_card, Path(__file__))  # so that the first client finds it awake
        return pool


_BECOMES: Final[dict[str, Literal["gif", "webp", "png"]]] = {"GIF": "gif", "WEBP": "webp", "PNG": "png"}
_PICTURE_BRANDS: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis"})


def examine(arrived: Path, shown: Path, name: str, bounds: Bounds) -> Seen:
    """Decodes a file whole, or a film's first frame; an ImpastoError that calls it by its name else."""
    try:
        if _looks_like_a_card(arrived):
            thumbnail = read_card(arrived).thumbnail.astype(np.float32) / np.float32(255)
            write_picture(shown, Picture(thumbnail))
            return Seen("card", (thumbnail.shape[1], thumbnail.shape[0]), ())
        seen = _film(arrived, shown) if _is_film(arrived) else _picture(arrived, shown, bounds.pixels)
    except ImpastoError as error:
        raise type(error)(str(error).replace(str(arrived), name)) from None
    if seen.frames > bounds.frames:
        raise FilmError(
            f"{name} has about {seen.frames} frames, more than {bounds.frames}; send a part of it"
        )
    if seen.size_px[0] * seen.size_px[1] > bounds.pixels:
        raise FilmError(f"{name} has more than {bounds.pixels:,} pixels; shrink it first")
    return seen


def _picture(arrived: Path, shown: Path, max_pixels: int) -> Seen:
    picture = read_picture(arrived, max_pixels=max_pixels)
    _show(picture, shown)
    animation = animation_in(arrived, max_pixels=max_pixels)
    if animation is None:
        return Seen("picture", picture.size_px, picture.notes)
    with Image.open(arrived) as image:
        animated: Literal["gif", "webp", "png"] = _BECOMES.get(image.format or "", "webp")
    return Seen("picture", picture.size_px, picture.notes, animation.frames, animated)


def _is_film(arrived: Path) -> bool:
    """By its container; pictures that FFmpeg would take for films, such as HEIC, are none."""
    options = {"format_whitelist": FILM_FORMATS, "protocol_whitelist": "file"}
    try:
        with av.open(arrived, options=options) as container:
            return bool(container.streams.video) and _brand(arrived) not in _PICTURE_BRANDS
    except (av.FFmpegError, OSError, ValueError):
        return False


def _film(arrived: Path, shown: Path) -> Seen:
    film = open_film(arrived)
    line = Timeline((0,), 1, film.time_base, counted=True)
    _show(next(read_frames(film, line, (0,), film.size_px)), shown)
    frames = max(1, round(float(film.rate) * (film.duration_s or 0)))
    return Seen("film", film.size_px, film.notes, frames)


def _show(picture: Picture, shown: Path) -> None:
    plain = Picture(picture.rgb, picture.alpha)  # without what a camera wrote beside it
    write_picture(shown, resize_picture(plain, min(SHOWN_PX, max(plain.size_px))))


def plain_name(name: str | None) -> str:
    """The last part of a client's file name, to be shown and never opened."""
    last = PurePosixPath((name or "").replace("\\", "/")).name
    printable = "".join(letter for letter in last if letter.isprintable())
    return printable[-_LONGEST_NAME:] or "picture"


def _brand(path: Path) -> bytes:
    """Which kind of file a relative of MP4 is."""
    with path.open("rb") as file:
        return file.read(12)[8:]


def _looks_like_a_card(path: Path) -> bool:
    """A safetensors file begins with the length of its header, and the header with a brace."""
    with path.open("rb") as file:
        start = file.read(9)
    return len(start) == 9 and start[8:] == b"{" and int.from_bytes(start[:8], "little") < 100_000_000


def _bound_memory(limit: int) -> None:
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
