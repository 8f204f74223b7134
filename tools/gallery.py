"""Makes docs/gallery.jpg: the sample photo in five built-in styles. Run it as `python -m tools.gallery`."""

from pathlib import Path

import impasto
from benchmarks.sheets import save_sheet
from impasto.media.picture import read_picture, resize_picture

ROOT = Path(__file__).parents[1]
STYLES = ("starry-night", "great-wave", "golden-adele", "composition-vii", "grande-jatte")


def main() -> None:
    photo = ROOT / "src/impasto/data/sample.jpg"
    painted = [impasto.stylize(photo, style).rgb for style in STYLES]
    pictures = [resize_picture(read_picture(photo), 512).rgb, *painted]
    save_sheet([pictures[:3], pictures[3:]], ROOT / "docs/gallery.jpg", (), width_px=420)


if __name__ == "__main__":
    main()
