"""What a picture costs by its size: seconds, seconds a megapixel, and memory at the peak.

    python -m benchmarks.sizes --photo PHOTO --sizes 2400 4000 6000 [--memory 4GB] [--quality good]
    python -m benchmarks.sizes --photo PHOTO --sizes 12000 --rungs 1 --steps 2

Each size is painted in a process of its own, as the command line does, from file to file, in the style of
Starry Night. The photo is brought to that size first, enlarged if need be. Memory is what the process had
resident at most, on a GPU what was allocated there.
"""

import argparse
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image


class Cost(NamedTuple):
    megapixels: float
    seconds: float
    peak_gb: float
    steps: str


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--photo", type=Path, required=True)
    arguments.add_argument("--sizes", type=int, nargs="+", required=True)
    for option in ("--memory", "--quality", "--rungs", "--steps", "--device"):
        arguments.add_argument(option)
    given = vars(arguments.parse_args())
    photo, sizes = given.pop("photo"), given.pop("sizes")
    options = {name: value for name, value in given.items() if value is not None}
    print("| longest side | megapixels | seconds | a megapixel | peak | steps |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            enlarged = Path(folder) / f"{size}.jpg"
            with Image.open(photo) as picture:
                share = size / max(picture.size)
                picture.resize((round(picture.width * share), round(picture.height * share))).save(enlarged)
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                cost = pool.apply(paint, (enlarged, size, options))
            print(
                f"| {size} px | {cost.megapixels:.1f} | {cost.seconds:.1f} s "
                f"| {cost.seconds / cost.megapixels:.1f} s | {cost.peak_gb:.2f} GB | {cost.steps} |",
                flush=True,
            )


def paint(photo: Path, size: int, options: dict[str, Any]) -> Cost:
    """In a process of its own."""
    began = time.perf_counter()
    import torch

    import impasto

    result = impasto.stylize(
        photo, "starry-night", size=size, output=photo.with_suffix(".out.jpg"), **options
    )
    seconds = time.perf_counter() - began
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    peak = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else resident
    height, width = result.rgb.shape[:2]
    steps = " + ".join(map(str, result.report["recipe"]["steps"]))
    return Cost(height * width / 1e6, seconds, peak / 1e9, steps)


if __name__ == "__main__":
    main()
