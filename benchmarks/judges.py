"""Readers that share no code with ours: libvips and ImageMagick, each if it is there."""

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from impasto.media.profiles import srgb_profile

Rgba = NDArray[np.uint8]


class Seen(NamedTuple):
    """A picture as another program sees it: (h, w, 4), upright and in sRGB; by whom; frames and seconds."""

    rgba: Rgba
    by: str
    delays_s: tuple[float, ...] = ()
    plays: int | None = None


def _vips(path: Path) -> Seen | None:
    try:
        import pyvips
    except (ImportError, OSError):
        return None
    try:
        image = pyvips.Image.new_from_file(str(path)).autorot()
        names = image.get_fields()
        if "icc-profile-data" in names and image.interpretation not in ("lab", "labs"):
            image = image.icc_transform(
                "srgb", embedded=True, intent="relative", black_point_compensation=True, depth=8
            )
        else:
            image = image.colourspace("srgb")
        image = image.cast("uchar")
        if image.bands in (1, 3):
            image = image.bandjoin(255)
        pixels = image.numpy()
        if pixels.shape[2] == 2:
            pixels = pixels[..., (0, 0, 0, 1)]
        delays = tuple(ms / 1000 for ms in image.get("delay")) if "delay" in names else ()
        return Seen(pixels[..., :4], "libvips", delays, image.get("loop") if "loop" in names else None)
    except (pyvips.Error, ValueError):
        return None


def _magick(path: Path) -> Seen | None:
    program = shutil.which("magick") or shutil.which("convert")
    if program is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        profile, result = Path(folder, "srgb.icc"), Path(folder, "a.png")
        profile.write_bytes(srgb_profile())
        how = ["-auto-orient", "-profile", str(profile), "-strip", "-depth", "8"]
        command = [program, f"{path}[0]", *how, f"PNG32:{result}"]
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
        if done.returncode or not result.exists():
            return None
        seen = _vips(result)
        return None if seen is None else seen._replace(by="ImageMagick")


READERS: Final = (_vips, _magick)
"""Each gives what it sees, or None for a file that it cannot read."""


def distance(ours: Rgba, theirs: Rgba) -> float:
    """Mean difference in [0, 1] of two pictures of one size, on white."""
    return float(np.abs(_on_white(ours) - _on_white(theirs)).mean())


def turned(rgba: Rgba) -> list[Rgba]:
    """The picture in all eight orientations, itself first."""
    return [np.rot90(side, quarter) for side in (rgba, rgba[:, ::-1]) for quarter in range(4)]


def _on_white(rgba: Rgba) -> NDArray[Any]:
    values = rgba.astype(np.float32) / 255
    return values[..., :3] * values[..., 3:] + 1 - values[..., 3:]
