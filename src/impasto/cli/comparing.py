"""impasto compare, as a table."""

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from impasto.cli.console import plain, print_json
from impasto.compare import compare
from impasto.errors import OptionError


def show_comparison(
    photo: Path, style: Path, paintings: Sequence[Path], max_pixels: int, *, as_json: bool
) -> None:
    """A row a painting: style and content distance on SqueezeNet and on VGG-16."""
    if not paintings:
        raise OptionError("name the paintings to measure: impasto compare PHOTO STYLE PAINTING...")
    rows = compare(photo, style, paintings, max_pixels)
    if as_json:
        for row in rows:
            squeezenet, vgg16 = row.squeezenet._asdict(), row.vgg16._asdict()
            print_json(
                "comparison", painting=row.painting, squeezenet=squeezenet, vgg16=vgg16, color=row.color
            )
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("painting", "style", "content", "style on vgg16", "content on vgg16", "colour"):
        table.add_column(heading, justify="left" if heading == "painting" else "right")
    for row in rows:
        numbers = (f"{number:.3f}" for number in (*row.squeezenet, *row.vgg16))
        table.add_row(Text(str(row.painting)), *numbers, f"{row.color:.1f}")
    console = plain()
    console.print(table)
    console.print(
        "style and content are judged on SqueezeNet, which is never optimised; 1 and 0 is the photo. "
        "colour is the distance from the photo's; pure red is 26 from grey."
    )
