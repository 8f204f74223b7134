"""How the defaults were chosen: variants of the objective and the ladder, painted, measured, side by side.

    python -m benchmarks.defaults --photos FOLDER --paintings FOLDER -o sheet.png [VARIANT ...]

Prints, for each pair and variant, seconds and the distances on SqueezeNet, which is never optimised; writes
a sheet of all results, a row a pair. The conclusions are in benchmarks/LOG.md.
"""

import statistics
import time
from typing import Any

import torch

from benchmarks.arguments import parser
from benchmarks.pairs import PAIRS, SIZE_PX, read_pair
from benchmarks.sheets import save_sheet
from impasto.crossing import to_pixels
from impasto.methods.distances import distances
from impasto.methods.ladder import climb, plan
from impasto.methods.scene import Region, Scene, Wishes
from impasto.methods.styles import resize_longest, style_of_painting
from impasto.networks.vgg import set_compute_type
from impasto.networks.weights import load_vgg
from impasto.studio import Studio
from impasto.tasks import Pixels

VARIANTS: dict[str, dict[str, Any]] = {
    "default": {},
    "content x0.5": {"content": 0.5},
    "content x2": {"content": 2.0},
    "gram": {"objective": "gram"},
    "wasserstein": {"objective": "wasserstein"},
    "gatys": {"objective": "gatys"},
    "smooth 3": {"smoothness": 3.0},
    "steps 40": {"steps": 40},
    "steps 160": {"steps": 160},
    "1 rung": {"rungs": 1, "steps": 28},
    "3 rungs": {"rungs": 3},
}


def main() -> None:
    arguments = parser(__doc__, writes_sheet=True)
    arguments.add_argument("variants", nargs="*", default=list(VARIANTS))
    options = arguments.parse_args()
    vgg = set_compute_type(load_vgg(), torch.bfloat16)
    squeezenet, _ = Studio().judges
    rows: list[list[Pixels]] = []
    figures: dict[str, list[tuple[float, float, float]]] = {name: [] for name in options.variants}
    for index, names in enumerate(PAIRS[:4]):
        photo, painting = read_pair(options.photos, options.paintings, index)
        style = style_of_painting(vgg, painting)
        row = [to_pixels(photo)]
        for name in options.variants:
            knobs = dict(VARIANTS[name])
            rungs = plan(
                (photo.shape[3], photo.shape[2]), SIZE_PX, knobs.pop("rungs", None), knobs.pop("steps", None)
            )
            start = time.perf_counter()
            *_, last = climb(vgg, Scene(photo, [Region(style, Wishes(**knobs))]), rungs)
            seconds = time.perf_counter() - start
            found = distances(squeezenet, last.picture, photo, resize_longest(painting, SIZE_PX))
            figures[name].append((seconds, *found))
            row.append(to_pixels(last.picture))
            print(f"{' '.join(names)} {name}: {seconds:.1f} s,", *found, flush=True)
        rows.append(row)
        save_sheet(rows, options.output, ["photo", *options.variants])
    for name, measured in figures.items():
        print(f"{name:14}", *(f"{statistics.mean(column):8.3f}" for column in zip(*measured, strict=True)))


if __name__ == "__main__":
    main()
