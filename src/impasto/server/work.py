"""What a job asks of the workers: a task of the command line, or many of them.

Files are named without their folder, for they lie in the job's own, wherever that is mounted.
"""

from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from impasto.media.gallery import builtin_styles
from impasto.options import WorkerOptions
from impasto.tasks import ColorizeTask, StylizeTask, VideoTask


class BatchTask(BaseModel):
    """Paintings of many photos, in one style or several."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    verb: Literal["batch"] = "batch"
    tasks: Annotated[tuple[StylizeTask, ...], Field(min_length=1)]


PictureTask = StylizeTask | ColorizeTask
"""What one worker carries out alone."""
Work = Annotated[StylizeTask | ColorizeTask | VideoTask | BatchTask, Field(discriminator="verb")]
WORK: Final[TypeAdapter[StylizeTask | ColorizeTask | VideoTask | BatchTask]] = TypeAdapter(Work)


def with_means_of(worker: WorkerOptions, task: PictureTask) -> PictureTask:
    """The same on the worker's device and within its memory."""
    own: dict[str, Any] = {"device": worker.device, "memory": worker.memory}
    if isinstance(task, StylizeTask):
        return task.model_copy(update={"options": task.options.model_copy(update=own)})
    return task.model_copy(
        update={
            "options": task.options.model_copy(update={"device": worker.device}),
            "painting": task.painting.model_copy(update=own),
        }
    )


def film_in(folder: Path, worker: WorkerOptions, task: VideoTask) -> VideoTask:
    """The same with its files found in a folder, by one process, on the worker's device; frames are kept."""
    styles = tuple(
        choice
        if choice.source in builtin_styles()
        else choice.model_copy(update={"source": str(folder / choice.source)})
        for choice in task.styles
    )
    coloring = task.coloring
    if coloring is not None and coloring.reference is not None:
        coloring = coloring.model_copy(update={"reference": folder / coloring.reference})
    own = {"device": worker.device, "memory": worker.memory, "workers": 1, "keep": True}
    return task.model_copy(
        update={
            "film": folder / task.film,
            "styles": styles,
            "output": folder / task.output,
            "coloring": coloring,
            "options": task.options.model_copy(update=own),
        }
    )
