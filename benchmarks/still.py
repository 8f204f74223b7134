"""impasto beside two recipes of the field: the same photos, paintings, backbone and machine.

    python -m benchmarks.still paint --photos FOLDER --paintings FOLDER --work FOLDER [--pairs 0 1 ...]
    python -m benchmarks.still measure --photos FOLDER --paintings FOLDER --work FOLDER
    python -m benchmarks.still compare --photos FOLDER --paintings FOLDER -o curve.png

`paint` runs the recipes in full, hours of it, and keeps their pictures on the way; what is finished is not
painted again. `measure` writes how good they are into `peers.tsv`, on SqueezeNet, which is never optimised,
and on VGG-16, which is. `compare` times the steps of both recipes and whole paintings of impasto,
interleaved in one process, measures these, prints the time that impasto needs to be as good on both
distances as the table says that they are, and draws quality over time.

A recipe's time is its number of steps times the median of a few timed ones, when its history is still short:
a lower bound, in its favour.
"""

import statistics
import time
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import torch
from matplotlib import pyplot
from torch import Tensor

from benchmarks.arguments import parser
from benchmarks.pairs import PAIRS, read_pair
from benchmarks.peers import Stage, classical, classical_stages, crowsonkb, crowsonkb_stages
from impasto.methods.devices import choose_device
from impasto.methods.distances import Distances, distances
from impasto.methods.ladder import Manner, climb, plan
from impasto.methods.scene import Region, Scene, Wishes
from impasto.methods.styles import resize_longest, resize_to, style_of_painting
from impasto.networks.fetch import fetch_model
from impasto.networks.painter import in_numbers
from impasto.networks.painter_weights import load_painter
from impasto.networks.vgg import set_compute_type
from impasto.networks.weights import load_vgg, vgg_weights
from impasto.options import Start
from impasto.studio import Studio

RECIPES: Final = {"classical": (classical, classical_stages), "crowsonkb": (crowsonkb, crowsonkb_stages)}
KEPT_STEPS: Final = (10, 20, 50, 100, 200, 300, 400, 500, 750, *range(1000, 3001, 250))
TRIALS: Final[dict[tuple[Start, float], tuple[float, ...]]] = {
    ("recolored", 0.28): (3.5,),
    ("recolored", 0.3): (2.0, 3.5),
    ("recolored", 0.4): (2.0, 5.0),
    ("recolored", 0.65): (2.0,),
    ("recolored", 0.7): (1.0, 2.0),
    ("recolored", 0.8): (2.0,),
    ("recolored", 0.85): (2.0,),
    ("recolored", 1.0): (0.5, 1.0, 2.0),
    ("recolored", 1.5): (0.5,),
    ("recolored", 2.2): (0.5,),
    ("draft", 1.0): (1.0,),
    ("draft", 1.4): (1.0,),
}
"""Start, content's weight -> work, in that of `good`; a recipe far from the photo is met by little of it."""
TIMED_STEPS: Final = 4
STUDIO: Final = Studio()
TABLE: Final = Path(__file__).parent / "peers.tsv"
HEADINGS: Final = "recipe\tpair\tstep\tsqueezenet style\tcontent\tvgg16 style\tcontent"


class Judgement(NamedTuple):
    """A picture's distances on both judges."""

    squeezenet: Distances
    vgg16: Distances


class Mark(NamedTuple):
    """A picture on the way: seconds that it took, and how good it is."""

    seconds: float
    judgement: Judgement


def main() -> None:
    arguments = parser(__doc__, writes_sheet=False)
    arguments.add_argument("deed", choices=["paint", "measure", "compare"])
    arguments.add_argument("--work", type=Path, default=Path("work"))
    arguments.add_argument("--device", default="cpu", help="what paints the recipes of the field")
    arguments.add_argument("--pairs", type=int, nargs="+", default=range(len(PAIRS)))
    arguments.add_argument("-o", "--output", type=Path, default=Path("curve.png"))
    options = arguments.parse_args()
    pairs = {index: read_pair(options.photos, options.paintings, index) for index in options.pairs}
    if options.deed == "paint":
        device = choose_device(options.device)
        options.work.mkdir(exist_ok=True)
        for recipe in RECIPES:
            for index, (photo, painting) in pairs.items():
                paint(recipe, index, photo, painting, options.work, device)
    elif options.deed == "measure":
        measure(pairs, options.work)
    else:
        compare(pairs, options.output)


