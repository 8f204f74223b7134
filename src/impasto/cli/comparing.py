"""impasto compare, as a table."""

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from impasto.cli.console import plain
from impasto.compare import compare
from impasto.errors import OptionError


def show_comparison(photo: Path, style: Path, paintings: Sequence[Path], max_pixels: int) -> None:
    """A row a painting: style and content distance on SqueezeNet and on VGG-16."""
    if not paintings:
        raise OptionError("name the paintings to measure: impasto compare PHOTO STYLE PAINTING...")
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("painting", "style", "content", "style on vgg16", "content on vgg16"):
        table.add_column(heading, justify="left" if heading == "painting" else "right")
    for row in compare(photo, style, paintings, max_pixels):
        table.add_row(Text(str(row.painting)), *(f"{number:.3f}" for number in (*row.squeezenet, *row.vgg16)))
    console = plain()
    console.print(table)
    console.print(
        "style and content are judged on SqueezeNet, which is never optimised; 1 and 0 is the photo."
    )
