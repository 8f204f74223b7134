"""The bodies of jobs: the tasks of the command line, with ids of uploads where those have paths."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError

from impasto.errors import ServiceError
from impasto.media.picture import SUFFIXES
from impasto.options import (
    ColoringOptions,
    ColorizeOptions,
    ServeOptions,
    StylizeOptions,
    VideoOptions,
    objection,
)
from impasto.server.placing import Placing
from impasto.server.served import (
    MOST_STYLES,
    MaskWord,
    ServedColoring,
    ServedColors,
    ServedFilm,
    ServedOptions,
    StyleName,
    StyleWord,
    UploadId,
)
from impasto.server.store import Store, Upload
from impasto.server.work import BatchTask
from impasto.tasks import ColorizeTask, MaskChoice, RegionChoice, StyleChoice, StylizeTask, VideoTask

MOST_PICTURES: Final = 500
"""In a batch, whose photos are painted in every style."""
VERBS: Final = ("stylize", "colorize", "video", "batch")
NO_VERB: Final = "no_such_verb"
Container = Literal["mp4", "webm", "mov", "mkv", "gif", "webp"]


class Asked(NamedTuple):
    """A request with its uploads found.

    files: name in the job's folder -> id of an upload. shown: ids of the photos, for the eye. pictures: names
    for the paintings of a batch, without suffix.
    """

    task: StylizeTask | ColorizeTask | VideoTask | BatchTask
    files: Mapping[str, str]
    shown: Sequence[str]
    title: str
    pictures: Sequence[str] = ()


class Request(BaseModel):
    """What the bodies of all jobs have in common."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RegionRequest(Request):
    """A part of the photo with its own style, strength and content weight."""

    mask: MaskWord
    style: StyleName
    strength: Annotated[float, Field(gt=0, le=1)] | None = None
    content_weight: Annotated[float, Field(ge=0, le=1e6)] | None = None


class StylizeRequest(Request):
    """Repaint an uploaded photo in the style of one or several paintings; options.format is the result's.

    An animation stays one, unless the format holds single pictures only.
    """

    verb: Literal["stylize"] = "stylize"
    photo: UploadId
    styles: Annotated[tuple[StyleWord, ...], Field(min_length=1, max_length=MOST_STYLES)]
    regions: Annotated[
        tuple[RegionRequest, ...],
        Field(max_length=MOST_STYLES, description="Parts with styles of their own, later ones on top."),
    ] = ()
    protect: Annotated[
        tuple[MaskWord, ...],
        Field(max_length=MOST_STYLES, description="Masks of parts that stay as photographed."),
    ] = ()
    options: ServedOptions = ServedOptions()

    def resolve(self, store: Store, owner: str, limits: ServeOptions) -> Asked:
        """The task that a worker will run, in the folder of its job; ServiceError where it cannot."""
        placing = Placing(store, owner)
        photo, options = placing.find(self.photo), _stylize_options(self.options, limits)
        task = StylizeTask(
            photo=Path(placing.picture(self.photo, "photo")),
            styles=_choices(self.styles, placing),
            regions=tuple(
                RegionChoice(
                    mask=_mask(region.mask, placing),
                    style=placing.style(region.style),
                    strength=region.strength,
                    content_weight=region.content_weight,
                )
                for region in self.regions
            ),
            protect=tuple(_mask(word, placing) for word in self.protect),
            output=Path("painting" + _suffix(photo, self.options, options)),
            options=options,
        )
        return _asked(task, placing, [self.photo], photo.name)


class ColorizeRequest(Request):
    """Colour an uploaded photo, and repaint it if styles are named, with the options in painting."""

    verb: Literal["colorize"]
    photo: UploadId
    reference: Annotated[
        UploadId | None, Field(description="A picture in colour, whose colours are made likelier.")
    ] = None
    styles: Annotated[tuple[StyleWord, ...], Field(max_length=MOST_STYLES)] = ()
    options: ServedColors = ServedColors()
    painting: ServedOptions = ServedOptions()

    def resolve(self, store: Store, owner: str, limits: ServeOptions) -> Asked:
        """As for a StylizeRequest."""
        placing = Placing(store, owner)
        photo = Path(placing.picture(self.photo, "photo"))
        reference = self.reference and Path(placing.picture(self.reference))
        given = self.options.model_dump(exclude_unset=True)
        painting = _stylize_options(self.painting, limits)
        try:
            options = ColorizeOptions(**given, reference=reference, max_pixels=limits.max_pixels)
        except ValidationError as error:
            raise ServiceError(sentence_of(error), 422) from error
        wanted = painting.format if self.styles else options.format
        task = ColorizeTask(
            photo=photo,
            output=Path("painting" + SUFFIXES[wanted]),
            options=options,
            styles=_choices(self.styles, placing),
            painting=painting,
        )
        return _asked(task, placing, [self.photo], placing.find(self.photo).name)


