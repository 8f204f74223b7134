"""Films in colour against frames coloured alone: python -m benchmarks.color_film FILM... -o FOLDER

A part of each film is turned grey and coloured as a film, and every frame of it alone. Prints the chroma warp
error (mean squared difference of a and b to the warped frame before, over pixels that truly correspond, by
DeepFlow, which no film is made with) to the frame before and over five frames, the largest of any frame, mean
chroma, and processor seconds a frame. Writes five consecutive frames of each way, a row a way, into a sheet a
film. The film's own colours are measured, too, where it has any.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from benchmarks.video import FAR, STUDIO, Way, judged, photos_of, sheet
from impasto.coloring import taste_of
from impasto.crossing import to_pixels, to_tensor
from impasto.media.picture import Picture, read_picture, write_picture
from impasto.methods.colorize import colorize
from impasto.methods.following import Tie
from impasto.methods.temporal import warp_error
from impasto.networks.cielab import grey_of, to_lab
from impasto.options import ColoringOptions, VideoOptions
from impasto.tasks import VideoTask
from impasto.video import paint_film


class Row(NamedTuple):
    """Chroma warp errors to the frame before, over five, and the largest; and mean chroma."""

    near: float
    far: float
    largest: float
    chroma: float


def alone(greys: list[Tensor], options: ColoringOptions) -> Way:
    """Every frame by itself."""
    room = STUDIO.colorist(options)
    taste = taste_of(options, room, 1 << 40)
    began = time.process_time()
    frames = [colorize(room.colorist, grey.clone(), taste) for grey in greys]
    each_s = (time.process_time() - began) / len(frames)
    return Way("alone", frames, each_s, each_s)


def filmed(folder: Path, options: ColoringOptions) -> Way:
    """The pictures in the folder as one shot."""
    with tempfile.TemporaryDirectory() as place:
        output = Path(place) / "film.mkv"
        task = VideoTask(
            film=folder,
            styles=(),
            output=output,
            options=VideoOptions(keep=True, cuts=False, codec="ffv1"),
            coloring=options,
        )
        began = time.process_time()
        for _ in paint_film(task, STUDIO):
            pass
        seconds = time.process_time() - began
        (work,) = Path(place).glob("*.work-*")
        frames = [to_tensor(read_picture(path).rgb) for path in sorted(work.glob("pass-0/*.png"))]
    return Way("film", frames, seconds / len(frames), seconds / len(frames))


def measured(frames: list[Tensor], ties: dict[tuple[int, int], Tie]) -> Row:
    colors = [to_lab(frame)[:, 1:] for frame in frames]
    near, far = (
        [
            warp_error(colors[here], colors[there], one.flow, one.weight)
            for (here, there), one in ties.items()
            if here - there == offset
        ]
        for offset in (1, FAR)
    )
    chroma = torch.cat(colors).norm(dim=1).mean().item()
    return Row(sum(near) / len(near), sum(far) / max(1, len(far)), max(near), chroma)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("films", type=Path, nargs="+", help="films; clip.mp4@100 begins at frame 100")
    parser.add_argument("--size", type=int, default=384)
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    given = parser.parse_args()
    given.output.mkdir(exist_ok=True)
    options = ColoringOptions(weights=given.weights)
    print("| film | colours | warp error of a, b | over five | largest | mean chroma | s a frame |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for named in given.films:
        path, _, first = str(named).partition("@")
        photos = photos_of(Path(path), int(first or 0), given.frames, given.size)
        greys = [grey_of(to_lab(photo)[:, :1]).clamp(0, 1) for photo in photos]
        with tempfile.TemporaryDirectory() as place:
            for number, grey in enumerate(greys):
                picture = Picture(to_pixels(grey), sixteen_bit=True)  # else rounding would be measured
                write_picture(Path(place) / f"{number:04d}.png", picture)
            ways = [alone(greys, options), filmed(Path(place), options)]
        ties = judged(greys)
        for way in (Way("its own", photos, 0, 0), *ways):
            row = measured(way.frames, ties)
            print(
                f"| {Path(path).stem} | {way.name} | {row.near:.2f} | {row.far:.2f} | {row.largest:.2f} "
                f"| {row.chroma:.1f} | {way.later_s:.2f} |",
                flush=True,
            )
        sheet(given.output / f"{Path(path).stem}.png", photos, ways)


if __name__ == "__main__":
    main()
