"""Where drafts fail first, drawn here: a sky, a wall and a ramp of greys, in every built-in style.

    python -m benchmarks.flats [--size 512] -o sheet.png

drips: how much the strokes in the sky agree in one direction, 0 to 1. grid: power at periods of 2, 4 and
8 pixels, between which the painter enlarges, over that of the frequencies beside them, where it is
largest: about 1 where there is no checkerboard. blotches: deviation of L* between squares of the wall,
an eighth of its side. cast: from the mean colour of the ramp in the style's colours to that of the
painted ramp, in a* and b*. unlike: how far strokes in the sky are from those that are painted when it is
moved, in shares of their deviation; 0 where they move with it.
"""

import argparse
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 - the name the field uses
from torch import Tensor

from benchmarks.sheets import save_sheet
from impasto.crossing import to_pixels
from impasto.media.gallery import builtin_styles
from impasto.methods.canvas import grain
from impasto.methods.fast import CANVAS, draft, ground_of, told
from impasto.methods.painter_lessons import painted_twice
from impasto.methods.scene import Region, Scene
from impasto.networks.cielab import to_lab
from impasto.networks.fetch import fetch_model
from impasto.networks.painter_weights import load_painter
from impasto.networks.weights import load_vgg, vgg_weights
from impasto.options import MAX_PIXELS
from impasto.stylebook import load_style

PLACES_PX: Final = 32
WINDOW_PX: Final = 64
PERIODS_PX: Final = (2, 4, 8)
SHIFT_PX: Final = (3, 5)
BESIDE: Final = 2


class Directions(NamedTuple):
    """Of the places of a picture: the double angle of its lines as a vector, as long as they agree there."""

    across: Tensor
    down: Tensor

    def agreement(self) -> float:
        """Between the places, 0 to 1."""
        return float(torch.hypot(self.across.mean(), self.down.mean()))


def directions(picture: Tensor, places_px: int) -> Directions:
    """(1, 1, h, w) -> of its squares of `places_px`, by their structure tensors (Bigun & Granlund 1987)."""
    across = picture[..., 1:-1, 2:] - picture[..., 1:-1, :-2]
    down = picture[..., 2:, 1:-1] - picture[..., :-2, 1:-1]
    xx, yy, xy = (F.avg_pool2d(one, places_px) for one in (across.square(), down.square(), across * down))
    return Directions((yy - xx) / (xx + yy), -2 * xy / (xx + yy))


def grid(picture: Tensor) -> float:
    """(1, 1, h, w) -> the largest power at a period of the grid, over the median of those around it."""
    windows = picture[0, 0].unfold(0, WINDOW_PX, WINDOW_PX).unfold(1, WINDOW_PX, WINDOW_PX)
    hann = torch.hann_window(WINDOW_PX)
    power = torch.fft.fft2((windows - windows.mean((2, 3), keepdim=True)) * hann * hann[:, None])
    power = power.abs().square().mean((0, 1))
    found = []
    for period in PERIODS_PX:
        at = WINDOW_PX // period
        for row, column in ((0, at), (at, 0), (at, at)):
            middle = power.roll((BESIDE - row, BESIDE - column), (0, 1))
            around = middle[: 2 * BESIDE + 1, : 2 * BESIDE + 1].flatten()
            found.append(float(around[len(around) // 2] / around.median()))
    return max(found)


def flats(size: int) -> dict[str, Tensor]:
    """(1, 3, size, size) each, in [0, 1]."""
    ramp = torch.linspace(0, 1, size)
    dusk, noon = (torch.tensor(color)[:, None, None] for color in ((0.92, 0.88, 0.80), (0.36, 0.56, 0.86)))
    return {
        "sky": torch.lerp(noon, dusk, ramp[:, None]).expand(1, 3, size, size),
        "wall": torch.full((1, 3, size, size), 0.6),
        "ramp": ramp.expand(1, 3, size, size),
    }


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--size", type=int, default=512)
    arguments.add_argument("-o", "--output", type=Path, required=True)
    options = arguments.parse_args()
    vgg, weights, painter = load_vgg(), vgg_weights(), load_painter(fetch_model("painter")).painter
    photos = flats(options.size)
    rows, all_scores = [], []
    canvas = grain((options.size, options.size), CANVAS)
    print("| style | drips | grid | blotches | cast | unlike |")
    print("|---|---|---|---|---|---|")
    for name in builtin_styles():
        style = load_style(name, vgg, weights, options.size, MAX_PIXELS)
        drafted = {
            of: draft(painter, Scene(photo, [Region(style.at, tuning=style.tuning)]))
            for of, photo in photos.items()
        }
        here = style.at(options.size)
        under_sky, under_ramp = (ground_of(photos[of], here).clamp(0, 1) for of in ("sky", "ramp"))
        sky, wall, ramp, plain = (to_lab(one) for one in (*drafted.values(), under_ramp))
        with torch.inference_mode():
            conditions = painter.conditions(told(here)[None], style.tuning)
            _, unlike = painted_twice(painter, under_sky, canvas, torch.tensor(SHIFT_PX), conditions)
        scores = [
            directions(sky[:, :1], PLACES_PX).agreement(),
            max(grid(one[:, :1]) for one in (sky, wall, ramp)),
            float(F.avg_pool2d(wall[:, :1], options.size // 8).std()),
            float((ramp - plain)[:, 1:].mean((2, 3)).norm()),
            float(unlike.sqrt()),
        ]
        all_scores.append(scores)
        print(f"| {name} |", *(f"{score:.2f} |" for score in scores), flush=True)
        rows.append([to_pixels(one) for one in drafted.values()])
    print("| median |", *(f"{median(column):.2f} |" for column in zip(*all_scores, strict=True)))
    save_sheet(rows, options.output, tuple(photos), 256)


if __name__ == "__main__":
    main()
