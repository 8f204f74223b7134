"""Crops of training photos and what VGG sees in them, kept in files, so that each is computed once."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import torch
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from torch import Tensor

from impasto.crossing import to_tensor
from impasto.errors import PictureError
from impasto.media.files import write_whole
from impasto.media.picture import read_picture, resize
from impasto.methods.color_lessons import crop_lightness, target_of
from impasto.networks.cielab import to_lab
from impasto.networks.colorizer import seen
from impasto.networks.vgg import Vgg

HELD_OUT: Final = 10
"""One photo in so many is never trained on."""
SUFFIXES: Final = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".heic", ".avif"}
NEAREST: Final = 4 / 3
"""A view beyond the first shows a photo at up to so many times the size of the first."""
DULL: Final = 3.0
"""A photo whose mean |a| and |b| is below this was black-and-white itself."""
SAVED_EVERY: Final = 50


def photos_in(folder: Path) -> list[Path]:
    """The pictures in a folder and below, in order of their names; PictureError if there are too few."""
    photos = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not any(is_held_out(path) for path in photos) or all(is_held_out(path) for path in photos):
        raise PictureError(f"{folder} has {len(photos)} pictures, too few to train on; give a larger folder")
    return photos


def is_held_out(photo: Path) -> bool:
    """Whether a photo is for measuring only: told by its name, so that it is the same everywhere."""
    return hashlib.sha256(photo.name.encode()).digest()[0] % HELD_OUT == 0


class Shelf:
    """Crops, `size_px` squared, of several views of each photo: view 0 is the middle of it as it is.

    A row is a crop: `light` (1, s, s), L as the network is shown it; `colors` (2, s/4, s/4), a and b; and the
    layers' features, unless there is no `vgg`. All are float16, in a file each.
    """

    def __init__(self, folder: Path, photos: Sequence[Path], views: int, size_px: int, seed: int) -> None:
        self.folder = folder
        self.photos = photos
        self.size_px = size_px
        self.seed = seed
        self.rows = len(photos) * views
        self._files: dict[str, NDArray[np.float16]] = {}

    def fill(self, vgg: Vgg | None) -> Iterator[int]:
        """Computes what is not there yet, telling after each row how many are."""
        self.folder.mkdir(parents=True, exist_ok=True)
        state = self.folder / "shelf.json"
        key = [[path.name for path in self.photos], self.rows, self.size_px, self.seed, vgg is None]
        label = hashlib.sha256(json.dumps(key).encode()).hexdigest()
        found = json.loads(state.read_text()) if state.exists() else {}
        done = found["done"] if found.get("label") == label else 0
        self._files = {path.stem: open_memmap(path, "r+") for path in self.folder.glob("*.npy") if done}
        for row in range(done, self.rows):
            for name, values in self._row(row, vgg).items():
                if name not in self._files:
                    shape = (self.rows, *values.shape)
                    self._files[name] = open_memmap(self.folder / f"{name}.npy", "w+", np.float16, shape)
                self._files[name][row] = values.numpy()
            if row % SAVED_EVERY == 0 or row == self.rows - 1:
                text = json.dumps({"label": label, "done": row + 1}).encode()
                write_whole(state, partial(_put, text))
            yield row + 1

    def batch(self, rows: Sequence[int], names: Sequence[str]) -> dict[str, Tensor]:
        """Rows of the files named, stacked, in float16."""
        return {name: torch.from_numpy(np.stack([self._files[name][row] for row in rows])) for name in names}

    def colorful(self, *, held_out: bool) -> list[int]:
        """The rows of photos in colour: those to train on, in all views, or those to measure, in one."""
        rows = range(len(self.photos) if held_out else self.rows)
        return [
            row
            for row in rows
            if is_held_out(self.photos[row % len(self.photos)]) == held_out
            and np.abs(self._files["colors"][row].astype(np.float32)).mean() > DULL
        ]

    def _row(self, row: int, vgg: Vgg | None) -> dict[str, Tensor]:
        view, index = divmod(row, len(self.photos))
        generator = torch.Generator().manual_seed(self.seed + row)
        lab = to_lab(self._crop(self.photos[index], view, generator))
        light = crop_lightness(lab, generator) if view else lab[:, :1]
        made = {"light": light, "colors": target_of(lab)}
        if vgg is not None:
            with torch.inference_mode():
                made |= seen(vgg, light)
        # What VGG answers to once in a million times is no loss.
        return {name: values[0].float().clamp(-6e4, 6e4).half() for name, values in made.items()}

    def _crop(self, path: Path, view: int, generator: torch.Generator) -> Tensor:
        """(1, 3, s, s) sRGB; odd views are mirrored."""
        zoom, across, down = torch.rand(3, generator=generator).tolist() if view else (0.0, 0.5, 0.5)
        rgb = read_picture(path).rgb
        scale = self.size_px * (1 + (NEAREST - 1) * zoom) / min(rgb.shape[:2])
        height, width = (max(self.size_px, round(side * scale)) for side in rgb.shape[:2])
        photo = to_tensor(resize(rgb, (width, height)))
        top, left = round(down * (height - self.size_px)), round(across * (width - self.size_px))
        crop = photo[..., top : top + self.size_px, left : left + self.size_px]
        return crop.flip(3) if view % 2 else crop


def _put(content: bytes, file: BinaryIO) -> None:
    file.write(content)