def paint(recipe: str, index: int, photo: Tensor, painting: Tensor, work: Path, device: torch.device) -> None:
    """Keeps the pictures at `KEPT_STEPS`, as float16."""
    run, stages_of = RECIPES[recipe]
    stages = stages_of(max(photo.shape[2:]))
    total = sum(stage.steps for stage in stages)
    if kept(work, recipe, index, total).exists():
        return
    steps = run(vgg_weights(), photo.to(device), painting.to(device), stages)
    for step, picture in enumerate(steps, start=1):
        if step in KEPT_STEPS or step == total:
            np.save(kept(work, recipe, index, step), picture.cpu().numpy().astype(np.float16))
            print(recipe, *PAIRS[index], f"{step}/{total}", flush=True)


def kept(work: Path, recipe: str, index: int, step: int) -> Path:
    return work / f"{recipe}-{index}-{step}.npy"


def measure(pairs: dict[int, tuple[Tensor, Tensor]], work: Path) -> None:
    """Adds what lies in the folder to the table, in place of what it says of the same pictures."""
    known = table()
    for index, (photo, painting) in pairs.items():
        for recipe in RECIPES:
            for step in KEPT_STEPS:
                if kept(work, recipe, index, step).exists():
                    picture = torch.from_numpy(np.load(kept(work, recipe, index, step)).astype(np.float32))
                    known[recipe, index, step] = judged(photo, painting, picture)
    lines = [
        "\t".join([*map(str, place), *(f"{value:.4f}" for one in judgement for value in one)])
        for place, judgement in sorted(known.items())
    ]
    TABLE.write_text("\n".join([HEADINGS, *lines]) + "\n")


def table() -> dict[tuple[str, int, int], Judgement]:
    """Recipe, index of the pair and step -> how good the picture was."""
    if not TABLE.exists():
        return {}
    rows = (line.split("\t") for line in TABLE.read_text().splitlines()[1:])
    return {
        (recipe, int(index), int(step)): Judgement(
            Distances(*map(float, values[:2])), Distances(*map(float, values[2:]))
        )
        for recipe, index, step, *values in rows
    }


def compare(pairs: dict[int, tuple[Tensor, Tensor]], output: Path) -> None:
    curves: dict[str, list[Mark]] = {}
    ratios: dict[str, list[float]] = {recipe: [] for recipe in RECIPES}
    known = table()
    for index, (photo, painting) in pairs.items():
        step_s = time_steps(photo, painting)
        ours = list[Mark]()
        for (start, content), efforts in TRIALS.items():
            for effort in efforts:
                ours.append(impasto_mark(photo, painting, effort, content, start))
                curves.setdefault(f"impasto, {start}, content weight {content:g}", []).append(ours[-1])
                print(
                    *PAIRS[index],
                    f"impasto {start} effort {effort:.2g} content {content:g}:",
                    row(ours[-1]),
                    flush=True,
                )
        for recipe, (_, stages_of) in RECIPES.items():
            stages = stages_of(max(photo.shape[2:]))
            total = sum(stage.steps for stage in stages)
            for step, seconds in seconds_after(stages, step_s[recipe]):
                if (recipe, index, step) in known:
                    mark = Mark(seconds, known[recipe, index, step])
                    curves.setdefault(recipe, []).append(mark)
                    print(*PAIRS[index], f"{recipe} step {step}:", row(mark), flush=True)
                    if step == total:
                        ratios[recipe].append(ratio(mark, ours))
                        print(*PAIRS[index], f"{recipe}'s time over impasto's: {ratios[recipe][-1]:.1f}")
    for recipe, found in ratios.items():
        if found:
            print(f"{recipe}: median ratio of {len(found)} pairs {statistics.median(found):.1f}")
    draw(curves, output)


