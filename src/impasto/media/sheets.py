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
    """Writes the rows of cells, each row as high as its highest picture, in the format of the suffix.

    PictureError for a picture that cannot be read, OutputError for a place that cannot be written.
    """
    small = [[_small(cell.path, max_pixels) for cell in row] for row in rows]
    heights = [max(picture.height for picture in row) for row in small]
    below_px = CAPTION_PX + MARGIN_PX
    width = max(map(len, rows)) * (CELL_PX + MARGIN_PX) + MARGIN_PX
    sheet = Image.new("RGB", (width, sum(heights) + len(rows) * below_px + MARGIN_PX), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(_LETTER_PX)
    bottom = MARGIN_PX
    for cells, pictures, height in zip(rows, small, heights, strict=True):
        bottom += height
        for column, (cell, picture) in enumerate(zip(cells, pictures, strict=True)):
            middle = MARGIN_PX + column * (CELL_PX + MARGIN_PX) + CELL_PX // 2
            sheet.paste(picture, (middle - picture.width // 2, bottom - picture.height))
            caption = _shortened(cell.caption, draw, font)
            draw.text((middle, bottom + 4), caption, (90, 90, 90), font, anchor="ma")
        bottom += below_px
    write_picture(path, Picture(np.asarray(sheet, np.float32) / np.float32(255)))


def _small(path: Path | None, max_pixels: int) -> Image.Image:
    if path is None:
        return Image.new("RGB", (CELL_PX, 1), "white")
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
