"""Every knob once: the command line, the recipe in a picture and the docs derive from these models."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Objective = Literal["moments", "gram", "wasserstein", "gatys"]
Optimizer = Literal["lbfgs", "adam", "sgd"]
Start = Literal["recolored", "photo", "noise", "draft"]
Quality = Literal["draft", "good", "best"]
Backbone = Literal["vgg16", "vgg19"]
Device = Literal["auto", "cpu", "cuda", "mps"]
FilmCodec = Literal["auto", "h264", "h265", "vp9", "av1", "prores", "ffv1"]
FlowMethod = Literal["auto", "dis", "gmflow", "deepflow", "farneback"]
Precision = Literal["auto", "float32", "bfloat16"]
Format = Literal["png", "jpeg", "webp", "gif", "tiff", "bmp", "avif", "heic"]
ColorsKeptBy = Literal["luminance", "before", "after"]
ColorNetwork = Literal["impasto", "zhang2016"]
ColorLoss = Literal["classes", "regression"]

MAX_PIXELS: Final = 200_000_000

_SECONDS: Final = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600}
_BYTES: Final = {"MB": 1e6, "GB": 1e9, "TB": 1e12, "MiB": 2**20, "GiB": 2**30}


def objection(detail: "ErrorDetails") -> str:
    """What is wrong with a value, to be read after its name: must be at most 1, not 7."""
    message = detail["msg"].replace("Input should be", "must be").removeprefix("Value error, ")
    # Our own sentences say it all.
    return message if detail["type"] == "value_error" else f"{message}, not {detail['input']}"


def _seconds(value: object) -> object:
    return _measured(value, _SECONDS, "a time like 30s, 2m or 1h")


def _bytes(value: object) -> object:
    return _measured(value, _BYTES, "an amount of memory like 4GB or 800MB")


def _hint(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(r"\d{1,9},\d{1,9},#[0-9A-Fa-f]{6}", value):
        raise ValueError("must be pixels from left, from top, and a colour, like 120,80,#c04020")
    return value


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

DeviceKnob = Annotated[Device, Field(description="Where to compute; auto takes the fastest there is.")]
TrainingSeedKnob = Annotated[int, Field(ge=0, le=2**31 - 1, description="Same seed, same network or card.")]
LearningRateKnob = Annotated[
    float,
    Field(
        gt=0, le=1, description="It rises over the first 100 steps, and falls to nothing over all of them."
    ),
]
PhotoWeightKnob = Annotated[
    float, Field(ge=0, le=1e3, description="Of the photo's features, beside 1 for the style's.")
]
EquivarianceKnob = Annotated[
    float,
    Field(ge=0, le=1e3, description="Weight of strokes that stay with the photo where it moves by a pixel."),
]
PrecisionKnob = Annotated[
    Precision, Field(description="Numbers for the features; auto measures which are faster here.")
]
FormatKnob = Annotated[
    Format,
    Field(description="What a result becomes whose name does not tell: in a batch or on standard output."),
]
JpegQualityKnob = Annotated[int, Field(ge=1, le=100, description="Quality of a JPEG, WebP or AVIF result.")]
StripGpsKnob = Annotated[
    bool, Field(description="Leave out of the result where the photo was taken; other metadata stay.")
]
MaxPixelsKnob = Annotated[int, Field(ge=1, description="Refuse pictures with more pixels than this.")]
HintText = Annotated[
    str,
    BeforeValidator(_hint),
    WithJsonSchema({"type": "string", "examples": ["120,80,#c04020"]}),
]
"""Pixels from the left, pixels from the top, and the colour that belongs there."""


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
        Quality,
        Field(description="draft: painted in one pass, at once; best: four times the work of good."),
    ] = "good"
    time: Annotated[
        Seconds | None,
        Field(description="The best picture that this time buys, in place of a quality."),
    ] = None
    memory: Annotated[
        Bytes | None, Field(description="Stay below this much memory; left out, below what is free.")
    ] = None
    style_scale: Annotated[
        float,
        Field(ge=0.1, le=10, description="Size of the strokes: 2 makes them twice as large, 0.5 half."),
    ] = 1.0
    keep_colors: Annotated[
        float, Field(ge=0, le=1, description="How much of the photo's own colours stay, from 0 to 1.")
    ] = 0.0
    keep_colors_by: Annotated[
        ColorsKeptBy,
        Field(
            description="How they stay: only lightness is painted; or the style picture, which must be a "
            "painting's file and no built-in style or card, is brought to the photo's colours before; or the "
            "painting after."
        ),
    ] = "luminance"
    color_only: Annotated[
        bool, Field(description="Take on the style's colours and none of its strokes, in a moment.")
    ] = False
    saturation: Annotated[
        float, Field(ge=0, le=4, description="Multiplies the result's chroma: 0 is grey, 1 as painted.")
    ] = 1.0
    seed: Annotated[
        int, Field(ge=0, le=2**63 - 1, description="Same seed, same pixels; another seed, another draft.")
    ] = 0
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
            description="What the painting starts from: the photo in the style's colours or as it is, noise, "
            "or a draft."
        ),
    ] = "recolored"
    content_weight: Annotated[
        float, Field(ge=0, le=1e6, description="Multiplies the wish to keep the photo; for experts.")
    ] = 1.0
    style_weight: Annotated[
        float, Field(ge=0, le=1e6, description="Multiplies the wish to take on the style; for experts.")
    ] = 1.0
    layer_weights: Annotated[
        str,
        Field(
            pattern=r"^$|^[1-5]_1=[0-9]*\.?[0-9]+(,[1-5]_1=[0-9]*\.?[0-9]+)*$",
            description="Weights of the style's layers, from fine 1_1 to coarse 5_1, as 2_1=2,5_1=1; "
            "5_1 counts only if named; for experts.",
        ),
    ] = ""
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
    device: DeviceKnob = "auto"
    precision: PrecisionKnob = "auto"
    format: FormatKnob = "png"
    jpeg_quality: JpegQualityKnob = 95
    strip_gps: StripGpsKnob = False
    max_pixels: MaxPixelsKnob = MAX_PIXELS

    @property
    def weight_of_layer(self) -> dict[str, float]:
        """The layer weights that were given."""
        pairs = (pair.split("=") for pair in self.layer_weights.split(",") if pair)
        return {layer: float(weight) for layer, weight in pairs}

    @field_validator("steps")
    @classmethod
    def _no_steps_beside_a_time(cls, steps: int | None, info: ValidationInfo) -> int | None:
        if steps is not None and info.data.get("time") is not None:
            raise ValueError("cannot be given beside --time; leave one out")
        return steps


class QueueOptions(Options):
    """Where jobs and their files are; the same for all who share them."""

    store: Annotated[
        str | None,
        Field(
            min_length=1,
            description="Folder for uploads and results, or a URL such as s3://bucket/impasto, which a fleet "
            "shares. Left out, a folder of this user's.",
        ),
    ] = None
    database: Annotated[
        str | None,
        Field(
            pattern=r"^(sqlite:///|postgres(ql)?://).+",
            description="Keeps the jobs: sqlite:///FILE or postgresql://... Left out, SQLite in the store.",
        ),
    ] = None


class PlaceOptions(QueueOptions):
    """And what a painting may take; the same for servers and workers."""

    device: DeviceKnob = "auto"
    memory: Annotated[
        Bytes | None, Field(description="Stay below this much memory; left out, below what is free.")
    ] = None


class WorkerOptions(PlaceOptions):
    """How a worker takes jobs."""

    name: Annotated[
        str | None,
        Field(
            pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
            description="Its name among the workers; left out, the machine's with a number.",
        ),
    ] = None


class ServeOptions(PlaceOptions):
    """What the page and the API allow."""

    host: Annotated[str, Field(description="Address to listen on; any but this machine's needs --token.")] = (
        "127.0.0.1"
    )
    port: Annotated[int, Field(ge=0, le=65_535, description="Port to listen on; 0 takes a free one.")] = 8000
    token: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9._~+/=-]{16,200}$")], ...],
        Field(
            description="What clients must show, 16 characters or more; each has its own jobs. "
            "Also read from IMPASTO_TOKEN, with commas between.",
        ),
    ] = ()
    workers: Annotated[
        int, Field(ge=0, le=64, description="Painting processes to start here; 0 leaves it to a fleet.")
    ] = 1
    max_upload: Annotated[Bytes, Field(description="Refuse larger uploads.")] = 200e6
    max_pixels: Annotated[int, Field(ge=1, description="Refuse pictures with more pixels than this.")] = (
        64_000_000
    )
    max_frames: Annotated[
        int, Field(ge=1, description="Refuse films and animations with more frames than this.")
    ] = 20_000
    max_size: Annotated[
        int, Field(ge=16, le=65_536, description="Longest side of a result that may be asked for, in pixels.")
    ] = 4096
    max_time: Annotated[
        Seconds, Field(description="A painting that takes longer is stopped, and kept as it is.")
    ] = 3600.0
    max_film_time: Annotated[
        Seconds, Field(description="The same of films and batches, from when a worker sees to them.")
    ] = 86_400.0
    upload_time: Annotated[Seconds, Field(description="An upload that takes longer is broken off.")] = 120.0
    jobs_per_client: Annotated[
        int, Field(ge=1, le=100_000, description="Unfinished jobs that one client may have.")
    ] = 50
    max_disk: Annotated[Bytes, Field(description="Refuse uploads while the store holds more.")] = 20e9
    keep_days: Annotated[
        int, Field(ge=1, le=3650, description="Uploads and finished jobs are removed after this many days.")
    ] = 7


class ColoringOptions(Options):
    """How what was black-and-white is coloured."""

    temperature: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="From vivid, 0, the likeliest colour of each place, to safe, 1, the mean of all.",
        ),
    ] = 0.38
    rarity: Annotated[
        float,
        Field(ge=0, le=1, description="From 0, colours as frequent as in photos, to 1, rare ones favoured."),
    ] = 0.0
    saturation: Annotated[float, Field(ge=0, le=3, description="Multiplies how colourful it is.")] = 1.0
    reference: Annotated[
        Path | None, Field(description="A picture in colour, whose colours are made likelier.")
    ] = None
    looks: Annotated[
        int, Field(ge=1, le=8, description="Sizes and mirrorings that are averaged: more is steadier.")
    ] = 4
    size: Annotated[
        int,
        Field(ge=64, le=1024, description="Shorter side at which the network looks, in pixels."),
    ] = 208
    network: Annotated[
        ColorNetwork,
        Field(description="Who colours: impasto's own network is bundled, zhang2016 is fetched once."),
    ] = "impasto"
    weights: Annotated[
        Path | None, Field(description="Weights of either network from a file (.pth or .safetensors).")
    ] = None


class ColorizeOptions(ColoringOptions):
    """How a black-and-white picture is coloured and written."""

    hint: Annotated[
        tuple[HintText, ...],
        Field(description="A colour that belongs somewhere: pixels from left, from top, and #rrggbb."),
    ] = ()
    device: DeviceKnob = "auto"
    precision: PrecisionKnob = "auto"
    format: FormatKnob = "png"
    jpeg_quality: JpegQualityKnob = 95
    strip_gps: StripGpsKnob = False
    max_pixels: MaxPixelsKnob = MAX_PIXELS


class TrainColorizerOptions(Options):
    """How a colorizer is trained; as they are, for two processor cores."""

    steps: Annotated[int, Field(ge=1, le=10_000_000, description="Steps in all.")] = 1600
    batch: Annotated[int, Field(ge=1, le=1024, description="Crops that a step sees.")] = 16
    learning_rate: LearningRateKnob = 1e-3
    weight_decay: Annotated[float, Field(ge=0, le=1, description="Pulls the weights towards nothing.")] = 0.02
    size: Annotated[
        int, Field(ge=32, le=512, multiple_of=16, description="Side of the crops, in pixels.")
    ] = 192
    views: Annotated[
        int, Field(ge=1, le=64, description="Crops of each photo; all but the first are made to look old.")
    ] = 3
    loss: Annotated[
        ColorLoss, Field(description="Zhang et al.'s choice among bins, or the L2 loss of the mean colour.")
    ] = "classes"
    uniform_share: Annotated[
        float,
        Field(ge=0, le=1, description="The paper's lambda: 0 weighs rare colours most, 1 weighs all alike."),
    ] = 0.5
    finetune: Annotated[
        bool, Field(description="Train VGG-16, too, from the pictures themselves; for a GPU.")
    ] = False
    seed: TrainingSeedKnob = 0
    saved_every: Annotated[
        int, Field(ge=1, description="Steps between two checkpoints, each with samples and a curve.")
    ] = 100
    device: DeviceKnob = "auto"


class VideoOptions(StylizeOptions):
    """How a film is repainted; what is said of a photo holds for the first frame of every shot."""

    quality: Annotated[
        Quality,
        Field(description="draft: few steps and blended frames; good: one pass; best: passes to and fro."),
    ] = "good"
    begin: Annotated[Seconds | None, Field(description="Paint from this time of the film on.")] = None
    end: Annotated[Seconds | None, Field(description="Paint up to this time of the film.")] = None
    every: Annotated[int, Field(ge=1, le=1000, description="Paint every n-th frame only.")] = 1
    preview: Annotated[
        int | None, Field(ge=1, le=1_000_000, description="Paint so many frames and end there.")
    ] = None
    frame_steps: Annotated[
        int | None, Field(ge=1, le=10_000, description="Steps for each frame after a shot's first.")
    ] = None
    passes: Annotated[
        int | None, Field(ge=1, le=20, description="How often each shot is gone through, to and fro.")
    ] = None
    hold: Annotated[
        float, Field(ge=0, le=1e6, description="Multiplies how strongly frames hold on to those before.")
    ] = 1.0
    loop: Annotated[bool, Field(description="The last frame leads into the first.")] = False
    cuts: Annotated[bool, Field(description="Find cuts, and begin anew after each.")] = True
    flow: Annotated[
        FlowMethod,
        Field(
            description="How motion between frames is found; auto is dis, and gmflow where dis loses its way."
        ),
    ] = "auto"
    flow_files: Annotated[
        Path | None,
        Field(
            description="A folder of flow, taken from there and kept there: 12_13.flo leads from 12 to 13."
        ),
    ] = None
    rate: Annotated[
        float | None, Field(gt=0, le=1000, description="Pictures a second of a film made of pictures.")
    ] = None
    codec: Annotated[FilmCodec, Field(description="How the film is encoded; auto lets the suffix say.")] = (
        "auto"
    )
    crf: Annotated[
        int | None, Field(ge=0, le=63, description="The codec's quality; lower is finer and larger.")
    ] = None
    workers: Annotated[
        int, Field(ge=1, le=256, description="Processes that paint, each a shot at a time.")
    ] = 1
    keep: Annotated[
        bool, Field(description="Keep the painted frames as pictures, in a folder beside the film.")
    ] = False

    @field_validator("time")
    @classmethod
    def _no_time(cls, time: Seconds | None) -> Seconds | None:
        if time is not None:
            raise ValueError("is for photos; for a film choose a --quality, or fewer --frame-steps")
        return time


class TrainStyleOptions(Options):
    """How the painter is taught one style."""

    steps: Annotated[int, Field(ge=1, le=1_000_000, description="Steps in all.")] = 200
    learning_rate: LearningRateKnob = 0.05
    content_weight: PhotoWeightKnob = 0.4
    equivariance: EquivarianceKnob = 1.0
    seed: TrainingSeedKnob = 0
    device: DeviceKnob = "auto"


class TrainPainterOptions(Options):
    """How a painter is trained; what is left out depends on whether there is a GPU."""

    steps: Annotated[
        int | None,
        Field(
            ge=1, le=10_000_000, description="Steps in all; left out, 12000 on a GPU and 2000 on a processor."
        ),
    ] = None
    batch: Annotated[
        int | None,
        Field(
            ge=1, le=1024, description="Photos that a step sees, each beside a painting; left out, 16 or 4."
        ),
    ] = None
    size: Annotated[
        int | None,
        Field(
            ge=32, le=1024, multiple_of=16, description="Side of the crops, in pixels; left out, 256 or 160."
        ),
    ] = None
    weights: Annotated[
        Path | Literal["bundled"] | None,
        Field(description="A painter to go on from, painter.safetensors; bundled for impasto's own."),
    ] = None
    learning_rate: LearningRateKnob = 1e-3
    content_weight: PhotoWeightKnob = 0.3
    smoothness: Annotated[
        float, Field(ge=0, le=1e6, description="Weight of the total variation: takes out grain.")
    ] = 0.0
    equivariance: EquivarianceKnob = 1.0
    seed: TrainingSeedKnob = 0
    saved_every: Annotated[
        int, Field(ge=1, description="Steps between two checkpoints, each with samples and a curve.")
    ] = 200
    time: Annotated[
        Seconds | None,
        Field(description="Stop after this time, with a checkpoint from which the same command goes on."),
    ] = None
    device: DeviceKnob = "auto"
