"""How near a painting comes to its floor: the multiply-adds of its convolutions at the speed of matrices.

    python -m benchmarks.floor --photos FOLDER --paintings FOLDER

Prints the measured rate of a matrix product in the chosen precision, and for each rung and for the whole of
a painting at 512 px, everything but reading and writing files included, the share of the floor in the time
it took; and medians. The last figure counts the convolutions of the steps alone, not those by which the
style and the photo are measured.
"""

import statistics
import time

import torch
from torch import Tensor

from benchmarks.arguments import parser
from benchmarks.pairs import PAIRS, SIZE_PX, read_pair
from impasto.methods.devices import choose_precision
from impasto.methods.ladder import Rung, climb, plan
from impasto.methods.memory import keep_freed_memory
from impasto.methods.objective import CONTENT_LAYER, layer_weights
from impasto.methods.pyramid import LEVELS, level_sizes
from impasto.methods.scene import Region, Scene, Wishes
from impasto.methods.styles import STYLE_LAYERS, resize_longest, style_of_painting
from impasto.networks.vgg import multiply_adds, set_compute_type
from impasto.networks.weights import load_vgg

MATRIX = 2048
PRODUCTS = 8
RUNS = 6


def main() -> None:
    options = parser(__doc__, writes_sheet=False).parse_args()
    keep_freed_memory()
    dtype = choose_precision("auto", torch.device("cpu"))
    vgg = set_compute_type(load_vgg(), dtype)
    shares: list[list[float]] = []
    for index in range(RUNS):
        photo, painting = read_pair(options.photos, options.paintings, index % len(PAIRS))
        rate = matrix_rate(dtype)
        rungs = plan((photo.shape[3], photo.shape[2]), SIZE_PX, None, None)
        began = time.perf_counter()
        ends = [0.0] * len(rungs)
        scene = Scene(photo, [Region(style_of_painting(vgg, painting))])
        for climbed in climb(vgg, scene, rungs):
            ends[climbed.rung] = time.perf_counter() - began
        measuring = [measured_s(rung, painting, rate) for rung in rungs]
        steps = [steps_s(rung, rate) for rung in rungs]
        spent = [end - start for start, end in zip([0.0, *ends], ends, strict=False)]
        shares.append([(a + b) / seconds for a, b, seconds in zip(measuring, steps, spent, strict=True)])
        shares[-1] += [(sum(measuring) + sum(steps)) / ends[-1], sum(steps) / ends[-1]]
        print(
            f"{rate / 1e9:.0f} GFLOP/s; {ends[-1]:.1f} s;",
            *(f"{share:.1%}" for share in shares[-1]),
            flush=True,
        )
    print(
        "medians, each rung, all, and its steps:",
        *(f"{statistics.median(one):.1%}" for one in zip(*shares, strict=True)),
    )


def matrix_rate(dtype: torch.dtype) -> float:
    """The best of `PRODUCTS`, in operations a second; a multiply-add is two."""
    a, b = (torch.randn((MATRIX, MATRIX)).to(dtype) for _ in range(2))
    taken = []
    for _ in range(PRODUCTS):
        began = time.perf_counter()
        torch.mm(a, b)
        taken.append(time.perf_counter() - began)
    return 2 * MATRIX**3 / min(taken)


def steps_s(rung: Rung, rate: float) -> float:
    """Forward, and as much again backward to the picture, for each step and level."""
    once = 0
    for level, size in zip(LEVELS, level_sizes(rung.size_px), strict=False):
        layers = {*layer_weights(Wishes()), *([CONTENT_LAYER] if level.content else [])}
        once += multiply_adds("vgg16", layers, size)
    return rung.steps * 2 * 2 * once / rate


def measured_s(rung: Rung, painting: Tensor, rate: float) -> float:
    """Forward over the painting for the style, and over the photo for the content, once a level."""
    once = 0
    for level, size in zip(LEVELS, level_sizes(rung.size_px), strict=False):
        height, width = resize_longest(painting, max(size)).shape[2:]
        once += multiply_adds("vgg16", STYLE_LAYERS, (width, height))
        once += multiply_adds("vgg16", {CONTENT_LAYER}, size) if level.content else 0
    return 2 * once / rate


if __name__ == "__main__":
    main()
