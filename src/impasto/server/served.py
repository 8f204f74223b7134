"""The words and options that clients may use: the command line's, without those that are the server's own."""

from typing import Annotated, Any, Final

from pydantic import Field, create_model

from impasto.options import ColoringOptions, ColorizeOptions, Options, StylizeOptions, VideoOptions

OPERATORS: Final = frozenset(
    {"weights", "backbone", "device", "memory", "max_pixels", "network", "reference"}
    | {"workers", "keep", "flow_files", "rate"}
)
"""Options of the command line that are the server's to choose, or are files; a reference is an upload."""
_OF_PICTURES: Final = frozenset({"time", "format", "jpeg_quality", "strip_gps"})
"""Options of photos that a film has no use for."""
MOST_STYLES: Final = 8

UploadId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$", description="Id of an upload.")]
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


def _fields(options: type[Options], but: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Of a model of options, what clients may choose."""
    return {
        name: (field.annotation, field)
        for name, field in options.model_fields.items()
        if name not in OPERATORS | but
    }


ServedOptions = create_model(
    "ServedOptions",
    __base__=Options,
    __doc__="How a photo is repainted; the same as on the command line.",
    **_fields(StylizeOptions),
)
ServedColors = create_model(
    "ServedColors",
    __base__=Options,
    __doc__="How a black-and-white picture is coloured; the same as on the command line.",
    **_fields(ColorizeOptions),
)
ServedColoring = create_model(
    "ServedColoring",
    __base__=Options,
    __doc__="How a black-and-white film is coloured; the same as on the command line.",
    **_fields(ColoringOptions),
)
ServedFilm = create_model(
    "ServedFilm",
    __base__=Options,
    __doc__="How a film is repainted; the same as on the command line.",
    **_fields(VideoOptions, _OF_PICTURES),
)
