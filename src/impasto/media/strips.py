"""A picture a few rows at a time, so that what is computed on the way stays small beside it."""

import math
from collections.abc import Iterator
from typing import Final

_STRIP_SAMPLES: Final = 1 << 20


def strips(shape: tuple[int, ...]) -> Iterator[slice]:
    """The rows of each strip of an (h, w) or (h, w, c) array, from the top, at least one row in each."""
    height, *row = shape
    rows = max(1, _STRIP_SAMPLES // math.prod(row))
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height))
