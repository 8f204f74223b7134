"""The work folder beside a film: what is painted stays there until the film is written.

It is named after the output and after all that decides about pixels, so that the same command finds it again,
whatever ended it, and another command never touches it.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from impasto.errors import OptionError, OutputError
from impasto.media.files import write_whole
from impasto.media.frames import Timeline
from impasto.media.picture import Picture, read_picture, write_picture
from impasto.tasks import VideoTask

COMPRESSED: Final = 0.7
"""Of a painted frame, by PNG."""
ENCODED: Final = 0.1
"""Of a painted frame, in the film."""
COLORED: Final = -1
"""The pass before any painting, in which frames get their colours."""
NOT_PIXELS: Final = {"workers", "codec", "crf", "keep", "memory", "jpeg_quality", "preview"}
"""Options that leave painted frames as they are."""


@dataclass(frozen=True)
class Survey:
    """What looking through the film has found.

    line: of all of it; indices: the frames that were chosen; shots: [start, end) among those. beyond: frames
    that go on where the last shot was cut short.
    """

    line: Timeline
    indices: tuple[int, ...]
    shots: tuple[tuple[int, int], ...]
    notes: tuple[str, ...] = ()
    beyond: tuple[int, ...] = ()

    @property
    def known(self) -> tuple[int, ...]:
        """The frames that can be looked at, by their numbers."""
        return (*self.indices, *self.beyond)

    def first(self, count: int | None) -> "Survey":
        """The beginning of it, of so many chosen frames."""
        if count is None or count >= len(self.indices):
            return self
        shots = tuple((start, min(end, count)) for start, end in self.shots if start < count)
        cut_at = max((end for start, end in self.shots if start < count), default=0)
        return replace(self, indices=self.indices[:count], shots=shots, beyond=self.indices[count:cut_at])


class Made(NamedTuple):
    """A frame that is on the disk, of a pass; found: it was there before."""

    number: int
    turn: int
    found: bool


class Folder:
    """Frames of each pass, as PNG, and the survey. Frames are numbered among the chosen ones."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def make(self) -> None:
        """OutputError when it cannot be made."""
        try:
            self.path.mkdir(exist_ok=True)
        except OSError as reason:
            raise OutputError(
                f"{self.path} cannot be made ({reason.strerror}); choose another place."
            ) from reason

    def frame_path(self, number: int, turn: int) -> Path:
        return self.path / f"pass-{turn + 1}" / f"{number:06d}.png"

    def has(self, number: int, turn: int) -> bool:
        return self.frame_path(number, turn).exists()

    def write(self, number: int, turn: int, picture: Picture) -> None:
        path = self.frame_path(number, turn)
        path.parent.mkdir(exist_ok=True)
        write_picture(path, picture)

    def read(self, number: int, turn: int) -> Picture:
        return read_picture(self.frame_path(number, turn), max_pixels=1 << 40)

    def forget(self, turn: int, shot: range) -> None:
        """The frames of an earlier pass, which nothing needs any more."""
        for number in shot:
            self.frame_path(number, turn).unlink(missing_ok=True)

    def save_belief(self, number: int, belief: NDArray[np.float16]) -> None:
        """What the frames up to this one tell of its colours: all that the next one needs of them."""
        write_whole(self._belief_path(number), lambda file: np.save(file, belief))

    def belief(self, number: int) -> NDArray[np.float16]:
        """The one that was saved of a frame."""
        found: NDArray[np.float16] = np.load(self._belief_path(number))
        return found

    def forget_belief(self, number: int) -> None:
        """Nothing needs it any more."""
        self._belief_path(number).unlink(missing_ok=True)

    def files_of(self, number: int, turn: int) -> list[Path]:
        """What another machine needs of a frame to go on from it, the frame itself last."""
        return [path for path in (self._belief_path(number), self.frame_path(number, turn)) if path.exists()]

    def _belief_path(self, number: int) -> Path:
        return self.path / f"belief-{number:06d}.npy"

    def save(self, name: str, value: object) -> None:
        """Keeps what JSON can say, under a name."""
        write_whole(self.path / f"{name}.json", lambda file: file.write(json.dumps(value).encode()))

    def saved(self, name: str) -> Any:
        """What was kept under a name, or None."""
        path = self.path / f"{name}.json"
        return json.loads(path.read_text()) if path.exists() else None

    def save_survey(self, survey: Survey) -> None:
        stored = asdict(survey)
        stored["line"]["time_base"] = str(survey.line.time_base)
        self.save("survey", stored)

    def survey(self) -> Survey | None:
        """The one that was saved, if there is one."""
        stored = self.saved("survey")
        if stored is None:
            return None
        line = stored["line"]
        return Survey(
            Timeline(tuple(line["times"]), line["end"], Fraction(line["time_base"]), counted=line["counted"]),
            tuple(stored["indices"]),
            tuple((start, end) for start, end in stored["shots"]),
            tuple(stored["notes"]),
        )

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


def folder_for(task: VideoTask, decides: dict[str, Any]) -> Folder:
    """The work folder of a task. decides: what else makes pixels, such as hashes of files."""
    ignored = NOT_PIXELS - ({"preview"} if _ends_matter(task) else set())
    options = task.options.model_dump(mode="json", exclude=ignored)
    styles = [choice.model_dump(mode="json") for choice in task.styles]
    coloring = task.coloring and task.coloring.model_dump(mode="json")
    text = json.dumps([options, styles, coloring, decides], sort_keys=True)
    name = hashlib.sha256(text.encode()).hexdigest()[:10]
    return Folder(task.output.with_name(f"{task.output.name}.work-{name}"))


def _ends_matter(task: VideoTask) -> bool:
    """Whether a shot's last frame has a say in its first, so that a preview is a film of its own."""
    return task.options.loop or task.options.quality == "best" or (task.options.passes or 1) > 1


@contextmanager
def held(folder: Folder) -> Iterator[None]:
    """The folder is this process's alone; OptionError while another one has it."""
    with (folder.path / "lock").open("w") as lock:
        try:
            import fcntl
        except ImportError:  # on Windows nobody is kept out
            yield
            return
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as reason:
            raise OptionError(
                f"another impasto is painting {folder.path}; wait for it, or end it first."
            ) from reason
        yield


def check_room(folder: Folder, frames: int, frame_bytes: float, passes: int) -> None:
    """OutputError when what is still to be painted would not fit on the disk."""
    needed = frames * frame_bytes * (COMPRESSED * min(passes, 2) + ENCODED)
    free = shutil.disk_usage(folder.path).free
    if needed > free:
        raise OutputError(
            f"{frames} painted frames take about {needed / 1e9:.1f} GB, and {folder.path.parent} has "
            f"{free / 1e9:.1f} GB free; make room, or choose a smaller --size or a --preview."
        )
