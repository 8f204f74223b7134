"""Strips of rows, and the memory that they save."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from impasto.media.strips import strips

DEEDS = """
import sys
from pathlib import Path
from impasto.media.picture import read_picture, resize_picture, write_picture

def resident(which):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(which))

folder = Path(sys.argv[1])
write_picture(folder / "b.jpg", read_picture(folder / "small.jpg"))
before = resident("VmRSS")
picture = read_picture(folder / "large.jpg")
write_picture(folder / "b.jpg", picture)
resize_picture(picture, 2000)
print(resident("VmHWM") - before)
"""


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=3))
def test_strips_cover_every_row_once(shape: list[int]) -> None:
    starts, stops = zip(*((rows.start, rows.stop) for rows in strips(tuple(shape))), strict=True)
    assert (0, *stops) == (*starts, shape[0])
    assert all(start < stop for start, stop in zip(starts, stops, strict=True))


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="memory is asked of Linux")
def test_a_large_picture_takes_little_more_memory_than_its_floats(tmp_path: Path) -> None:
    rotated = Image.Exif()
    rotated[274] = 6
    tile = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    for name, times in (("small.jpg", 1), ("large.jpg", 100)):
        Image.fromarray(np.tile(tile, (times, times, 1))).save(tmp_path / name, exif=rotated)
    script = [sys.executable, "-c", DEEDS, str(tmp_path)]
    printed = subprocess.run(script, capture_output=True, text=True, check=True).stdout
    assert int(printed) / (4000 * 3000) < 12 + 12
