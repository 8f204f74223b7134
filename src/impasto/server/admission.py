"""What a file is, decided by decoding it, in a process of its own that may die of it."""

import asyncio
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Final, Literal, NamedTuple

import numpy as np

from impasto.errors import ImpastoError, ServiceError
from impasto.media.cards import read_card
from impasto.media.picture import Picture, read_picture, resize_picture, write_picture

SHOWN_PX: Final = 1600
_LONGEST_NAME: Final = 120
_BASE_BYTES: Final = 3 << 30
_BYTES_A_PIXEL: Final = 64
"""Decoding, upright, in floats, and resized in linear light: about 40 were measured."""


class Seen(NamedTuple):
    """What is in a file; size_px is (width, height)."""

    kind: Literal["picture", "card"]
    size_px: tuple[int, int]
    notes: tuple[str, ...]


class Examiner:
    """Decodes uploads, one at a time. limit_s: after so long a file counts as one that cannot be read."""

    def __init__(self, max_pixels: int, limit_s: float = 60.0) -> None:
        self.max_pixels = max_pixels
        self.limit_s = limit_s
        self._one_at_a_time = asyncio.Lock()
        self._pool = self._new_pool()

    async def examine(self, arrived: Path, shown: Path, name: str) -> Seen:
        """Writes the harmless picture `shown`; ServiceError 422 for what is neither a picture nor a card."""
        loop = asyncio.get_running_loop()
        async with self._one_at_a_time:
            work = loop.run_in_executor(self._pool, examine, arrived, shown, name, self.max_pixels)
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
        limit = _BASE_BYTES + _BYTES_A_PIXEL * self.max_pixels
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(1, context, initializer=_bound_memory, initargs=(limit,))


def examine(arrived: Path, shown: Path, name: str, max_pixels: int) -> Seen:
    """Decodes a file whole; an ImpastoError that calls it by its name where that fails."""
    try:
        if _looks_like_a_card(arrived):
            thumbnail = read_card(arrived).thumbnail.astype(np.float32) / np.float32(255)
            write_picture(shown, Picture(thumbnail))
            return Seen("card", (thumbnail.shape[1], thumbnail.shape[0]), ())
        picture = read_picture(arrived, max_pixels=max_pixels)
        plain = Picture(picture.rgb, picture.alpha)  # without what a camera wrote beside it
        write_picture(shown, resize_picture(plain, min(SHOWN_PX, max(plain.size_px))))
        return Seen("picture", picture.size_px, picture.notes)
    except ImpastoError as error:
        raise type(error)(str(error).replace(str(arrived), name)) from None


def plain_name(name: str | None) -> str:
    """The last part of a client's file name, to be shown and never opened."""
    last = PurePosixPath((name or "").replace("\\", "/")).name
    printable = "".join(letter for letter in last if letter.isprintable())
    return printable[-_LONGEST_NAME:] or "picture"


def _looks_like_a_card(path: Path) -> bool:
    """A safetensors file begins with the length of its header, and the header with a brace."""
    with path.open("rb") as file:
        start = file.read(9)
    return len(start) == 9 and start[8:] == b"{" and int.from_bytes(start[:8], "little") < 100_000_000


def _bound_memory(limit: int) -> None:
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
