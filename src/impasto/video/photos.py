"""The photos of a shot, and how they lie in each other."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import torch

from impasto.crossing import to_tensor
from impasto.media.flo import read_flo, write_flo
from impasto.media.picture import Picture
from impasto.methods.flow import Flows, flows_between, resize_flow
from impasto.video.assignment import Assignment

CHUNK: Final = 12
"""Frames that are decoded together when a shot is gone through backwards."""
KEPT: Final = 16
"""Photos at hand, for those that look back."""
T = TypeVar("T")


class Photos:
    """A shot's photos in an order, and any one of them. read: the photos of some frames, in their order."""

    def __init__(self, read: Callable[[Sequence[int]], Iterator[Picture]], order: Sequence[int]) -> None:
        self._read, self.order = read, order
        self.recent: dict[int, Picture] = {}

    def in_order(self, begin: int) -> Iterator[tuple[int, Picture]]:
        """From a place in the order on; backwards they are decoded a few at a time."""
        rest = self.order[begin:]
        forward = len(rest) < 2 or rest[0] < rest[1]
        parts = [rest] if forward else [rest[at : at + CHUNK] for at in range(0, len(rest), CHUNK)]
        for part in parts:
            pictures: Iterable[Picture] = self._read(part) if forward else [*self._read(part[::-1])][::-1]
            for number, picture in zip(part, pictures, strict=True):
                self.recent[number] = picture
                while len(self.recent) > KEPT:
                    del self.recent[next(iter(self.recent))]
                yield number, picture

    def one(self, number: int) -> Picture:
        if number not in self.recent:
            self.recent[number] = next(self._read([number]))
        return self.recent[number]


def flows_of(
    job: Assignment,
    number: int,
    other: int,
    picture: Picture,
    other_picture: Picture,
    *,
    nearest: bool = True,
) -> Flows:
    """From a frame to another and back, by their photos; with --flow-files as it is told there, or kept.

    nearest: whether no frame lies between. Of the others only what the nearest does not say is asked, and
    auto is DIS for them.
    """
    here, there = to_tensor(picture.rgb), to_tensor(other_picture.rgb)
    folder = job.options.flow_files
    method = "dis" if job.options.flow == "auto" and not nearest else job.options.flow
    if folder is None:
        return flows_between(here, there, method, job.flow_dtype)
    first, second = (job.survey.known[n] + 1 for n in (number, other))
    files = (folder / f"{first}_{second}.flo", folder / f"{second}_{first}.flo")
    if not all(path.exists() for path in files):
        for path, flow in zip(files, flows_between(here, there, method, job.flow_dtype), strict=True):
            if not path.exists():
                write_flo(path, flow[0].permute(1, 2, 0).numpy())
    told = (torch.from_numpy(read_flo(path).transpose(2, 0, 1).copy())[None] for path in files)
    return Flows(*(resize_flow(flow, (here.shape[2], here.shape[3])) for flow in told))


def ahead(items: Iterator[T]) -> Iterator[T]:
    """The same, each made in another thread while the one before is in use."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item
