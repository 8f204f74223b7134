"""The table of Zhang et al. 2016 on held-out photos: how near the colours come, and what a classifier sees.

    python -m benchmarks.colorize --photos FOLDER [--labels CSV] [--prior FOLDER]
        [--weights NAME=FILE]... [--half 0|1] [-o sheet.png]

The area under the curve is the share of pixels whose error in the ab plane is at most t, averaged over t from
0 to 150, in per cent. Rebalanced, each pixel counts by how rare its colour is in the training photos (eq. 4,
lambda 0), or in theirs, given a folder with pts_in_hull.npy and prior_probs.npy. SqueezeNet, which is
never trained on, names the photos: against --labels (columns ImageId and TrueLabel, from 1), and against
what it calls the photo in its own colours. Defaults are chosen on --half 0 of the held-out photos, and
measured on --half 1.
"""

import argparse
import csv
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name the field uses
from torch import Tensor

from benchmarks.sheets import save_sheet
from impasto.crossing import to_pixels, to_tensor
from impasto.media.picture import read_picture
from impasto.methods.colorize import Taste, colors_of, mean_shares
from impasto.methods.gamut import bin_centres, rebalancing, smoothed_prior, soft_encode
from impasto.methods.upsampling import upsampled
from impasto.networks.cielab import from_lab, to_lab
from impasto.networks.squeezenet import SqueezeNet
from impasto.networks.weights import load_squeezenet
from impasto.options import ColorizeOptions
from impasto.shelf import DULL, is_held_out, photos_in
from impasto.studio import Studio
from impasto.tasks import Pixels

THRESHOLDS = 151
JUDGE_PX = 227
SHEET_ROWS = 12
PUBLISHED = ("pts_in_hull.npy", "prior_probs.npy")
SHOWN = ("grey", "bundled, the default", "bundled, T 0 (the likeliest bin)", "bundled, T 1 (the mean)")
DEFAULT = ColorizeOptions()
VARIANTS = {
    "the default": {},
    "T 0 (the likeliest bin)": {"temperature": 0.0},
    "T 1 (the mean)": {"temperature": 1.0},
    "as trained": {"rarity": 1.0},
    "as trained, T 1": {"rarity": 1.0, "temperature": 1.0},
}
OF_OTHERS = ("as trained", "as trained, T 1")
"""Of networks beside the bundled one; what a regression learns is the mean."""


class Training(NamedTuple):
    """Of the training photos: how much each bin weighs, the mean colour at each L, and their colours.

    centres, weights: ours, and the authors' where they are known.
    """

    centres: list[Tensor]
    weights: list[Tensor]
    by_lightness: Tensor
    photos: list[Tensor]


class Score:
    """Sums up over photos."""

    def __init__(self, priors: int) -> None:
        self.sums = torch.zeros(1 + priors, THRESHOLDS + 1, dtype=torch.float64)
        self.labelled = self.as_labelled = self.judged = self.as_judged = 0
        self.chroma = 0.0

    def add(self, ab: Tensor, truth: Tensor, weights: list[Tensor]) -> None:
        """(n, 2) as found and as they are, and the weight of each under each prior, (n,)."""
        self.chroma += ab.norm(dim=1).sum().item()
        error = (ab - truth).norm(dim=1)
        places = error.ceil().long().clamp(max=THRESHOLDS)
        for sums, weight in zip(self.sums, [torch.ones_like(error), *weights], strict=True):
            sums.index_add_(0, places, weight.double())

    def row(self) -> str:
        shares = self.sums.cumsum(1)[:, :-1] / self.sums.sum(1, keepdim=True)
        areas = " | ".join(f"{100 * area:.1f}" for area in shares.mean(1).tolist())
        labelled = 100 * self.as_labelled / max(1, self.labelled)
        judged = 100 * self.as_judged / self.judged
        return f"{areas} | {labelled:.1f} | {judged:.1f} | {self.chroma / self.sums[0].sum().item():.1f}"


def half_of(path: Path) -> int:
    """0 for photos that defaults are chosen on, 1 for those that they are measured on, told by the name."""
    return hashlib.sha256(path.name.encode()).digest()[1] % 2


def read_lab(path: Path) -> Tensor:
    return to_lab(to_tensor(read_picture(path).rgb))


def look_at_training(paths: list[Path], published: Path | None) -> Training:
    """Every seventh pixel of photos in colour."""
    centres = bin_centres()
    counts, sums, seen = torch.zeros(len(centres)), torch.zeros(101, 2), torch.zeros(101)
    photos = []
    for path in paths:
        lab = read_lab(path)
        if lab[:, 1:].abs().mean() <= DULL:
            continue
        light, ab = lab[0, 0].flatten()[::7], lab[0, 1:].flatten(1).T[::7]
        soft = soft_encode(ab, centres)
        counts.index_add_(0, soft.bins.flatten(), soft.shares.flatten())
        level = light.round().long().clamp(0, 100)
        sums.index_add_(0, level, ab)
        seen.index_add_(0, level, torch.ones_like(light))
        photos.append(F.interpolate(lab[:, 1:], (64, 64), mode="area"))
    priors = {centres: smoothed_prior(counts, centres)}
    if published:
        points, prior = (torch.from_numpy(np.load(published / name)).float() for name in PUBLISHED)
        priors[points] = prior
    weights = [rebalancing(prior, 0.0) for prior in priors.values()]
    return Training(list(priors), weights, sums / seen.clamp(min=1)[:, None], photos)


