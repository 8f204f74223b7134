"""A Task says what to do, as JSON; Progress and Result say how it went."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_serializer, model_validator

from impasto.options import StylizeOptions

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


class StylizeTask(BaseModel):
    """Repaint one photo in the style of one or several paintings, and write it to output, if there is one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    verb: Literal["stylize"] = "stylize"
    photo: Path
    styles: Annotated[tuple[StyleChoice, ...], Field(min_length=1)]
    output: Path | None = None
    options: StylizeOptions = StylizeOptions()


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
