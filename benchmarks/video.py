"""Films against frames painted alone: python -m benchmarks.video FILM... --style great-wave -o FOLDER

A part of each film is painted at `draft` and at `good`, and every frame of it alone with the same settings.
Prints the warp error in units of 1e-4 (mean squared difference to the warped frame before, over pixels that
truly correspond, by DeepFlow, which no film is made with) and over five frames, style and content distance on
the network that was painted with, and processor seconds of a shot's first frame and of a later one. Writes
five consecutive frames of each way, a row a way, into a sheet a film.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch import Tensor

from impasto.crossing import to_pixels, to_tensor
from impasto.media.film import open_film
from impasto.media.frames import glances, read_frames, timeline
from impasto.media.picture import Picture, read_picture, write_picture
from impasto.media.scaling import fit_within
from impasto.methods.following import Tie, tie
from impasto.methods.temporal import warp_error
from impasto.options import FlowMethod, Quality, StylizeOptions, VideoOptions
from impasto.run import run
from impasto.studio import Studio
from impasto.tasks import FilmProgress, StyleChoice, StylizeTask, VideoTask
from impasto.video import paint_film
from impasto.video.measures import distances_of

SHOWN = 5
FAR = 5
STUDIO = Studio()


class Way(NamedTuple):
    """One way of painting a film: its frames (1, 3, h, w), and seconds of the first and of a later one."""

    name: str
    frames: list[Tensor]
    first_s: float
    later_s: float


def photos_of(film: Path, first: int, count: int, size: int) -> list[Tensor]:
    opened = open_film(film)
    line = timeline(opened, [(seen.time, seen.duration) for seen in glances(opened, [])])
    width, height = fit_within(opened.size_px, size)
    even = (width // 2 * 2, height // 2 * 2)
    indices = range(first, min(first + count, len(line.times)))
    return [to_tensor(picture.rgb) for picture in read_frames(opened, line, indices, even)]


def alone(folder: Path, style: str, quality: Quality) -> Way:
    """Every photo in the folder by itself."""
    frames, seconds = [], []
    for photo in sorted(folder.glob("*.png")):
        began = time.process_time()
        options = StylizeOptions(quality=quality, size=65_536)
        for _ in run(StylizeTask(photo=photo, styles=(StyleChoice(source=style),), options=options), STUDIO):
            result = _
        seconds.append(time.process_time() - began)
        frames.append(to_tensor(result.rgb))  # type: ignore[union-attr]
    return Way(f"{quality}, alone", frames, seconds[0], sum(seconds[1:]) / max(1, len(seconds) - 1))


def filmed(
    folder: Path, style: str, quality: Quality, flow: FlowMethod = "auto", flow_files: Path | None = None
) -> Way:
    with tempfile.TemporaryDirectory() as place:
        output = Path(place) / "film.mkv"
        options = VideoOptions(
            quality=quality,
            size=65_536,
            keep=True,
            cuts=False,
            codec="ffv1",
            flow=flow,
            flow_files=flow_files,
        )
        task = VideoTask(film=folder, styles=(StyleChoice(source=style),), output=output, options=options)
        marks = [time.process_time()]
        for event in paint_film(task, STUDIO):
            if isinstance(event, FilmProgress) and event.done == len(marks):
                marks.append(time.process_time())
        (work,) = Path(place).glob("*.work-*")
        last = max(work.glob("pass-*"))
        frames = [to_tensor(read_picture(path).rgb) for path in sorted(last.glob("*.png"))]
    return Way(f"{quality}, film", frames, marks[1] - marks[0], (marks[-1] - marks[1]) / (len(marks) - 2))


def errors(frames: list[Tensor], ties: dict[tuple[int, int], Tie], offset: int) -> float:
    found = [
        warp_error(frames[here], frames[there], one.flow, one.weight)
        for (here, there), one in ties.items()
        if here - there == offset
    ]
    return 1e4 * sum(found) / max(1, len(found))


def judged(photos: list[Tensor]) -> dict[tuple[int, int], Tie]:
    """The ties of each frame to the one before and to the one five before, by DeepFlow."""
    pairs = [(n, n - offset) for offset in (1, FAR) for n in range(offset, len(photos))]
    return {(here, there): tie(photos[here], photos[there], "deepflow") for here, there in pairs}


def rows(name: str, photos: list[Tensor], ways: list[Way], style: str) -> Iterator[str]:
    ties = judged(photos)
    plain, far = errors(photos, ties, 1), errors(photos, ties, FAR)
    yield f"| {name} | the photos | {plain:.1f} | {far:.1f} | 1.000 | 0.000 | | |"
    network = STUDIO.network(StylizeOptions())
    height, width = photos[0].shape[2:]
    at = STUDIO.style(style, network, max(height, width), 1 << 40).at(max(height, width))
    for way in ways:
        found = [
            distances_of(network.vgg, x.to(network.device), photo.to(network.device), at)
            for x, photo in zip(way.frames, photos, strict=True)
        ]
        near, over_five = (errors(way.frames, ties, offset) for offset in (1, FAR))
        means = [sum(one) / len(found) for one in zip(*found, strict=True)]
        yield (
            f"| {name} | {way.name} | {near:.1f} | {over_five:.1f} | {means[0]:.3f} | {means[1]:.3f} "
            f"| {way.first_s:.2f} | {way.later_s:.2f} |"
        )


def sheet(path: Path, photos: list[Tensor], ways: list[Way]) -> None:
    """Five consecutive frames in the middle: the photos, then each way."""
    begin = max(0, (len(photos) - SHOWN) // 2)
    shown = [photos, *(way.frames for way in ways)]
    grid = np.vstack([np.hstack([to_pixels(x) for x in row[begin : begin + SHOWN]]) for row in shown])
    write_picture(path, Picture(grid))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("films", type=Path, nargs="+", help="films; clip.mp4@100 begins at frame 100")
    parser.add_argument("--style", default="great-wave")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--flow", choices=("auto", "dis", "gmflow", "farneback"), default="auto")
    parser.add_argument("-o", "--output", type=Path, required=True)
    given = parser.parse_args()
    given.output.mkdir(exist_ok=True)
    print("| film | painted | warp error | over five | style | content | first s | later s |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for named in given.films:
        path, _, first = str(named).partition("@")
        photos = photos_of(Path(path), int(first or 0), given.frames, given.size)
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            for number, photo in enumerate(photos):
                write_picture(folder / f"{number:04d}.png", Picture(to_pixels(photo)))
            qualities: tuple[Quality, ...] = ("draft", "good")
            ways = [
                way
                for quality in qualities
                for way in (
                    alone(folder, given.style, quality),
                    filmed(folder, given.style, quality, given.flow),
                )
            ]
        for line in rows(Path(path).stem, photos, ways, given.style):
            print(line, flush=True)
        sheet(given.output / f"{Path(path).stem}.png", photos, ways)


if __name__ == "__main__":
    main()
