"""Photos beside paintings, cropped at random, read ahead of the steps that learn from them."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from impasto.media.picture import read_picture
from impasto.methods.training import batch_of

PHOTO_ZOOM: Final = 1.5
PAINTING_ZOOM: Final = 2.0
"""A crop shows at least this part of the shorter side: brushstrokes come in many sizes."""
PAINTING_PX: Final = 256
"""Side of a painting's crop, or that of the photos', if that is larger."""
CROPS: Final = 8
"""Of a painting: so few that all that is measured of them can be kept."""
LONGEST_PX: Final = 4
"""Pictures are read at so many times the size of a crop, at most."""
KEPT_BYTES: Final = 4e9
"""So much stays in memory once it is read; what does not fit is read anew each time."""
AHEAD: Final = 3
OTHER_SEED: Final = 1_000_003


class Pairing(NamedTuple):
    """photos, paintings: (n, 3, s, s) in [0, 1], float32; what is random depends on the step alone.

    names: n numbers, the same for the same crop of the same painting.
    """

    photos: Tensor
    paintings: Tensor
    names: list[int]


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

        PictureError for a file that cannot be read.
        """
        generator = torch.Generator().manual_seed(self.seed * OTHER_SEED + step)
        places = batch_of(len(self.photos), self.batch, self.seed, step)
        draws = torch.rand((self.batch, 4), generator=generator)
        photos = [
            self._crop(self.photos[place], self.size_px, PHOTO_ZOOM, draw)
            for place, draw in zip(places, draws, strict=True)
        ]
        places = batch_of(len(self.paintings), self.batch, self.seed + OTHER_SEED, step)
        cuts = torch.randint(CROPS, (self.batch,), generator=generator).tolist()
        names = [CROPS * place + cut for place, cut in zip(places, cuts, strict=True)]
        return Pairing(torch.cat(photos), torch.cat([self._painting(name) for name in names]), names)

    def middles(self, count: int) -> Pairing:
        """The first photos and paintings, each the middle as it is, a painting for each photo."""
        middle = torch.tensor([0.0, 0.5, 0.5, 0.0])
        photos, paintings = (
            torch.cat(
                [self._crop(paths[number % len(paths)], self.size_px, 1.0, middle) for number in range(count)]
            )
            for paths in (self.photos, self.paintings)
        )
        return Pairing(photos, paintings, [*range(count)])

    def ahead(self, first: int, steps: int, readers: int) -> Iterator[Pairing]:
        """The pairings of steps from `first` on, up to `steps`, read by so many threads."""
        with ThreadPoolExecutor(readers) as pool:
            waiting: deque[Future[Pairing]] = deque()
            try:
                for step in range(first, steps + AHEAD + readers):
                    if step < steps:
                        waiting.append(pool.submit(self.at, step))
                    if len(waiting) >= AHEAD + readers or (step >= steps and waiting):
                        yield waiting.popleft().result()
            finally:
                for one in waiting:
                    one.cancel()

    def _painting(self, name: int) -> Tensor:
        draw = torch.rand(4, generator=torch.Generator().manual_seed(self.seed * OTHER_SEED - 1 - name))
        size_px = max(PAINTING_PX, self.size_px)
        return self._crop(self.paintings[name // CROPS], size_px, PAINTING_ZOOM, draw)

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
        found = torch.from_numpy(np.asarray(crop, np.float32) / 255).permute(2, 0, 1)[None]
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
