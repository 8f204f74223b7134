"""A Task says what to do, as JSON; Progress and Result say how it went."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_serializer, model_validator

from impasto.options import (
    ColoringOptions,
    ColorizeOptions,
    StylizeOptions,
    TrainColorizerOptions,
    TrainPainterOptions,
    TrainStyleOptions,
    VideoOptions,
)

Pixels = NDArray[np.float32]


class StyleChoice(BaseModel):
    """A painting's file, a card's file or a built-in name, and its share in a blend: `klimt.jpg:0.7`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Annotated[str, Field(min_length=1)]
    weight: Annotated[float, Field(gt=0, le=1000)] = 1.0

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        source, _, weight = value.rpartition(":")
        try:
            return {"source": source, "weight": float(weight)} if source else {"source": value}
        except ValueError:
            return {"source": value}

    @model_serializer
    def _to_text(self) -> str:
        return self.source if self.weight == 1 else f"{self.source}:{self.weight!r}"


FACES: Final = Path("faces")


class MaskChoice(BaseModel):
    """A picture that is white where it counts, or `faces`; `not:mask.png` is its inverse."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    inverse: bool = False

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        path = value.removeprefix("not:")
        return {"path": path, "inverse": path != value}

    @model_serializer
    def _to_text(self) -> str:
        return f"not:{self.path}" if self.inverse else str(self.path)


class RegionChoice(BaseModel):
    """A part of the photo with its own style, strength and content weight: `sky.png=great-wave:0.8:1.5`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mask: MaskChoice
    style: Annotated[str, Field(min_length=1)]
    strength: Annotated[float, Field(gt=0, le=1)] | None = None
    content_weight: Annotated[float, Field(ge=0, le=1e6)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        mask, equals, rest = value.rpartition("=")
        style, *numbers = _with_numbers(rest, most=2)
        if not (mask and equals and style):
            raise ValueError("must be MASK=STYLE, MASK=STYLE:STRENGTH or MASK=STYLE:STRENGTH:CONTENT")
        strength, content_weight = [*numbers, None, None][:2]
        return {"mask": mask, "style": style, "strength": strength, "content_weight": content_weight}

    @model_serializer
    def _to_text(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in type(self).model_fields}


def _with_numbers(text: str, most: int) -> list[Any]:
    """`name:1:2` -> name, 1.0, 2.0; what is no number belongs to the name."""
    numbers: list[float] = []
    while len(numbers) < most and ":" in text:
        name, _, last = text.rpartition(":")
        try:
            numbers.insert(0, float(last))
        except ValueError:
            break
        text = name
    return [text, *numbers]


class StylizeTask(BaseModel):
    """Repaint one photo in the style of one or several paintings, and write it to output, if there is one.

    regions: parts of the photo with styles of their own, later ones on top. protect: parts that stay as
    photographed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    verb: Literal["stylize"] = "stylize"
    photo: Path
    styles: Annotated[tuple[StyleChoice, ...], Field(min_length=1)]
    regions: tuple[RegionChoice, ...] = ()
    protect: tuple[MaskChoice, ...] = ()
    output: Path | None = None
    options: StylizeOptions = StylizeOptions()

    @property
    def sources(self) -> tuple[str, ...]:
        """The styles by name or file, those of the regions after the others."""
        return (*(one.source for one in self.styles), *(one.style for one in self.regions))

    @property
    def masks(self) -> tuple[MaskChoice, ...]:
        """Those of the regions, then those that protect."""
        return (*(one.mask for one in self.regions), *self.protect)

    @property
    def mask_files(self) -> tuple[Path, ...]:
        """The masks that are files."""
        return tuple(mask.path for mask in self.masks if mask.path != FACES)

    def moved(self, where: Callable[[str], str]) -> "StylizeTask":
        """The same task with every input under the name that `where` has for it."""

        def mask(choice: MaskChoice) -> MaskChoice:
            if choice.path == FACES:
                return choice
            return choice.model_copy(update={"path": Path(where(str(choice.path)))})

        weights = self.options.weights and Path(where(str(self.options.weights)))
        return self.model_copy(
            update={
                "photo": Path(where(str(self.photo))),
                "styles": tuple(one.model_copy(update={"source": where(one.source)}) for one in self.styles),
                "regions": tuple(
                    one.model_copy(update={"mask": mask(one.mask), "style": where(one.style)})
                    for one in self.regions
                ),
                "protect": tuple(mask(one) for one in self.protect),
                "options": self.options.model_copy(update={"weights": weights}),
            }
        )


class ColorizeTask(BaseModel):
    """Colour one photo, repaint it if styles are named, and write it to output, if there is one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    verb: Literal["colorize"] = "colorize"
    photo: Path
    output: Path | None = None
    options: ColorizeOptions = ColorizeOptions()
    styles: tuple[StyleChoice, ...] = ()
    painting: StylizeOptions = StylizeOptions()

    @property
    def sources(self) -> tuple[str, ...]:
        """The styles by name or file."""
        return tuple(one.source for one in self.styles)

    @property
    def mask_files(self) -> tuple[Path, ...]:
        """None: a picture is coloured whole."""
        return ()

    def moved(self, where: Callable[[str], str]) -> "ColorizeTask":
        """The same task with every input under the name that `where` has for it."""

        def path(name: Path | None) -> Path | None:
            return name and Path(where(str(name)))

        files = {"weights": path(self.options.weights), "reference": path(self.options.reference)}
        return self.model_copy(
            update={
                "photo": path(self.photo),
                "styles": tuple(one.model_copy(update={"source": where(one.source)}) for one in self.styles),
                "options": self.options.model_copy(update=files),
                "painting": self.painting.model_copy(update={"weights": path(self.painting.weights)}),
            }
        )


class TrainColorizerTask(BaseModel):
    """Train a network that colours on the photos of a folder; output is a folder, too."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    verb: Literal["train-colorizer"] = "train-colorizer"
    photos: Path
    output: Path
    options: TrainColorizerOptions = TrainColorizerOptions()


class VideoTask(BaseModel):
    """Colour a film, repaint it, or both, and write it to output.

    film: a file, a folder of pictures, or their pattern. coloring: None where it has its colours already.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    verb: Literal["video"] = "video"
    film: Path
    styles: tuple[StyleChoice, ...]
    output: Path
    options: VideoOptions = VideoOptions()
    coloring: ColoringOptions | None = None

    @model_validator(mode="after")
    def _has_something_to_do(self) -> "VideoTask":
        if not self.styles and self.coloring is None:
            raise ValueError("needs a style, or to be coloured")
        return self


class TrainPainterTask(BaseModel):
    """Train a painter on the photos of a folder and the paintings of another; output is a folder, too."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    verb: Literal["train-painter"] = "train-painter"
    photos: Path
    paintings: Path
    output: Path
    options: TrainPainterOptions = TrainPainterOptions()


class TrainStyleTask(BaseModel):
    """Teach the painter the style of a card on the photos of a folder; output is a card, too."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    verb: Literal["train-style"] = "train-style"
    style: str
    photos: Path
    output: Path
    options: TrainStyleOptions = TrainStyleOptions()


Task = StylizeTask | ColorizeTask


@dataclass(frozen=True)
class Progress:
    """One step done.

    step counts from 1 over all rungs; steps is None where the clock decides. note: what the user should know
    at once. preview() is (h, w, 3) in [0, 1], made when asked, of the painting as it is then.
    frame counts from 1; a still picture is the only one.
    """

    step: int
    steps: int | None
    rung: int
    rungs: int
    size_px: tuple[int, int]
    loss: float
    seconds: float
    eta_s: float
    note: str | None
    preview: Callable[[], Pixels] = field(repr=False)
    frame: int = 1
    frames: int = 1


@dataclass(frozen=True)
class Result:
    """A finished painting: rgb (h, w, 3) in [0, 1], what the user should know, and how it went, as JSON."""

    task: StylizeTask
    rgb: Pixels = field(repr=False)
    seconds: float
    notes: tuple[str, ...]
    report: dict[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Colored:
    """A picture in colour: rgb (h, w, 3) in [0, 1], what the user should know, and how it went, as JSON."""

    task: ColorizeTask
    rgb: Pixels = field(repr=False)
    seconds: float
    notes: tuple[str, ...]
    report: dict[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Trained:
    """A part of a training done: crops put on the shelf, or steps with the loss of the last one."""

    part: Literal["shelf", "steps"]
    done: int
    total: int
    loss: float | None


Stage = Literal["looking", "coloring", "painting", "writing", "measuring"]


@dataclass(frozen=True)
class FilmProgress:
    """One frame done. done, of frames: at this stage; frames is None where it is not known yet.

    eta_s: until all frames are painted; None before it can be told. note: what the user should know at once.
    """

    stage: Stage
    done: int
    frames: int | None
    seconds: float
    eta_s: float | None = None
    note: str | None = None


@dataclass(frozen=True)
class FilmResult:
    """A finished film: what the user should know, and how it went, as JSON."""

    task: VideoTask
    seconds: float
    frames: int
    notes: tuple[str, ...]
    report: dict[str, Any] = field(repr=False)
