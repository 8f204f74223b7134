"""impasto repaints photos with the brush of any painting.

    import impasto
    result = impasto.stylize("photo.jpg", "starry-night", size=768)

Importing loads neither torch nor the networks; the first painting does.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from impasto.studio import Studio
    from impasto.tasks import Progress, Result

__all__ = ["painting", "stylize"]


def stylize(
    photo: str | Path,
    *styles: str | Path,
    output: str | Path | None = None,
    studio: "Studio | None" = None,
    **options: Any,
) -> "Result":
    """Repaints a photo and returns the Result, whose rgb is (h, w, 3) float32 in [0, 1].

    styles: built-in names, paintings or cards; several are blended, with shares as in "klimt.jpg:0.3".
    output: written there too, if given. studio: an `impasto.studio.Studio`, which keeps networks and styles
    for the next painting. options: fields of `impasto.options.StylizeOptions`.
    Errors: an ImpastoError, or pydantic.ValidationError for an option out of its range.
    """
    for event in painting(photo, *styles, output=output, studio=studio, **options):
        last = event
    return last  # type: ignore[return-value]


def painting(
    photo: str | Path,
    *styles: str | Path,
    output: str | Path | None = None,
    studio: "Studio | None" = None,
    **options: Any,
) -> "Iterator[Progress | Result]":
    """The same as an iterator: Progress after every step, at last the Result. Leaving it cancels."""
    from impasto.animation import repaint
    from impasto.options import StylizeOptions
    from impasto.tasks import StyleChoice, StylizeTask

    task = StylizeTask(
        photo=Path(photo),
        styles=tuple(StyleChoice.model_validate(str(style)) for style in styles),
        output=None if output is None else Path(output),
        options=StylizeOptions(**options),
    )
    return repaint(task, studio)