def time_steps(photo: Tensor, painting: Tensor) -> dict[str, list[float]]:
    """Median seconds of a step in each stage of each recipe, the recipes taking turns."""
    weights = vgg_weights()
    found: dict[str, list[float]] = {recipe: [] for recipe in RECIPES}
    stages = {recipe: stages_of(max(photo.shape[2:])) for recipe, (_, stages_of) in RECIPES.items()}
    for turn in range(max(map(len, stages.values()))):
        for recipe, (run, _) in RECIPES.items():
            if turn < len(stages[recipe]):
                size = stages[recipe][turn].longest_px
                at_size = resize_longest(photo, size).clamp(0, 1)
                steps = run(weights, at_size, painting, [Stage(size, TIMED_STEPS + 1)])
                found[recipe].append(statistics.median(durations(steps)))
    return found


def durations(steps: Iterator[Tensor]) -> list[float]:
    """Seconds of every step but the first, which also prepares."""
    next(steps)
    taken, since = [], time.perf_counter()
    for _ in steps:
        taken.append(time.perf_counter() - since)
        since = time.perf_counter()
    return taken


def seconds_after(stages: Sequence[Stage], step_s: Sequence[float]) -> Iterator[tuple[int, float]]:
    """Each step's number and the seconds until its end."""
    each = chain.from_iterable([seconds] * stage.steps for stage, seconds in zip(stages, step_s, strict=True))
    return enumerate(accumulate(each), start=1)


def impasto_mark(photo: Tensor, painting: Tensor, effort: float, content: float, start: Start) -> Mark:
    """The whole painting, from the weights on: the painting is measured and the photo painted."""
    started = time.perf_counter()
    vgg = set_compute_type(load_vgg(), torch.bfloat16)
    painter = None
    if start == "draft":
        painter = in_numbers(load_painter(fetch_model("painter")).painter, torch.bfloat16)
    size_px = (photo.shape[3], photo.shape[2])
    rungs = plan(size_px, max(size_px), None, None, effort)
    scene = Scene(photo, [Region(style_of_painting(vgg, painting), Wishes(content=content))])
    *_, last = climb(vgg, scene, rungs, Manner(start=start, painter=painter))
    return Mark(time.perf_counter() - started, judged(photo, painting, last.picture))


def judged(photo: Tensor, painting: Tensor, picture: Tensor) -> Judgement:
    """A smaller picture is measured at its own size."""
    plain = resize_to(photo, (picture.shape[2], picture.shape[3])).clamp(0, 1)
    styled = resize_longest(painting, max(picture.shape[2:])).clamp(0, 1)
    return Judgement(*(distances(judge, picture, plain, styled) for judge in STUDIO.judges))


def ratio(theirs: Mark, ours: Sequence[Mark]) -> float:
    """Their time over that of our quickest picture that is at least as good; 0 if none is."""
    wanted = theirs.judgement.squeezenet
    good = [
        mark.seconds
        for mark in ours
        if all(found <= bound for found, bound in zip(mark.judgement.squeezenet, wanted, strict=True))
    ]
    return theirs.seconds / min(good) if good else 0.0


def row(mark: Mark) -> str:
    squeezenet, vgg16 = mark.judgement
    return (
        f"{mark.seconds:.1f} s, squeezenet {squeezenet.style:.3f} {squeezenet.content:.3f}, "
        f"vgg16 {vgg16.style:.3f} {vgg16.content:.3f}"
    )


def draw(curves: dict[str, list[Mark]], output: Path) -> None:
    """Distances over seconds on a logarithmic scale; a dot a picture."""
    figure, panels = pyplot.subplots(2, 1, figsize=(9, 8), sharex=True, layout="constrained")
    for index, (panel, title) in enumerate(zip(panels, ("style", "content"), strict=True)):
        for name, marks in curves.items():
            found = [mark.judgement.squeezenet[index] for mark in marks]
            panel.scatter([mark.seconds for mark in marks], found, s=14, label=name)
        panel.set(xscale="log", ylabel=f"{title} distance, SqueezeNet", xlabel="seconds")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    figure.savefig(output, dpi=110)


if __name__ == "__main__":
    main()