def baselines(lab: Tensor, training: Training, number: int) -> Iterator[tuple[str, Tensor]]:
    ab = lab[:, 1:]
    yield "the photo itself", ab
    yield "grey", torch.zeros_like(ab)
    level = lab[0, 0].round().long().clamp(0, 100)
    yield "mean colour of each L", training.by_lightness[level].permute(2, 0, 1)[None]
    other = training.photos[(number * 37) % len(training.photos)]
    yield "colours of another photo", F.interpolate(other, ab.shape[2:], mode="bilinear")


def colored(studio: Studio, networks: dict[str, Path | None], lab: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Each network in each variant, and the default with one look."""
    light = lab[:, :1]
    looks = (DEFAULT.looks, 1)
    for name, path in networks.items():
        colorist = studio.colorist(ColorizeOptions(weights=path)).colorist
        for count in looks if name == "bundled" else looks[:1]:
            shares = mean_shares(colorist, light, count, DEFAULT.size)
            wanted = VARIANTS if name == "bundled" else OF_OTHERS
            for variant in wanted if count == looks[0] else ("the default",):
                options = DEFAULT.model_copy(update=VARIANTS[variant])
                taste = Taste(options.temperature, options.rarity, 1.0, count, options.size)
                small = colors_of(colorist, shares, taste)
                large = torch.cat([strip for _, strip in upsampled(small, light)], 2)
                yield f"{name}, {variant}" + (f", {count} looks" if count != looks[0] else ""), large


def judge_of(squeezenet: SqueezeNet) -> Callable[[Tensor], int]:
    def name(lab: Tensor) -> int:
        rgb = from_lab(lab).clamp(0, 1)
        shown = F.interpolate(rgb, (JUDGE_PX, JUDGE_PX), mode="bilinear", antialias=True)
        return int(squeezenet.classify(shown).argmax())

    return name


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--photos", type=Path, required=True)
    arguments.add_argument("--labels", type=Path)
    arguments.add_argument("--prior", type=Path)
    arguments.add_argument("--half", type=int, choices=(0, 1))
    arguments.add_argument("--weights", action="append", default=[], metavar="NAME=FILE")
    arguments.add_argument("-o", "--output", type=Path)
    options = arguments.parse_args()
    networks: dict[str, Path | None] = {"bundled": None}
    networks |= {name: Path(path) for name, _, path in (text.partition("=") for text in options.weights)}
    paths = photos_in(options.photos)
    training = look_at_training([path for path in paths if not is_held_out(path)], options.prior)
    labels: dict[str, int] = {}
    if options.labels:
        with options.labels.open(encoding="utf-8") as file:
            labels = {row["ImageId"]: int(row["TrueLabel"]) - 1 for row in csv.DictReader(file)}
    held_out = [path for path in paths if is_held_out(path) and options.half in (None, half_of(path))]
    measure(networks, held_out, training, labels, options.output)


def measure(
    networks: dict[str, Path | None],
    paths: list[Path],
    training: Training,
    labels: dict[str, int],
    output: Path | None,
) -> None:
    judge, studio = judge_of(load_squeezenet()), Studio()
    scores: dict[str, Score] = {}
    sheet: list[list[Pixels]] = []
    for number, path in enumerate(paths):
        lab = read_lab(path)
        if lab[:, 1:].abs().mean() <= DULL:
            continue
        truth = lab[0, 1:].flatten(1).T
        weights = [
            weight[torch.cdist(truth, centres).argmin(1)]
            for centres, weight in zip(training.centres, training.weights, strict=True)
        ]
        label, own = labels.get(path.stem.rpartition("_")[2]), judge(lab)
        row = [to_pixels(from_lab(lab))]
        for name, ab in (
            *baselines(lab, training, number),
            *colored(studio, networks, lab),
        ):
            score = scores.setdefault(name, Score(len(weights)))
            score.add(ab[0].flatten(1).T, truth, weights)
            found = judge(torch.cat([lab[:, :1], ab], 1))
            score.judged += 1
            score.as_judged += found == own
            score.labelled += label is not None
            score.as_labelled += found == label
            if name in SHOWN:
                row.append(to_pixels(from_lab(torch.cat([lab[:, :1], ab], 1))))
        if len(sheet) < SHEET_ROWS:
            sheet.append(row)
    headings = [
        "colours",
        "AuC",
        "rebalanced",
        "by their prior",
        "as labelled, %",
        "as in its own colours, %",
        "mean chroma",
    ]
    if len(training.weights) == 1:
        headings.remove("by their prior")
    print(f"| {' | '.join(headings)} |\n|{'---|' * len(headings)}")
    for name, score in scores.items():
        print(f"| {name} | {score.row()} |")
    one = next(iter(scores.values()))
    print(f"\n{one.judged} held-out photos, {one.labelled} of them labelled, {one.sums[0].sum():.0f} pixels")
    if output:
        save_sheet(sheet, output, ("photo", "grey", "default", "T 0", "T 1"), 256)


if __name__ == "__main__":
    main()
