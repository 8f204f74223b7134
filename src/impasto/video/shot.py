"""One shot: its first frame is painted in full, and each next one starts from those before it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import torch
from torch import Tensor

from impasto.crossing import to_pixels, to_tensor
from impasto.media.flo import read_flo, write_flo
from impasto.media.frames import read_frames
from impasto.media.picture import Picture
from impasto.methods.flow import flow_between, resize_flow
from impasto.methods.following import (
    Tie,
    beginning,
    held_to,
    paint_following,
    tie,
)
from impasto.methods.ladder import Evaluation, climb, washed, washes
from impasto.methods.optimize import search_for
from impasto.methods.scene import Scene
from impasto.methods.temporal import Anchor, correspondence
from impasto.options import FlowMethod
from impasto.video.assignment import Assignment

OFFSETS: Final = (1, 2, 4)
"""Frames that a frame is tied to, counted backwards; the farther ones only where the nearer show nothing."""
CHUNK: Final = 12
"""Frames that are decoded together when a shot is gone through backwards."""
T = TypeVar("T")


class Neighbour(NamedTuple):
    """A frame that another is tied to, the pass it was painted in, and how the other lies in it."""

    number: int
    turn: int
    tie: Tie


class Prepared(NamedTuple):
    """A frame about to be painted: its photo, and what it is tied to, the nearest first."""

    number: int
    photo: Picture
    neighbours: list[Neighbour]


class Painted(NamedTuple):
    """A frame of a shot that is on the disk; found: it was there before."""

    number: int
    turn: int
    found: bool


def paint_shot(job: Assignment, shot: range, stop: Callable[[], bool] = lambda: False) -> Iterator[Painted]:
    """Paints what is not there yet of a shot, in all passes, and yields every frame when it is on the disk.

    Each depends on the film and on frames on the disk alone, so that it may be stopped anywhere.
    """
    passes = job.pace.passes
    for turn in range(passes):
        painting = _one_pass(job, shot, turn) if _is_needed(job, shot, turn) else _passed(shot, turn)
        for painted in painting:
            yield painted
            if stop():
                return
        if turn > 0:
            job.folder.forget(turn - 1, shot)


def _is_needed(job: Assignment, shot: range, turn: int) -> bool:
    """Whether a pass has frames to paint or lend: not once the next is complete, or the one after begun."""
    later = range(turn + 2, job.pace.passes)
    if any(job.folder.has(number, one) for one in later for number in shot):
        return False
    return turn + 1 == job.pace.passes or not all(job.folder.has(number, turn + 1) for number in shot)


def _passed(shot: range, turn: int) -> Iterator[Painted]:
    return (Painted(number, turn, found=True) for number in shot)


def _one_pass(job: Assignment, shot: range, turn: int) -> Iterator[Painted]:
    order = shot if turn % 2 == 0 or job.options.loop else shot[::-1]
    begin = next(
        (place for place, number in enumerate(order) if not job.folder.has(number, turn)), len(order)
    )
    for number in order[:begin]:
        yield Painted(number, turn, found=True)
    if begin == len(order):
        return
    device = job.easel.network.device

    @lru_cache(maxsize=2 * OFFSETS[-1])
    def painting(number: int, its_turn: int) -> Tensor:
        return to_tensor(job.folder.read(number, its_turn).rgb).to(device)

    photos = _Photos(job, order)
    # Those of the first frame, so that no colour drifts within the shot.
    colors = washes(job.scene(photos.one(shot[0])))
    for prepared in ahead(_prepared(job, photos, begin, turn)):
        number, scene = prepared.number, job.scene(prepared.photo)
        if job.options.strength == 0:
            x = scene.photo
        elif not prepared.neighbours or job.options.color_only:
            x = _in_full(job, scene) if turn == 0 else painting(number, turn - 1)
        else:
            ties = [neighbour.tie for neighbour in prepared.neighbours]
            anchor = held_to(ties, [painting(n, t) for n, t, _ in prepared.neighbours])
            ground = washed(scene, colors) if turn == 0 else painting(number, turn - 1)
            x = _following(job, scene, beginning(ground, anchor, job.pace.hold.share(turn)), anchor)
        job.folder.write(number, turn, replace(prepared.photo, rgb=to_pixels(x)))
        yield Painted(number, turn, found=False)


def _in_full(job: Assignment, scene: Scene) -> Tensor:
    easel, x = job.easel, scene.photo
    for climbed in climb(easel.network.vgg, scene, easel.rungs, job.manner, easel.spaces):
        x = climbed.picture
    return x


def _following(job: Assignment, scene: Scene, start: Tensor, anchor: Anchor) -> Tensor:
    space = job.easel.spaces[-1]
    search = search_for(job.options.optimizer, space.history, space.lean)
    evaluate = Evaluation(job.easel.network.vgg, scene, space)
    steps = job.pace.steps_for(anchor)
    return paint_following(evaluate, start, anchor, steps, job.pace.hold, search)


class _Photos:
    """A shot's photos in an order, and any one of them."""

    def __init__(self, job: Assignment, order: Sequence[int]) -> None:
        self.job, self.order = job, order
        self.recent: dict[int, Picture] = {}

    def _read(self, numbers: Sequence[int]) -> Iterator[Picture]:
        survey = self.job.survey
        return read_frames(self.job.film, survey.line, [survey.indices[n] for n in numbers], self.job.size_px)

    def in_order(self, begin: int) -> Iterator[tuple[int, Picture]]:
        """From a place in the order on; backwards they are decoded a few at a time."""
        rest = self.order[begin:]
        forward = len(rest) < 2 or rest[0] < rest[1]
        parts = [rest] if forward else [rest[at : at + CHUNK] for at in range(0, len(rest), CHUNK)]
        for part in parts:
            pictures: Iterable[Picture] = self._read(part) if forward else [*self._read(part[::-1])][::-1]
            for number, picture in zip(part, pictures, strict=True):
                self.recent[number] = picture
                while len(self.recent) > 4 * OFFSETS[-1]:
                    del self.recent[next(iter(self.recent))]
                yield number, picture

    def one(self, number: int) -> Picture:
        if number not in self.recent:
            self.recent[number] = next(self._read([number]))
        return self.recent[number]


