"""The built-in styles, and how a style that a user names is found."""

from difflib import get_close_matches
from importlib import resources
from pathlib import Path

from impasto.errors import StyleError
from impasto.media.cards import CARD_SUFFIX, Card, read_card
from impasto.media.files import STANDARD
from impasto.media.picture import Picture, read_picture


def builtin_styles() -> dict[str, Path]:
    """Name -> card, sorted by name."""
    folder = Path(str(resources.files("impasto"))) / "data" / "styles"
    return {path.stem: path for path in sorted(folder.glob(f"*{CARD_SUFFIX}"))}


def style_path(source: str) -> Path:
    """The file of a style: a built-in's card, or the card or painting that `source` is a path to.

    StyleError when there is neither a built-in style nor a file of that name.
    """
    builtin = builtin_styles()
    if source in builtin:
        return builtin[source]
    path = Path(source)
    if path == STANDARD or path.exists():
        return path
    near = get_close_matches(source, builtin, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else "see them with: impasto style list"
    raise StyleError(f"there is no built-in style and no file named {source}; {hint}")


def read_style(source: str, max_pixels: int) -> Card | Picture:
    """The card or painting behind a name; StyleError or PictureError when there is none."""
    path = style_path(source)
    return read_card(path) if path.suffix == CARD_SUFFIX else read_picture(path, max_pixels=max_pixels)
