"""All that it takes to paint any shot of a film, and how much painting a quality means."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final, NamedTuple

from impasto.easel import Easel, set_up
from impasto.media.film import PICTURE_RATE, Film, open_film
from impasto.media.frames import read_frames
from impasto.media.picture import Picture
from impasto.methods.following import Hold
from impasto.methods.ladder import Manner
from impasto.methods.scene import Scene
from impasto.methods.temporal import Anchor
from impasto.options import Quality, VideoOptions
from impasto.studio import Studio
from impasto.tasks import StylizeTask, VideoTask
from impasto.video.folder import Folder, Survey


class Pace(NamedTuple):
    """What a quality means for a film: steps for the frames after a shot's first, passes, and how to hold.

    fresh: steps more for a frame that shows nothing of those before; for a part of it, a part of them.
    """

    steps: int
    fresh: int
    passes: int
    hold: Hold

    def steps_for(self, anchor: Anchor) -> int:
        """For a frame that is held to an anchor."""
        return self.steps + round(self.fresh * float(1 - anchor.weight.mean()))


PACES: Final[dict[Quality, Pace]] = {
    "draft": Pace(2, 8, 1, Hold(weight=100, blend=0.5)),
    "good": Pace(5, 20, 1, Hold(weight=100)),
    "best": Pace(8, 40, 3, Hold(weight=100, own=0.5)),
}


@dataclass(frozen=True)
class Assignment:
    """All that it takes to paint any shot of a film."""

    film: Film
    survey: Survey
    size_px: tuple[int, int]
    easel: Easel
    options: VideoOptions
    folder: Folder

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
        return Pace(usual.steps, usual.fresh, passes, hold)

    def scene(self, photo: Picture) -> Scene:
        """What is to be painted of a frame's photo."""
        return self.easel.before(photo).scene

    @property
    def manner(self) -> Manner:
        return Manner(self.options.optimizer, self.options.start, self.options.seed)

    def painted_survey(self) -> Survey:
        """The beginning of the film whose frames have all been painted."""
        last, numbers = self.pace.passes - 1, range(len(self.survey.indices))
        return self.survey.first(next((n for n in numbers if not self.folder.has(n, last)), len(numbers)))

    @property
    def first_frame_cost(self) -> float:
        """Of a shot's first frame, in that of one after it, as far as steps tell."""
        width, height = self.size_px
        work = sum(r.steps * r.size_px[0] * r.size_px[1] for r in self.easel.rungs) / (width * height)
        return max(1.0, work / (self.pace.steps + 1))


def assign(
    task: VideoTask, survey: Survey, size_px: tuple[int, int], folder: Folder, studio: Studio
) -> Assignment:
    """What it takes to paint; numbers and memory are settled by the first to ask, for all who come later."""
    settled = folder.saved("settled") or {"precision": task.options.precision, "memory": task.options.memory}
    options = task.options.model_copy(update={**settled, "size": max(size_px)})
    still = StylizeTask(photo=task.film, styles=task.styles, options=options)
    film = open_task(task)
    easel = set_up(still, next(read_frames(film, survey.line, survey.indices[:1], size_px)), studio, None)
    found = easel.task.options
    folder.save("settled", {"precision": found.precision, "memory": found.memory})
    return Assignment(film, survey, size_px, easel, options, folder)


def open_task(task: VideoTask) -> Film:
    """The film that a task names."""
    rate = task.options.rate
    return open_film(task.film, Fraction(rate).limit_denominator(1001) if rate else PICTURE_RATE)