class VideoRequest(Request):
    """Repaint an uploaded film, or an animation, colour it, or both, so that it does not flicker.

    Its shots are spread over the workers.
    """

    verb: Literal["video"]
    film: UploadId
    styles: Annotated[tuple[StyleWord, ...], Field(max_length=MOST_STYLES)] = ()
    coloring: Annotated[
        ServedColoring | None, Field(description="Colours it, before it is painted if styles are named.")
    ] = None
    reference: Annotated[
        UploadId | None, Field(description="A picture in colour, whose colours are made likelier.")
    ] = None
    container: Annotated[Container, Field(description="What the result is.")] = "mp4"
    options: ServedFilm = ServedFilm()

    def resolve(self, store: Store, owner: str, limits: ServeOptions) -> Asked:
        """As for a StylizeRequest."""
        placing = Placing(store, owner)
        given = self.options.model_dump(exclude_unset=True)
        reference = self.reference and Path(placing.picture(self.reference))
        coloring = None
        try:
            options = VideoOptions(**given, max_pixels=limits.max_pixels)
            if self.coloring is not None:
                colors = self.coloring.model_dump(exclude_unset=True)
                coloring = ColoringOptions(**colors, reference=reference)
            task = VideoTask(
                film=Path(placing.film(self.film)),
                styles=_choices(self.styles, placing),
                output=Path(f"painting.{self.container}"),
                options=options,
                coloring=coloring,
            )
        except ValidationError as error:
            raise ServiceError(sentence_of(error), 422) from error
        _check_size(options.size, limits)
        return _asked(task, placing, [self.film], placing.find(self.film).name)


class BatchRequest(Request):
    """Repaint many uploaded photos, each in every style, or in their blend. They are spread over workers."""

    verb: Literal["batch"]
    photos: Annotated[tuple[UploadId, ...], Field(min_length=1, max_length=MOST_PICTURES)]
    styles: Annotated[tuple[StyleWord, ...], Field(min_length=1, max_length=MOST_STYLES)]
    blend: Annotated[bool, Field(description="Mix the styles in one painting of each photo.")] = False
    options: ServedOptions = ServedOptions()

    def resolve(self, store: Store, owner: str, limits: ServeOptions) -> Asked:
        """As for a StylizeRequest."""
        placing, options = Placing(store, owner), _stylize_options(self.options, limits)
        choices = _choices(self.styles, placing)
        kinds = [choices] if self.blend else [(choice,) for choice in choices]
        if len(self.photos) * len(kinds) > MOST_PICTURES:
            raise ServiceError(f"a batch may have {MOST_PICTURES} paintings; send several batches", 422)
        tasks, shown, names = list[StylizeTask](), list[str](), list[str]()
        for styles in kinds:
            for photo in self.photos:
                upload = placing.find(photo)
                suffix = _suffix(upload, self.options, options)
                tasks.append(
                    StylizeTask(
                        photo=Path(placing.picture(photo)),
                        styles=styles,
                        output=Path(f"painting-{len(tasks)}{suffix}"),
                        options=options,
                    )
                )
                shown.append(photo)
                names.append(_painting_name(len(tasks), upload, styles))
        first, more = placing.find(self.photos[0]).name, len(self.photos) - 1
        title = f"{first} and {more} more" if more else first
        return _asked(BatchTask(tasks=tuple(tasks)), placing, shown, title)._replace(pictures=names)


def _verb(body: Any) -> str:
    """A body without one is a painting's."""
    verb = body.get("verb", "stylize") if isinstance(body, dict) else getattr(body, "verb", None)
    return verb if isinstance(verb, str) else ""


JobRequest = Annotated[
    Annotated[StylizeRequest, Tag("stylize")]
    | Annotated[ColorizeRequest, Tag("colorize")]
    | Annotated[VideoRequest, Tag("video")]
    | Annotated[BatchRequest, Tag("batch")],
    Discriminator(
        _verb,
        custom_error_type=NO_VERB,
        custom_error_message=f"verb must be {', '.join(VERBS[:-1])} or {VERBS[-1]}",
    ),
]


def _asked(
    task: StylizeTask | ColorizeTask | VideoTask | BatchTask,
    placing: Placing,
    shown: Sequence[str],
    title: str,
) -> Asked:
    return Asked(task, {name: upload_id for upload_id, name in placing.files.items()}, shown, title)


def _stylize_options(given: Any, limits: ServeOptions) -> StylizeOptions:
    try:
        options = StylizeOptions(**given.model_dump(exclude_unset=True), max_pixels=limits.max_pixels)
    except ValidationError as error:
        raise ServiceError(sentence_of(error), 422) from error
    _check_size(options.size, limits)
    return options


def _check_size(size_px: int, limits: ServeOptions) -> None:
    if size_px > limits.max_size:
        raise ServiceError(f"size must be at most {limits.max_size} here, not {size_px}", 422)


def _suffix(photo: Upload, given: Any, options: StylizeOptions) -> str:
    """An animation whose format nobody chose becomes one like it."""
    if photo.animated and "format" not in given.model_fields_set:
        return f".{photo.animated}"
    return SUFFIXES[options.format]


def sentence_of(error: ValidationError) -> str:
    """What does not fit, in one line."""
    return "; ".join(
        f"{'.'.join(str(part) for part in detail['loc']) or 'the body'} {objection(detail)}"
        for detail in error.errors()
    )


def _painting_name(number: int, photo: Upload, styles: Sequence[StyleChoice]) -> str:
    """Of a batch's painting, in the zip: numbered, and of letters that no disk minds."""
    words = [Path(photo.name).stem, *(choice.source for choice in styles)]
    return f"{number:03d} " + re.sub(r"[^\w .-]", "_", "-".join(words))


def _mask(word: str, placing: Placing) -> MaskChoice:
    named = MaskChoice.model_validate(word)
    return named.model_copy(update={"path": Path(placing.picture(str(named.path)))})


def _choices(words: Sequence[str], placing: Placing) -> tuple[StyleChoice, ...]:
    found = []
    for word in words:
        try:
            choice = StyleChoice.model_validate(word)
        except ValidationError as error:
            raise ServiceError(
                f"{word} has a share that is none; write STYLE:SHARE, SHARE above 0", 422
            ) from error
        found.append(choice.model_copy(update={"source": placing.style(choice.source)}))
    return tuple(found)
