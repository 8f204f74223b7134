"""Every knob once: the command line, the recipe in a picture and the docs derive from these models."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

Objective = Literal["moments", "gram", "wasserstein", "gatys"]
Optimizer = Literal["lbfgs", "adam", "sgd"]
Start = Literal["recolored", "photo", "noise"]
Quality = Literal["draft", "good", "best"]
Backbone = Literal["vgg16", "vgg19"]
Device = Literal["auto", "cpu", "cuda", "mps"]
FilmCodec = Literal["auto", "h264", "h265", "vp9", "av1", "prores", "ffv1"]
FlowMethod = Literal["dis", "deepflow", "farneback"]
Precision = Literal["auto", "float32", "bfloat16"]
Format = Literal["png", "jpeg", "webp", "gif", "tiff", "bmp", "avif", "heic"]

MAX_PIXELS: Final = 200_000_000

_SECONDS: Final = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600}
_BYTES: Final = {"MB": 1e6, "GB": 1e9, "TB": 1e12, "MiB": 2**20, "GiB": 2**30}


def _seconds(value: object) -> object:
    return _measured(value, _SECONDS, "a time like 30s, 2m or 1h")


def _bytes(value: object) -> object:
    return _measured(value, _BYTES, "an amount of memory like 4GB or 800MB")


def _measured(value: object, units: Mapping[str, float], wanted: str) -> object:
    if not isinstance(value, str):
        return value
    found = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*([A-Za-z]*)\s*", value)
    if not found or found[2] not in units:
        raise ValueError(f"must be {wanted}")
    return float(found[1]) * units[found[2]]


Seconds = Annotated[
    float | str,
    BeforeValidator(_seconds),
    Field(gt=0, le=1e6),
    WithJsonSchema({"type": "string", "examples": ["30s", "2m"]}),
]
"""Held as a number of seconds; 30, "30s" and "0.5m" are the same."""
Bytes = Annotated[
    float | str,
    BeforeValidator(_bytes),
    Field(gt=0, le=1e15),
    WithJsonSchema({"type": "string", "examples": ["4GB", "800MB"]}),
]
"""Held as a number of bytes; "4GB" is 4e9."""


class Options(BaseModel):
    """Frozen, and a name that does not exist is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class StylizeOptions(Options):
    """How a photo is repainted."""

    strength: Annotated[
        float, Field(ge=0, le=1, description="How far the photo gives way to the style, from 0 to 1.")
    ] = 0.5
    size: Annotated[
        int,
        Field(ge=16, le=65_536, description="Longest side of the result in pixels; never above the photo's."),
    ] = 512
    quality: Annotated[
        Quality, Field(description="How long to paint: a third of good's steps, or four times as many.")
    ] = "good"
    time: Annotated[
        Seconds | None,
        Field(description="The best picture that this time buys, in place of a quality."),
    ] = None
    memory: Annotated[
        Bytes | None, Field(description="Stay below this much memory; left out, below what is free.")
    ] = None
    seed: Annotated[int, Field(ge=0, le=2**63 - 1, description="Same seed, same pixels.")] = 0
    steps: Annotated[
        int | None,
        Field(ge=1, le=100_000, description="Steps in all, shared out over the rungs."),
    ] = None
    rungs: Annotated[
        int | None, Field(ge=1, le=8, description="Sizes painted one after the other, each twice the last.")
    ] = None
    objective: Annotated[
        Objective,
        Field(
            description="How styles are compared; gatys is the objective of 2016 with its published weights."
        ),
    ] = "moments"
    optimizer: Annotated[Optimizer, Field(description="The search that lowers the loss.")] = "lbfgs"
    start: Annotated[
        Start,
        Field(
            description="What the painting starts from: the photo in the style's colours, as it is, or noise."
        ),
    ] = "recolored"
    content_weight: Annotated[
        float, Field(ge=0, le=1e6, description="Multiplies the wish to keep the photo; for experts.")
    ] = 1.0
    style_weight: Annotated[
        float, Field(ge=0, le=1e6, description="Multiplies the wish to take on the style; for experts.")
    ] = 1.0
    smoothness: Annotated[
        float,
        Field(ge=0, le=1e6, description="Weight of the total variation: takes out grain and fine strokes."),
    ] = 0.0
    backbone: Annotated[
        Backbone, Field(description="The network that looks: vgg16 is bundled, vgg19 is fetched once.")
    ] = "vgg16"
    weights: Annotated[
        Path | None, Field(description="Weights of the backbone from a file (.h5, .pth or .safetensors).")
    ] = None
    device: Annotated[Device, Field(description="Where to compute; auto takes the fastest there is.")] = (
        "auto"
    )
    precision: Annotated[
        Precision, Field(description="Numbers for the features; auto measures which are faster here.")
    ] = "auto"
    format: Annotated[
        Format,
        Field(
            description="What a result becomes whose name does not tell: in a batch or on standard output."
        ),
    ] = "png"
    jpeg_quality: Annotated[
        int, Field(ge=1, le=100, description="Quality of a JPEG, WebP or AVIF result.")
    ] = 95
    strip_gps: Annotated[
        bool, Field(description="Leave out of the result where the photo was taken; other metadata stay.")
    ] = False
    max_pixels: Annotated[int, Field(ge=1, description="Refuse pictures with more pixels than this.")] = (
        MAX_PIXELS
    )

    @field_validator("steps")
    @classmethod
    def _no_steps_beside_a_time(cls, steps: int | None, info: ValidationInfo) -> int | None:
        if steps is not None and info.data.get("time") is not None:
            raise ValueError("cannot be given beside --time; leave one out")
        return steps
