"""Each control of a painting in small steps, on a sheet, and whether it does what its name says.

    python -m benchmarks.controls --photos FOLDER --paintings FOLDER -o sheet.png

A row a control. Prints style, content and colour distance of every picture, as `impasto compare` has them,
and for each slider whether its own distance rises or falls from step to step without turning back.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

import numpy as np
from PIL import Image

import impasto
from benchmarks.arguments import parser
from benchmarks.sheets import save_sheet
from impasto.crossing import over_white, to_tensor
from impasto.media.picture import Picture, read_picture, resize_picture
from impasto.methods.distances import color_distance, distances
from impasto.methods.styles import resize_longest
from impasto.studio import Studio
from impasto.tasks import Pixels

PHOTO: Final = "tubingen_canal"
STYLE: Final = "van_gogh_the_starry_night"
OTHER: Final = "hokusai_the_great_wave_off_kanagawa"
SIZE_PX: Final = 256


class Slider(NamedTuple):
    """A control, the settings in rising order, and which distance should rise (+1) or fall (-1) with it."""

    name: str
    settings: Sequence[dict[str, Any]]
    judged_by: str | None = None
    direction: int = 1


def stepped(name: str, values: Sequence[object], **others: object) -> list[dict[str, Any]]:
    return [{name: value, **others} for value in values]


FIVE: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
SLIDERS: Final = (
    Slider("strength, by content", stepped("strength", (0.1, 0.3, 0.5, 0.7, 0.9)), "content"),
    Slider("strength up to .5, by style", stepped("strength", (0.1, 0.2, 0.3, 0.4, 0.5)), "style", -1),
    Slider("keep_colors", stepped("keep_colors", FIVE), "color", -1),
    Slider("by after", stepped("keep_colors", FIVE, keep_colors_by="after"), "color", -1),
    Slider("by before", stepped("keep_colors", FIVE, keep_colors_by="before"), "color", -1),
    Slider("saturation", stepped("saturation", (0.0, 0.5, 1.0, 1.5, 2.0))),
    Slider("style_scale", stepped("style_scale", (0.5, 0.7, 1.0, 1.4, 2.0))),
    Slider("content_weight", stepped("content_weight", (0.25, 0.5, 1.0, 2.0, 4.0)), "content", -1),
    Slider("layers", stepped("layer_weights", ("1_1=8", "2_1=8", "3_1=8", "4_1=8", "5_1=8"))),
    Slider("color_only", stepped("strength", (0.1, 0.2, 0.3, 0.4, 0.5), color_only=True), "color"),
)


def main() -> None:
    options = parser(__doc__, writes_sheet=True).parse_args()
    file, style = options.photos / f"{PHOTO}.jpg", options.paintings / f"{STYLE}.jpg"
    other = options.paintings / f"{OTHER}.jpg"
    photo, painting = resize_picture(read_picture(file), SIZE_PX), read_picture(style)
    studio = Studio()
    rows: list[list[Pixels]] = []
    for slider in SLIDERS:
        rows.append([])
        found = []
        for setting in slider.settings:
            rgb = impasto.stylize(file, style, size=SIZE_PX, studio=studio, **setting).rgb
            rows[-1].append(rgb)
            found.append(measured(studio, rgb, photo, painting))
        print(slider.name, verdict(slider, found), *map(told, found), sep="\n  ", flush=True)
    shares = [(f"{style}:{share}", f"{other}:{1.001 - share}") for share in (0.999, 0.75, 0.5, 0.25, 0.001)]
    rows.append([impasto.stylize(file, *pair, size=SIZE_PX, studio=studio).rgb for pair in shares])
    with TemporaryDirectory() as folder:
        mask = soft_half(Path(folder), photo.size_px)
        placed: list[dict[str, Any]] = [
            *({"regions": [f"{mask}={other}:{strength}"]} for strength in (0.1, 0.5, 0.9)),
            {"protect": [mask]},
            {"protect": [f"not:{mask}"]},
        ]
        rows.append(
            [impasto.stylize(file, style, size=SIZE_PX, studio=studio, **where).rgb for where in placed]
        )
    save_sheet(rows, options.output, (), width_px=SIZE_PX)


def measured(studio: Studio, rgb: Pixels, photo: Picture, painting: Picture) -> dict[str, float]:
    painted, plain = to_tensor(rgb), over_white(photo)
    found = distances(studio.judges[0], painted, plain, resize_longest(over_white(painting), SIZE_PX))
    return {**found._asdict(), "color": color_distance(painted, plain)}


def told(found: dict[str, float]) -> str:
    return f"style {found['style']:.3f}, content {found['content']:.3f}, colour {found['color']:.2f}"


def verdict(slider: Slider, found: Sequence[dict[str, float]]) -> str:
    if slider.judged_by is None:
        return "no distance of its own"
    values = [slider.direction * one[slider.judged_by] for one in found]
    straight = all(below < above for below, above in pairwise(values))
    return f"{slider.judged_by}: {'monotone' if straight else 'NOT monotone'}"


def soft_half(folder: Path, size_px: tuple[int, int]) -> Path:
    """White on the right, with a slope a fifth of the picture wide."""
    width, height = size_px
    slope = np.clip((np.arange(width) / width - 0.4) / 0.2, 0, 1)
    Image.fromarray(np.rint(np.tile(slope * 255, (height, 1))).astype(np.uint8)).save(folder / "right.png")
    return folder / "right.png"


if __name__ == "__main__":
    main()
