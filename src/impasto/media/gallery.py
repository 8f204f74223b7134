"""The built-in styles, and how a style that a user names is found."""

from collections.abc import Sequence
from difflib import get_close_matches
from importlib import resources
from pathlib import Path

from impasto.errors import StyleError
from impasto.media.cards import CARD_SUFFIX, Card, read_card
from impasto.media.decoders import readable_suffixes
from impasto.media.files import STANDARD
from impasto.media.picture import Picture, read_picture
from impasto.tasks import StyleChoice


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


def card_of(source: str) -> Card:
    """The card of a built-in style, or of a file; StyleError when there is none."""
    path = style_path(source)
    if path.suffix != CARD_SUFFIX:
        raise StyleError(f"{source} is no style card; make one with: impasto style save {source}")
    return read_card(path)


def chosen(styles: Sequence[str]) -> tuple[StyleChoice, ...]:
    """NAME or NAME:SHARE each; a folder becomes its paintings, which divide its share among them.

    StyleError for a folder without pictures, pydantic.ValidationError for a share that is none.
    """
    found: list[StyleChoice] = []
    for style in styles:
        choice = StyleChoice.model_validate(style)
        folder = Path(choice.source)
        if choice.source in builtin_styles() or not folder.is_dir():
            found.append(choice)
            continue
        kinds = {*readable_suffixes(), CARD_SUFFIX}
        paintings = sorted(path for path in folder.iterdir() if path.suffix.lower() in kinds)
        if not paintings:
            raise StyleError(f"there are no pictures in the folder {folder}; name one with paintings in it")
        share = choice.weight / len(paintings)
        found += [StyleChoice(source=str(path), weight=share) for path in paintings]
    return tuple(found)


def read_style(source: str, max_pixels: int) -> Card | Picture:
    """The card or painting behind a name; StyleError or PictureError when there is none."""
    path = style_path(source)
    return read_card(path) if path.suffix == CARD_SUFFIX else read_picture(path, max_pixels=max_pixels)
