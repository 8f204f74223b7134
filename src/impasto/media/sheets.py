"""Contact sheets: many pictures in one, small, each above its caption."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from impasto.media.picture import Picture, read_picture, resize_picture, write_picture
from impasto.media.scaling import fit_within

CELL_PX: Final = 240
MARGIN_PX: Final = 12
CAPTION_PX: Final = 22
_LETTER_PX: Final = 13
_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


class Cell(NamedTuple):
    """A picture's file, None for an empty place, and what to write below."""

    path: Path | None
    caption: str


def write_sheet(path: Path, rows: Sequence[Sequence[Cell]], *, max_pixels: int) -> None:
    """Writes the rows of cells, all of one size, in the format of the suffix.

    PictureError for a picture that cannot be read, OutputError for a place that cannot be written.
    """
    across, down = CELL_PX + MARGIN_PX, CELL_PX + CAPTION_PX + MARGIN_PX
    size = (max(map(len, rows)) * across + MARGIN_PX, len(rows) * down + MARGIN_PX)
    sheet = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(_LETTER_PX)
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            left, top = MARGIN_PX + column * across, MARGIN_PX + row * down
            if cell.path is not None:
                small = _small(cell.path, max_pixels)
                inset = ((CELL_PX - small.width) // 2, CELL_PX - small.height)
                sheet.paste(small, (left + inset[0], top + inset[1]))
            caption = _shortened(cell.caption, draw, font)
            middle = left + (CELL_PX - draw.textlength(caption, font)) / 2
            draw.text((middle, top + CELL_PX + 4), caption, (90, 90, 90), font)
    write_picture(path, Picture(np.asarray(sheet, np.float32) / np.float32(255)))


def _small(path: Path, max_pixels: int) -> Image.Image:
    picture = read_picture(path, max_pixels=max_pixels)
    small = resize_picture(picture, max(fit_within(picture.size_px, CELL_PX)))
    alpha = np.float32(1) if small.alpha is None else small.alpha[..., None]
    return Image.fromarray(np.rint((small.rgb * alpha + 1 - alpha) * 255).astype(np.uint8))


def _shortened(caption: str, draw: ImageDraw.ImageDraw, font: _Font) -> str:
    if draw.textlength(caption, font) <= CELL_PX:
        return caption
    while draw.textlength(caption + "…", font) > CELL_PX:
        caption = caption[:-1]
    return caption + "…"
