"""One shot in colour: what is believed of each frame is carried on to the next."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final, NamedTuple

import torch
from torch import Tensor

from impasto.crossing import to_pixels, to_tensor
from impasto.media.picture import Picture
from impasto.methods.color_film import Belief, believed, held
from impasto.methods.colorize import (
    chosen_colors,
    in_colors,
    lightness_of,
    mean_shares,
    to_taste,
    within_border,
)
from impasto.methods.flow import Flows
from impasto.methods.following import Tie
from impasto.video.assignment import Assignment, Coloring
from impasto.video.folder import COLORED, Made
from impasto.video.photos import Photos, ahead, flows_of

FORESEEN: Final = 8
"""Frames that a shot's first one is coloured after, so that its colours need not settle in sight."""


class _Grey(NamedTuple):
    """A frame about to be coloured, and flow to the one before, if there is one in the shot."""

    number: int
    photo: Picture
    flows: Flows | None


def color_shot(
    job: Assignment, coloring: Coloring, shot: range, stop: Callable[[], bool] = lambda: False
) -> Iterator[Made]:
    """Colours what is not in colour yet of a shot, and yields every frame when it is on the disk.

    The belief that a frame's colours come from is on the disk before the frame, and stays until the next
    frame is there, so that it may be stopped anywhere.
    """
    begin = next((number for number in shot if not job.folder.has(number, COLORED)), shot.stop)
    for number in range(shot.start, begin):
        yield Made(number, COLORED, found=True)
    if begin == shot.stop:
        return
    device, photos = coloring.room.device, Photos(job.film_photos, shot)
    # A border that came and went would be seen.
    inside = within_border(lightness_of(to_tensor(photos.one(shot.start).rgb)))
    if begin == shot.start:
        belief = _foreseen(job, coloring, shot, inside)
    else:
        belief = Belief.of(torch.from_numpy(job.folder.belief(begin - 1)).to(device))
    for number, photo, flows in ahead(_prepared(job, photos, begin)):
        canvas = to_tensor(photo.rgb).to(device)
        lightness = lightness_of(canvas)
        if flows is not None:
            belief = believed(_said(coloring, lightness, inside), belief, _within(flows, inside))
        job.folder.save_belief(number, belief.stored.cpu().numpy())
        colors = chosen_colors(coloring.room.colorist, belief.shares, coloring.taste)
        x = in_colors(canvas, lightness, inside, colors)
        if flows is not None:
            before = to_tensor(job.folder.read(number - 1, COLORED).rgb).to(device)
            x = held(x, lightness, before, Tie.by(flows))
        job.folder.write(number, COLORED, replace(photo, rgb=to_pixels(x)))
        job.folder.forget_belief(number - 1)
        yield Made(number, COLORED, found=False)
        if stop():
            return


def _foreseen(job: Assignment, coloring: Coloring, shot: range, inside: tuple[slice, slice]) -> Belief:
    """Of a shot's first frame, carried back from those after it, whether they are wanted or not."""
    last = shot.stop == len(job.survey.indices)
    end = shot.stop + (len(job.survey.beyond) if last else 0)
    numbers = range(shot.start, min(end, shot.start + FORESEEN))
    photos = list(job.film_photos(numbers))
    belief: Belief | None = None
    for number, photo in reversed([*zip(numbers, photos, strict=True)]):
        lightness = lightness_of(to_tensor(photo.rgb).to(coloring.room.device))
        flows = None
        if belief is not None:
            next_photo = photos[number + 1 - shot.start]
            flows = _within(flows_of(job, number, number + 1, photo, next_photo), inside)
        belief = believed(_said(coloring, lightness, inside), belief, flows)
    assert belief is not None
    return belief


def _said(coloring: Coloring, lightness: Tensor, inside: tuple[slice, slice]) -> Tensor:
    """(1, 1, h, w) -> (1, q, h', w'): how likely the network finds each bin inside, to taste."""
    colorist, taste = coloring.room.colorist, coloring.taste
    shares = mean_shares(colorist, lightness[:, :, inside[0], inside[1]], taste.looks, taste.size_px)
    return to_taste(colorist, shares, taste)


def _within(flows: Flows, inside: tuple[slice, slice]) -> Flows:
    return Flows(*(flow[:, :, inside[0], inside[1]] for flow in flows))


def _prepared(job: Assignment, photos: Photos, begin: int) -> Iterator[_Grey]:
    for number, picture in photos.in_order(begin - photos.order[0]):
        flows = None
        if number > photos.order[0]:
            flows = flows_of(job, number, number - 1, picture, photos.one(number - 1))
        yield _Grey(number, picture, flows)
