"""Contact sheets: rows of pictures under a line of captions."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from impasto.tasks import Pixels

CAPTION_PX = 22


def save_sheet(
    rows: Sequence[Sequence[Pixels]], path: Path, captions: Sequence[str], width_px: int = 384
) -> None:
    """Each picture (h, w, 3) in [0, 1] is brought to one width; a row is as high as its highest picture."""
    scaled = [[_scaled(picture, width_px) for picture in row] for row in rows]
    heights = [max(picture.height for picture in row) for row in scaled]
    top = CAPTION_PX if captions else 0
    sheet = Image.new("RGB", (width_px * max(map(len, scaled)), top + sum(heights)), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(16)
    for column, caption in enumerate(captions):
        draw.text((column * width_px + 6, 2), caption, "black", font)
    for row, height in zip(scaled, heights, strict=True):
        for column, picture in enumerate(row):
            sheet.paste(picture, (column * width_px, top))
        top += height
    sheet.save(path)


def _scaled(picture: Pixels, width_px: int) -> Image.Image:
    image = Image.fromarray(np.rint(picture * 255).astype(np.uint8))
    return image.resize((width_px, round(image.height * width_px / image.width)), Image.Resampling.LANCZOS)
