"""impasto style save|list|show: style cards."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter
from rich.color import Color
from rich.style import Style
from rich.table import Table
from rich.text import Text

from impasto.cli.console import AsJson, plain, print_json
from impasto.options import MAX_PIXELS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

app = App(name="style", help="Make style cards, and see the ones there are.")


@app.command
def save(  # noqa: PLR0913 - the words on a card
    painting: Path,
    *,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    title: str = "",
    artist: str = "",
    year: str = "",
    source: str = "",
    max_pixels: int = MAX_PIXELS,
) -> None:
    """Measure a painting once and keep its style in a file under a megabyte.

    Parameters
    ----------
    painting
        The painting, 1024 pixels or more for all of its scales.
    output
        The card, ending in .style; by default the painting's name in the current folder.
    title
        What the painting is called; by default its file name.
    artist
        Who painted it.
    year
        When.
    source
        Where the picture is from and under what licence.
    max_pixels
        Refuse pictures with more pixels than this.
    """
    from impasto.media.cards import CARD_SUFFIX, checked_place, write_card

    output = checked_place(output or Path(painting.stem + CARD_SUFFIX))
    from impasto.stylebook import make_card

    card = make_card(painting, title or painting.stem, artist, year, source, max_pixels)
    write_card(output, card)
    plain(stderr=True).print(
        f"{output}  {output.stat().st_size / 1000:.0f} kB, measured up to {max(card.moments)} px"
    )


@app.command(name="list")
def list_(*, as_json: AsJson = False) -> None:
    """List the built-in styles."""
    from impasto.media.cards import read_card
    from impasto.media.gallery import builtin_styles

    if as_json:
        for name, path in builtin_styles().items():
            card = read_card(path)
            print_json(
                "style", name=name, title=card.title, artist=card.artist, year=card.year, source=card.source
            )
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("style", "painting", "artist", "year"):
        table.add_column(heading)
    for name, path in builtin_styles().items():
        card = read_card(path)
        table.add_row(name, card.title, card.artist, card.year)
    plain().print(table)


@app.command
def show(style: str) -> None:
    """Tell what is known of a style.

    Parameters
    ----------
    style
        A built-in style or a .style file.
    """
    from impasto.media.gallery import card_of, style_path

    path, card = style_path(style), card_of(style)
    table = Table(box=None, show_header=False, pad_edge=False)
    for name in ("title", "artist", "year", "source", "network"):
        table.add_row(name, Text(getattr(card, name)))
    table.add_row("sizes", ", ".join(f"{size} px" for size in sorted(card.moments)))
    if card.tuning is not None:
        table.add_row("taught", f"the painter, {card.tuning.steps} steps on {card.tuning.photos} photos")
    table.add_row("file", Text(f"{path}, {path.stat().st_size / 1000:.0f} kB"))
    console = plain()
    console.print(table)
    if console.is_terminal:
        console.print(in_half_blocks(card.thumbnail))


def in_half_blocks(thumbnail: "NDArray[np.uint8]") -> Text:
    """(h, w, 3) sRGB -> the picture in coloured half blocks, 48 characters wide."""
    step = max(1, thumbnail.shape[1] // 48)
    rows = thumbnail[::step, ::step]
    text = Text()
    for upper, lower in zip(rows[0:-1:2], rows[1::2], strict=True):
        for above, below in zip(upper, lower, strict=True):
            text.append("▀", Style(color=Color.from_rgb(*above), bgcolor=Color.from_rgb(*below)))
        text.append("\n")
    return text
