"""What the painter was taught of the built-in styles: drafts with it and without, SqueezeNet's distances.

    python -m benchmarks.taught --photos DIR --paintings DIR [--size 512] [--count 6] -o sheet.png

Photos are held out. The sheet has a style in each row, and in it the first photos without and with what was
taught.
"""

import statistics
from collections.abc import Sequence

from torch import Tensor

from benchmarks.arguments import parser
from benchmarks.sheets import save_sheet
from impasto.crossing import over_white, to_pixels
from impasto.media.gallery import builtin_styles
from impasto.media.picture import read_picture
from impasto.methods.distances import Judge, distances
from impasto.methods.fast import draft
from impasto.methods.scene import Region, Scene
from impasto.methods.styles import resize_longest
from impasto.networks.fetch import fetch_model
from impasto.networks.painter_weights import load_painter
from impasto.networks.weights import load_vgg, vgg_weights
from impasto.options import MAX_PIXELS
from impasto.shelf import is_held_out, photos_in
from impasto.studio import Studio
from impasto.stylebook import load_style
from tools.bundle_styles import STYLES

SHOWN = 2


def means(judge: Judge, painted: Sequence[Tensor], photos: Sequence[Tensor], painting: Tensor) -> list[float]:
    """Style and content."""
    found = [distances(judge, one, photo, painting) for one, photo in zip(painted, photos, strict=True)]
    return [statistics.fmean(values) for values in zip(*found, strict=True)]


def main() -> None:
    arguments = parser(__doc__, writes_sheet=True)
    arguments.add_argument("--size", type=int, default=512)
    arguments.add_argument("--count", type=int, default=6)
    options = arguments.parse_args()
    vgg, weights, judge = load_vgg(), vgg_weights(), Studio().judges[0]
    painter = load_painter(fetch_model("painter")).painter
    held_out = [path for path in photos_in(options.photos) if is_held_out(path)]
    held_out = held_out[:: max(1, len(held_out) // options.count)][: options.count]
    photos = [resize_longest(over_white(read_picture(path)), options.size).clamp(0, 1) for path in held_out]
    rows, all_scores = [], []
    for name in builtin_styles():
        style = load_style(name, vgg, weights, options.size, MAX_PIXELS)
        path = options.paintings / f"{STYLES[name][0]}.jpg"
        painting = resize_longest(over_white(read_picture(path)), options.size).clamp(0, 1)
        plain, taught = (
            [draft(painter, Scene(photo, [Region(style.at, tuning=tuning)])) for photo in photos]
            for tuning in (None, style.tuning)
        )
        scores = [score for painted in (plain, taught) for score in means(judge, painted, photos, painting)]
        all_scores.append(scores)
        print(f"| {name} |", *(f"{score:.3f} |" for score in scores), flush=True)
        shown = [picture for pair in zip(plain[:SHOWN], taught[:SHOWN], strict=True) for picture in pair]
        rows.append([to_pixels(picture) for picture in (painting, *shown)])
    print("| mean |", *(f"{statistics.fmean(column):.3f} |" for column in zip(*all_scores, strict=True)))
    save_sheet(rows, options.output, ("painting", *["plain", "taught"] * SHOWN), 384)


if __name__ == "__main__":
    main()
