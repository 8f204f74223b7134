"""The body of a job: the Task of the command line, with ids of uploads where that has paths."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from impasto.errors import ServiceError
from impasto.media.cards import CARD_SUFFIX
from impasto.media.gallery import builtin_styles
from impasto.media.picture import SUFFIXES
from impasto.options import Options, ServeOptions, StylizeOptions, objection
from impasto.server.store import Store, Upload
from impasto.tasks import MaskChoice, RegionChoice, StyleChoice, StylizeTask

OPERATORS: Final = frozenset({"weights", "backbone", "device", "memory", "max_pixels"})
"""Options of the command line that are the server's to choose, not its clients'."""
MOST_STYLES: Final = 8

UploadId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$", description="Id of an uploaded picture.")]
StyleWord = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,63}(:[0-9]{1,4}(\.[0-9]{1,6})?)?$",
        description="A built-in style, or the id of an upload; with a share, if you like: scream:0.3",
    ),
]

StyleName = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,63}$", description="A built-in style, or the id of an upload."
    ),
]
MaskWord = Annotated[
    str,
    Field(
        pattern=r"^(not:)?[0-9a-f]{32}$",
        description="Id of an uploaded picture, white where it counts; after not: black where it counts.",
    ),
]

ServedOptions: Final[type[Options]] = create_model(
    "ServedOptions",
    __base__=Options,
    __doc__="How a photo is repainted; the same as on the command line.",
    **{
        name: (field.annotation, field)
        for name, field in StylizeOptions.model_fields.items()
        if name not in OPERATORS
    },  # type: ignore[call-overload]
)


class Asked(NamedTuple):
    """A request with its uploads found. files: name in the job's folder -> id of an upload."""

    task: StylizeTask
    files: Mapping[str, str]
    title: str


class RegionRequest(BaseModel):
    """A part of the photo with its own style, strength and content weight."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mask: MaskWord
    style: StyleName
    strength: Annotated[float, Field(gt=0, le=1)] | None = None
    content_weight: Annotated[float, Field(ge=0, le=1e6)] | None = None


class StylizeRequest(BaseModel):
    """Repaint an uploaded photo in the style of one or several paintings; options.format is the result's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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
        """The task that the worker will run, in the folder of its job; ServiceError where it cannot."""
        named = StylizeTask(
            photo=Path(self.photo),
            styles=tuple(_choice(word) for word in self.styles),
            regions=tuple(RegionChoice(**region.model_dump()) for region in self.regions),
            protect=tuple(MaskChoice.model_validate(word) for word in self.protect),
            options=self._options(limits),
        )
        pictures = {self.photo, *(str(mask.path) for mask in named.masks)}
        files: dict[str, str] = {}

        def placed(source: str) -> str:
            if source in builtin_styles():
                return source
            if source not in files:
                upload = _found(store, owner, source)
                if upload.kind == "card" and source in pictures:
                    raise ServiceError(f"{upload.name} is a style card; photos and masks are pictures", 422)
                suffix = CARD_SUFFIX if upload.kind == "card" else ""
                files[source] = "photo" if source == self.photo else f"upload-{len(files)}{suffix}"
            return files[source]

        output = Path("painting" + SUFFIXES[named.options.format])
        task = named.moved(placed).model_copy(update={"output": output})
        title = _found(store, owner, self.photo).name
        return Asked(task, {name: upload_id for upload_id, name in files.items()}, title)

    def _options(self, limits: ServeOptions) -> StylizeOptions:
        given: dict[str, Any] = self.options.model_dump(exclude_unset=True)
        try:
            options = StylizeOptions(**given, max_pixels=limits.max_pixels)
        except ValidationError as error:
            raise ServiceError(sentence_of(error), 422) from error
        if options.size > limits.max_size:
            raise ServiceError(f"size must be at most {limits.max_size} here, not {options.size}", 422)
        return options


def sentence_of(error: ValidationError) -> str:
    """What does not fit, in one line."""
    return "; ".join(
        f"{'.'.join(str(part) for part in detail['loc']) or 'the body'} {objection(detail)}"
        for detail in error.errors()
    )


def _choice(word: str) -> StyleChoice:
    try:
        return StyleChoice.model_validate(word)
    except ValidationError as error:
        raise ServiceError(
            f"{word} has a share that is none; write STYLE:SHARE, SHARE above 0", 422
        ) from error


def _found(store: Store, owner: str, upload_id: str) -> Upload:
    try:
        return store.upload(owner, upload_id)
    except ServiceError as error:
        sentence = f"there is no style and no upload named {upload_id}; upload the file again"
        raise ServiceError(sentence, 404) from error
