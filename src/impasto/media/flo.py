"""Optical flow in files: Middlebury's .flo, which every program for flow reads and writes.

"PIEH", width and height as little-endian int32, then x and y of each pixel as little-endian float32, by rows.
"""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from impasto.errors import FilmError
from impasto.media.files import write_whole

_MAGIC: Final = b"PIEH"
_HEADER_BYTES: Final = 12


def read_flo(path: Path) -> NDArray[np.float32]:
    """(h, w, 2): how far each pixel moves to the right and down; FilmError when it cannot be read."""
    try:
        stored = path.read_bytes()
    except OSError as reason:
        raise FilmError(f"{path} cannot be read; leave out --flow-files or put the file there.") from reason
    width, height = np.frombuffer(stored[4:_HEADER_BYTES].ljust(8, b"\0"), "<i4")
    if stored[:4] != _MAGIC or len(stored) != _HEADER_BYTES + 8 * int(width) * int(height) or width < 1:
        raise FilmError(f"{path} is no .flo file, or is cut off; make it again.")
    flow = np.frombuffer(stored, "<f4", offset=_HEADER_BYTES).reshape(int(height), int(width), 2)
    return flow.astype(np.float32)


def write_flo(path: Path, flow: NDArray[np.float32]) -> None:
    """(h, w, 2) -> the file, whole or not at all."""
    height, width = flow.shape[:2]
    header = _MAGIC + np.array([width, height], "<i4").tobytes()
    write_whole(path, lambda file: file.write(header + np.ascontiguousarray(flow, "<f4").tobytes()))
