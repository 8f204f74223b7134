"""All that it takes to colour and paint any shot of a film, and how much painting a quality means."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final, NamedTuple

import torch

from impasto.coloring import taste_of
from impasto.crossing import to_pixels, to_tensor
from impasto.easel import EFFORTS, Easel, set_up
from impasto.media.film import PICTURE_RATE, Film, open_film
from impasto.media.frames import read_frames
from impasto.media.picture import Picture
from impasto.methods.colorize import Taste, colorize
from impasto.methods.flow import NETWORK_BYTES
from impasto.methods.following import Hold
from impasto.methods.ladder import FIRST_STEPS
from impasto.methods.temporal import Anchor
from impasto.options import Quality, VideoOptions
from impasto.studio import ColorStudio, Studio
from impasto.tasks import StylizeTask, VideoTask
from impasto.video.folder import COLORED, Folder, Survey

FEWEST_STEPS: Final = 2
"""For a frame after a shot's first, however large."""


class Pace(NamedTuple):
    """What a quality means for a film: steps for the frames after a shot's first, passes, and how to hold.

    steps: where the first is painted at one size; where it begins on lower rungs, it takes fewer at its full
    size, and so do these. fresh: steps more for a frame that shows nothing of those before; for a part of it,
    a part of them.
    """

    steps: int
    fresh: int
    passes: int
    hold: Hold

    def steps_for(self, anchor: Anchor) -> int:
        """For a frame that is held to an anchor."""
        return self.steps + round(self.fresh * float(1 - anchor.weight.mean()))

    def where(self, first_frame_steps: float, at_one_size: float) -> "Pace":
        """Where the first frame takes as much as so many steps at full size, and not the usual number."""
        share = min(1.0, first_frame_steps / at_one_size)
        steps = max(FEWEST_STEPS, round(share * self.steps))
        return self._replace(steps=steps, fresh=round(share * self.fresh))


PACES: Final[dict[Quality, Pace]] = {
    "draft": Pace(2, 8, 1, Hold(weight=100, blend=0.5)),
    "good": Pace(5, 20, 1, Hold(weight=100)),
    "best": Pace(8, 40, 3, Hold(weight=100, own=0.5)),
}


class Coloring(NamedTuple):
    """Who colours, and how."""

    room: ColorStudio
    taste: Taste

    def of(self, photo: Picture) -> Picture:
        """A frame in colour, by itself."""
        canvas = to_tensor(photo.rgb).to(self.room.device)
        return replace(photo, rgb=to_pixels(colorize(self.room.colorist, canvas, self.taste)))


@dataclass(frozen=True)
class Assignment:
    """All that it takes to make any shot of a film.

    coloring: None where the film has its colours; easel: None where it is not painted.
    """

    film: Film
    survey: Survey
    size_px: tuple[int, int]
    options: VideoOptions
    folder: Folder
    coloring: Coloring | None
    easel: Easel | None

    @property
    def turns(self) -> range:
        """The passes in which frames are made; those of painting count from 0."""
        return range(COLORED if self.coloring else 0, self.pace.passes if self.easel else 0)

    @property
    def pace(self) -> Pace:
        """The quality's, with what the user says otherwise."""
        usual = PACES[self.options.quality]
        hold = replace(usual.hold, weight=usual.hold.weight * self.options.hold)
        passes = self.options.passes or max(usual.passes, 2 if self.options.loop else 1)
        if passes > 1:
            hold = replace(hold, own=0.5)
        if self.options.frame_steps:
            return Pace(self.options.frame_steps, 0, passes, hold)
        at_one_size = FIRST_STEPS * EFFORTS[self.options.quality]
        sized = usual.where(self._first_frame_steps, at_one_size)
        return sized._replace(passes=passes, hold=hold)

    @property
    def flow_dtype(self) -> torch.dtype:
        """The numbers that flow is found in: those of the film, but float32 where that is made on a GPU."""
        made_by = self.easel.network if self.easel else self.coloring.room if self.coloring else None
        return made_by.dtype if made_by and made_by.device.type == "cpu" else torch.float32

    def made_survey(self) -> Survey:
        """The beginning of the film whose frames have all been made."""
        last, numbers = self.turns[-1], range(len(self.survey.indices))
        return self.survey.first(next((n for n in numbers if not self.folder.has(n, last)), len(numbers)))

    @property
    def first_frame_cost(self) -> float:
        """Of a shot's first painted frame, in that of one after it, as far as steps tell."""
        return max(1.0, self._first_frame_steps / (self.pace.steps + 1))

    @property
    def _first_frame_steps(self) -> float:
        """What those on all rungs are worth at the full size."""
        width, height = self.size_px
        rungs = self.easel.rungs if self.easel else ()
        return sum(r.steps * r.size_px[0] * r.size_px[1] for r in rungs) / (width * height)

    def film_photos(self, numbers: Sequence[int]) -> Iterator[Picture]:
        """The film's own frames, also those that a shot was cut short before."""
        indices = [self.survey.known[number] for number in numbers]
        return read_frames(self.film, self.survey.line, indices, self.size_px)

    def photos(self, numbers: Sequence[int]) -> Iterator[Picture]:
        """What is painted: the film's frames, in colour if they get it here."""
        if self.coloring is None:
            return self.film_photos(numbers)
        return (self.folder.read(number, COLORED) for number in numbers)


def assign(
    task: VideoTask, survey: Survey, size_px: tuple[int, int], folder: Folder, studio: Studio
) -> Assignment:
    """What it takes; numbers and memory are settled by the first to ask, for all who come later."""
    settled = folder.saved("settled") or {"precision": task.options.precision, "memory": task.options.memory}
    options = task.options.model_copy(update={**settled, "size": max(size_px)})
    film = open_task(task)
    coloring = easel = None
    if task.coloring is not None:
        room = studio.colorist(task.coloring, options.device, options.precision)
        coloring = Coloring(room, taste_of(task.coloring, room, options.max_pixels))
        settled["precision"] = str(room.dtype).removeprefix("torch.")
    if task.styles:
        first = next(read_frames(film, survey.line, survey.indices[:1], size_px))
        if coloring is not None:
            first = coloring.of(first)
        beside = NETWORK_BYTES if options.flow in ("auto", "gmflow") else 0
        painting = StylizeTask(photo=task.film, styles=task.styles, options=options)
        easel = set_up(painting, first, studio, None, beside)
        settled = easel.task.options.model_dump(include={"precision", "memory"})
    folder.save("settled", settled)
    return Assignment(film, survey, size_px, options, folder, coloring, easel)


def open_task(task: VideoTask) -> Film:
    """The film that a task names."""
    rate = task.options.rate
    return open_film(task.film, Fraction(rate).limit_denominator(1001) if rate else PICTURE_RATE)
