"""One shot: its first frame is painted in full, and each next one starts from those before it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final, NamedTuple

from torch import Tensor

from impasto.crossing import to_pixels, to_tensor
from impasto.easel import Easel
from impasto.media.picture import Picture
from impasto.methods.following import Tie, beginning, drafted, held_to, paint_following
from impasto.methods.ladder import Evaluation, climb, washed, washes
from impasto.methods.optimize import search_for
from impasto.methods.scene import Scene
from impasto.methods.temporal import Anchor, warp_within
from impasto.video.assignment import Assignment
from impasto.video.folder import Made
from impasto.video.photos import Photos, ahead, flows_of

OFFSETS: Final = (1, 2, 4)
"""Frames that a frame is tied to, counted backwards; the farther ones only where the nearer show nothing."""


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


def paint_shot(
    job: Assignment, easel: Easel, shot: range, stop: Callable[[], bool] = lambda: False
) -> Iterator[Made]:
    """Paints what is not there yet of a shot, in all passes, and yields every frame when it is on the disk.

    Each depends on the film and on frames on the disk alone, so that it may be stopped anywhere.
    """
    passes = job.pace.passes
    for turn in range(passes):
        painting = _one_pass(job, easel, shot, turn) if _is_needed(job, shot, turn) else _passed(shot, turn)
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


def _passed(shot: range, turn: int) -> Iterator[Made]:
    return (Made(number, turn, found=True) for number in shot)


def _one_pass(job: Assignment, easel: Easel, shot: range, turn: int) -> Iterator[Made]:
    order = shot if turn % 2 == 0 or job.options.loop else shot[::-1]
    begin = next(
        (place for place, number in enumerate(order) if not job.folder.has(number, turn)), len(order)
    )
    for number in order[:begin]:
        yield Made(number, turn, found=True)
    if begin == len(order):
        return
    device = easel.network.device

    @lru_cache(maxsize=2 * OFFSETS[-1])
    def painting(number: int, its_turn: int) -> Tensor:
        return to_tensor(job.folder.read(number, its_turn).rgb).to(device)

    photos = Photos(job.photos, order)
    # Those of the first frame, so that no colour drifts within the shot.
    colors = washes(easel.before(photos.one(shot[0])).scene)
    for prepared in ahead(_prepared(job, photos, begin, turn)):
        number, scene = prepared.number, easel.before(prepared.photo).scene
        if job.options.strength == 0:
            x = scene.photo
        elif not prepared.neighbours or job.options.color_only:
            x = _in_full(easel, scene) if turn == 0 else painting(number, turn - 1)
        else:
            ties = [neighbour.tie for neighbour in prepared.neighbours]
            paintings = [painting(n, t) for n, t, _ in prepared.neighbours]
            if easel.is_draft and not job.options.frame_steps:
                x = drafted(_in_full(easel, scene), held_to(ties, paintings, warp_within))
            else:
                anchor = held_to(ties, paintings)
                ground = washed(scene, colors) if turn == 0 else painting(number, turn - 1)
                start = beginning(ground, anchor, job.pace.hold.share(turn))
                x = _following(job, easel, scene, start, anchor)
        job.folder.write(number, turn, replace(prepared.photo, rgb=to_pixels(x)))
        yield Made(number, turn, found=False)


def _in_full(easel: Easel, scene: Scene) -> Tensor:
    x = scene.photo
    for climbed in climb(easel.network.vgg, scene, easel.rungs, easel.manner, easel.spaces):
        x = climbed.picture
    return x


def _following(job: Assignment, easel: Easel, scene: Scene, start: Tensor, anchor: Anchor) -> Tensor:
    space = easel.spaces[-1]
    search = search_for(job.options.optimizer, space.history, space.lean)
    evaluate = Evaluation(easel.network.vgg, scene, space)
    steps = job.pace.steps_for(anchor)
    return paint_following(evaluate, start, anchor, steps, job.pace.hold, search)


def _prepared(job: Assignment, photos: Photos, begin: int, turn: int) -> Iterator[Prepared]:
    for place, (number, picture) in enumerate(photos.in_order(begin), begin):
        neighbours: list[Neighbour] = []
        for other, its_turn in neighbours_of(photos.order, place, turn, loop=job.options.loop):
            nearest = adjoin(photos.order, number, other, loop=job.options.loop)
            flows = flows_of(job, number, other, picture, photos.one(other), nearest=nearest)
            neighbours.append(Neighbour(other, its_turn, Tie.by(flows)))
        yield Prepared(number, picture, neighbours)


def adjoin(order: Sequence[int], number: int, other: int, *, loop: bool) -> bool:
    """Whether nothing lies between two frames of a shot; a loop's last is beside its first."""
    return abs(number - other) == 1 or (loop and {number, other} == {order[0], order[-1]})


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
