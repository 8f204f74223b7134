"""A picture file held open, and every way it can disappoint as one sentence."""

import logging
import stat
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from PIL import Image, UnidentifiedImageError

from impasto.errors import PictureError, ResourceError
from impasto.media.files import STANDARD, open_input

_LIBRARIES: Final = threading.Lock()


@contextmanager
def opened(path: Path, max_pixels: int) -> Iterator[BinaryIO]:
    """The file open for reading; whatever decoders raise inside leaves as a PictureError with a remedy.

    Inside, Pillow refuses more than `max_pixels` pixels and is silent, and no other picture is decoded.
    """
    with regular_file(path) as file, decoding(path, max_pixels):
        yield file


@contextmanager
def decoding(path: Path, max_pixels: int) -> Iterator[None]:
    """What `opened` promises, for a file that is open already."""
    try:
        with _strict_libraries(max_pixels):
            yield
    except PictureError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as reason:
        sentence = f"{path} has more than {max_pixels:,} pixels; raise --max-pixels or shrink it first."
        raise PictureError(sentence) from reason
    except UnidentifiedImageError as reason:
        sentence = f"{path} is no picture of a known format, or damaged from the start; save it anew as PNG."
        raise PictureError(sentence) from reason
    except MemoryError as reason:
        raise ResourceError(f"{path} needs more memory than there is; make it smaller first.") from reason
    except Exception as reason:
        # Decoders fed with damaged bytes raise whatever they stumble over, even KeyError and struct.error.
        sentence = f"{path} is damaged, cut off or of a rare kind; copy it again or save it anew as PNG."
        raise PictureError(sentence) from reason


def peek(file: BinaryIO, length: int = -1) -> bytes:
    """The file's first bytes, or all; its position stays, for Pillow reads on from there."""
    position = file.tell()
    file.seek(0)
    head = file.read(length)
    file.seek(position)
    return head


def regular_file(path: Path) -> BinaryIO:
    """The file open for reading, with a first byte; PictureError else.

    A pipe would keep us waiting, and a device may never end.
    """
    if path == STANDARD:
        return open_input(path)
    try:
        found = path.stat()
        mode = found.st_mode
        if stat.S_ISDIR(mode):
            raise PictureError(f"{path} is a folder; name a picture inside it.")
        if not stat.S_ISREG(mode):
            raise PictureError(f"{path} is a device or pipe, no regular file; save the picture as one first.")
        if not found.st_size:
            raise PictureError(f"{path} is empty (0 bytes); copy or download it again.")
        return path.open("rb")
    except (FileNotFoundError, NotADirectoryError) as reason:
        raise PictureError.no_file(path) from reason
    except PermissionError as reason:
        raise PictureError(f"{path} may not be read by this user; change its permissions.") from reason
    except (OSError, ValueError) as reason:
        trouble = str(getattr(reason, "strerror", None) or reason).lower()
        raise PictureError(f"{path} cannot be opened ({trouble}); check its name and folder.") from reason


@contextmanager
def _strict_libraries(max_pixels: int) -> Iterator[None]:
    """Pillow and tifffile without their chatter, and Pillow with our limit as its own.

    Those settings belong to the whole process, hence one picture is decoded at a time.
    """
    tifffile_log = logging.getLogger("tifffile")
    with _LIBRARIES, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        pillow_limit, log_disabled = Image.MAX_IMAGE_PIXELS, tifffile_log.disabled
        Image.MAX_IMAGE_PIXELS, tifffile_log.disabled = max_pixels, True
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS, tifffile_log.disabled = pillow_limit, log_disabled
