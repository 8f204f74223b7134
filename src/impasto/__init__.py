"""impasto repaints photos with the brush of any painting, and colours black-and-white ones.

    import impasto
    result = impasto.stylize("photo.jpg", "starry-night", size=768)
    result = impasto.colorize("grandma.jpg")

Importing loads neither torch nor the networks; the first painting does.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from impasto.studio import Studio
    from impasto.tasks import Colored, Progress, RegionChoice, Result

__all__ = ["colorize", "painting", "stylize"]


def stylize(
    photo: str | Path,
    *styles: str | Path,
    output: str | Path | None = None,
    studio: "Studio | None" = None,
    regions: "Sequence[str | RegionChoice]" = (),
    protect: "Sequence[str | Path]" = (),
    **options: Any,
) -> "Result":
    """Repaints a photo and returns the Result, whose rgb is (h, w, 3) float32 in [0, 1].

    styles: built-in names, paintings, folders of them or cards; several are blended, with shares as in
    "klimt.jpg:0.3". output: written there too, if given. studio: an `impasto.studio.Studio`, which keeps
    networks and styles for the next painting. regions: parts with a style of their own, as in
    "sky.png=great-wave:0.8". protect: masks of what stays as photographed. options: fields of
    `impasto.options.StylizeOptions`.
    Errors: an ImpastoError, or pydantic.ValidationError for an option out of its range.
    """
    events = painting(
        photo, *styles, output=output, studio=studio, regions=regions, protect=protect, **options
    )
    for event in events:
        last = event
    return last  # type: ignore[return-value]


def painting(
    photo: str | Path,
    *styles: str | Path,
    output: str | Path | None = None,
    studio: "Studio | None" = None,
    regions: "Sequence[str | RegionChoice]" = (),
    protect: "Sequence[str | Path]" = (),
    **options: Any,
) -> "Iterator[Progress | Result]":
    """The same as an iterator: Progress after every step, at last the Result. Leaving it cancels."""
    from impasto.animation import repaint
    from impasto.media.gallery import chosen
    from impasto.options import StylizeOptions
    from impasto.tasks import MaskChoice, RegionChoice, StylizeTask

    task = StylizeTask(
        photo=Path(photo),
        styles=chosen([str(style) for style in styles]),
        regions=tuple(RegionChoice.model_validate(region) for region in regions),
        protect=tuple(MaskChoice.model_validate(str(mask)) for mask in protect),
        output=None if output is None else Path(output),
        options=StylizeOptions(**options),
    )
    return repaint(task, studio)


def colorize(
    photo: str | Path,
    *,
    output: str | Path | None = None,
    studio: "Studio | None" = None,
    **options: Any,
) -> "Colored":
    """Colours a black-and-white photo and returns a Colored, whose rgb is (h, w, 3) float32 in [0, 1].

    options: fields of `impasto.options.ColorizeOptions`. The others, and errors, are those of `stylize`.
    """
    from impasto.coloring import color
    from impasto.options import ColorizeOptions
    from impasto.tasks import ColorizeTask

    task = ColorizeTask(
        photo=Path(photo),
        output=None if output is None else Path(output),
        options=ColorizeOptions(**options),
    )
    for event in color(task, studio):
        last = event
    return last  # type: ignore[return-value]