def _prepared(job: Assignment, photos: _Photos, begin: int, turn: int) -> Iterator[Prepared]:
    for place, (number, picture) in enumerate(photos.in_order(begin), begin):
        neighbours = [
            Neighbour(other, its_turn, _tie(job, number, other, picture, photos.one(other)))
            for other, its_turn in neighbours_of(photos.order, place, turn, loop=job.options.loop)
        ]
        yield Prepared(number, picture, neighbours)


def neighbours_of(order: Sequence[int], place: int, turn: int, *, loop: bool) -> list[tuple[int, int]]:
    """The frames that the one at a place in the order is tied to, and the passes they were painted in.

    Those before it; in the later passes of a loop also those beyond the ends, which are the other end's.
    """
    found = []
    for offset in OFFSETS:
        if place >= offset:
            found.append((order[place - offset], turn))
        elif loop and turn > 0 and len(order) > 2 * OFFSETS[-1]:
            found.append((order[place - offset], turn - 1))
        if loop and turn > 0 and len(order) > 2 * OFFSETS[-1] and place + offset >= len(order):
            found.append((order[place + offset - len(order)], turn))
    return found


def _tie(job: Assignment, number: int, other: int, picture: Picture, other_picture: Picture) -> Tie:
    here, there = to_tensor(picture.rgb), to_tensor(other_picture.rgb)
    folder = job.options.flow_files
    if folder is None:
        return tie(here, there, job.options.flow)
    name, back = (
        f"{job.survey.indices[a] + 1}_{job.survey.indices[b] + 1}"
        for a, b in ((number, other), (other, number))
    )
    flow = _kept_flow(folder / f"{name}.flo", here, there, job.options.flow)
    return Tie(flow, correspondence(flow, _kept_flow(folder / f"{back}.flo", there, here, job.options.flow)))


def _kept_flow(path: Path, here: Tensor, there: Tensor, method: FlowMethod) -> Tensor:
    if not path.exists():
        found = flow_between(here, there, method)
        write_flo(path, found[0].permute(1, 2, 0).numpy())
    flow = torch.from_numpy(read_flo(path).transpose(2, 0, 1).copy())[None]
    return resize_flow(flow, (here.shape[2], here.shape[3]))


def ahead(items: Iterator[T]) -> Iterator[T]:
    """The same, each made in another thread while the one before is in use."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item
