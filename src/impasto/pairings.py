"""Photos beside paintings, cropped at random, read ahead of the steps that learn from them."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from impasto.media.picture import read_picture
from impasto.methods.training import batch_of

PHOTO_ZOOM: Final = 1.5
PAINTING_ZOOM: Final = 3.0
"""A crop shows at least this part of the shorter side: brushstrokes come in many sizes."""
PAINTING_PX: Final = 256
"""Side of a painting's crop, or that of the photos', if that is larger: a patch is no style."""
LONGEST_PX: Final = 4
"""Pictures are read at so many times the size of a crop, at most."""
KEPT_BYTES: Final = 4e9
"""So much stays in memory once it is read; what does not fit is read anew each time."""
AHEAD: Final = 3
OTHER_SEED: Final = 1_000_003

T = TypeVar("T")


class Pairing(NamedTuple):
    """photos, paintings: (n, 3, s, s) uint8; what is random depends on the step alone."""

    photos: Tensor
    paintings: Tensor


class Pairings:
    """The pairings of a training. Threads may share one."""

    def __init__(
        self, photos: Sequence[Path], paintings: Sequence[Path], size_px: int, batch: int, seed: int
    ) -> None:
        self.photos = photos
        self.paintings = paintings
        self.size_px = size_px
        self.batch = batch
        self.seed = seed
        self._kept: dict[Path, NDArray[np.uint8]] = {}
        self._kept_bytes = 0

    def at(self, step: int) -> Pairing:
        """Each photo and each painting comes once before any comes again; half of them are mirrored.

        A photo and the painting beside it are turned alike, by none to three quarters: whichever way up they
        are, what hangs or slants in a painting alone is not its style.
        PictureError for a file that cannot be read.
        """
        generator = torch.Generator().manual_seed(self.seed * OTHER_SEED + step)
        paintings = batch_of(len(self.paintings), self.batch, self.seed + OTHER_SEED, step)
        painting_px = max(PAINTING_PX, self.size_px)
        beside = Pairing(
            self._photos(step, generator),
            self._crops([self.paintings[n] for n in paintings], painting_px, PAINTING_ZOOM, generator),
        )
        quarters = torch.randint(4, (self.batch,), generator=generator).tolist()
        return Pairing(*(turned(pictures, quarters) for pictures in beside))

    def photos_at(self, step: int) -> Tensor:
        """The photos that `at` has, as they stand: (n, 3, s, s) uint8."""
        return self._photos(step, torch.Generator().manual_seed(self.seed * OTHER_SEED + step))

    def middles(self, count: int) -> Pairing:
        """The first photos and paintings, each the middle as it is, a painting for each photo."""
        middle = torch.tensor([0.0, 0.5, 0.5, 0.0])
        photos, paintings = (
            torch.cat(
                [self._crop(paths[number % len(paths)], self.size_px, 1.0, middle) for number in range(count)]
            )
            for paths in (self.photos, self.paintings)
        )
        return Pairing(photos, paintings)

    def _photos(self, step: int, generator: torch.Generator) -> Tensor:
        photos = batch_of(len(self.photos), self.batch, self.seed, step)
        return self._crops([self.photos[n] for n in photos], self.size_px, PHOTO_ZOOM, generator)

    def _crops(self, paths: Sequence[Path], size_px: int, zoom: float, generator: torch.Generator) -> Tensor:
        draws = torch.rand((len(paths), 4), generator=generator)
        return torch.cat(
            [self._crop(path, size_px, zoom, draw) for path, draw in zip(paths, draws, strict=True)]
        )

    def _crop(self, path: Path, size_px: int, zoom: float, draw: Tensor) -> Tensor:
        """draw: how near, how far from the left and from the top, and whether mirrored, each in [0, 1)."""
        near, across, down, mirrored = draw.tolist()
        pixels = self._pixels(path)
        height, width = pixels.shape[:2]
        shortest = min(height, width)
        # Evenly over the logarithm of the size, and enlarged only where there are too few pixels.
        side = max(shortest * zoom**-near, min(shortest, size_px))
        left, top = across * (width - side), down * (height - side)
        # Encoded values are averaged here, not light: ten times faster, and nobody looks at the crops.
        crop = Image.fromarray(pixels).resize(
            (size_px, size_px), Image.Resampling.HAMMING, (left, top, left + side, top + side)
        )
        found = torch.from_numpy(np.array(crop)).permute(2, 0, 1)[None]
        return found.flip(3) if mirrored >= 0.5 else found

    def _pixels(self, path: Path) -> NDArray[np.uint8]:
        """(h, w, 3)."""
        kept = self._kept.get(path)
        if kept is not None:
            return kept
        rgb = read_picture(path, longest_px=LONGEST_PX * self.size_px).rgb
        pixels = np.rint(rgb * 255).astype(np.uint8)
        if self._kept_bytes + pixels.nbytes <= KEPT_BYTES:
            self._kept[path] = pixels
            self._kept_bytes += pixels.nbytes
        return pixels


def ahead(read: Callable[[int], T], first: int, steps: int, readers: int) -> Iterator[T]:
    """What is read for the steps from `first` on, up to `steps`, by so many threads."""
    with ThreadPoolExecutor(readers) as pool:
        waiting: deque[Future[T]] = deque()
        try:
            for step in range(first, steps + AHEAD + readers):
                if step < steps:
                    waiting.append(pool.submit(read, step))
                if len(waiting) >= AHEAD + readers or (step >= steps and waiting):
                    yield waiting.popleft().result()
        finally:
            for one in waiting:
                one.cancel()


def turned(pictures: Tensor, quarters: Sequence[int]) -> Tensor:
    """Square pictures (n, c, s, s), each turned left by so many quarters."""
    return torch.stack(
        [torch.rot90(picture, quarter, (1, 2)) for picture, quarter in zip(pictures, quarters, strict=True)]
    )
