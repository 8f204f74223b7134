"""A film by its true flow, as it is, and by DIS: python -m benchmarks.true_flow SINTEL_FOLDER [--size 512]

Each folder is as for benchmarks.flow. The film is the third frame and then the second, since the truth leads
from the second to the third; the way back is the truth turned round. Warp error, in 1e-4, is by the truth
over what both frames show.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Final

import torch
import torch.nn.functional as F  # noqa: N812 - the name the field uses
from torch import Tensor

from benchmarks.flow import read_pair
from benchmarks.video import Way, alone, filmed
from impasto.crossing import to_pixels
from impasto.media.flo import write_flo
from impasto.media.picture import Picture, write_picture
from impasto.methods.flow import resize_flow
from impasto.methods.styles import resize_longest, resize_to
from impasto.methods.temporal import warp_error
from impasto.options import Quality

STYLE: Final = "great-wave"
QUALITIES: Final[tuple[Quality, ...]] = ("draft", "good")
NOWHERE_PX: Final = 1e4
"""Where no pixel comes from: a way that never closes."""


def turned_round(flow: Tensor, seen: Tensor) -> Tensor:
    """(1, 2, h, w) and what both frames show, (1, 1, h, w) bool -> the flow back.

    By the nearest pixel; where none leads to, and some do beside it, their mean.
    """
    height, width = flow.shape[2:]
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    to_x, to_y = (x + flow[0, 0]).round().long(), (y + flow[0, 1]).round().long()
    kept = seen[0, 0] & (to_x >= 0) & (to_x < width) & (to_y >= 0) & (to_y < height)
    back = torch.full_like(flow, NOWHERE_PX)
    back[0, :, to_y[kept], to_x[kept]] = -flow[0][:, kept]
    found = (back[:, :1] != NOWHERE_PX).float()
    around, beside = (F.avg_pool2d(x, 3, 1, 1, count_include_pad=False) for x in (back * found, found))
    return torch.where((found == 0) & (beside > 0), around / beside, back)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sintel", type=Path)
    parser.add_argument("--size", type=int, default=512)
    options = parser.parse_args()
    print("| pair | quality | alone | by the truth | as it is | by DIS |\n|---|---|---|---|---|---|")
    for source in sorted(path for path in options.sintel.iterdir() if path.is_dir()):
        pair = read_pair(source)
        photos = [resize_longest(photo, options.size).clamp(0, 1) for photo in (pair.there, pair.here)]
        size = (photos[0].shape[2], photos[0].shape[3])
        flow = resize_flow(pair.flow, size)
        seen = resize_to((pair.valid & ~pair.hidden).float(), size) > 0.9
        with tempfile.TemporaryDirectory() as place:
            folder, files = Path(place) / "photos", Path(place) / "flow"
            folder.mkdir()
            files.mkdir()
            for number, photo in enumerate(photos):
                write_picture(folder / f"{number}.png", Picture(to_pixels(photo)))
            for name, one in (("2_1", flow), ("1_2", turned_round(flow, seen))):
                write_flo(files / f"{name}.flo", one[0].permute(1, 2, 0).numpy())

            def error(way: Way, flow: Tensor = flow, seen: Tensor = seen) -> float:
                first, second = way.frames
                return 1e4 * float(warp_error(second, first, flow, seen.float()))

            for quality in QUALITIES:
                ways = (
                    alone(folder, STYLE, quality),
                    filmed(folder, STYLE, quality, flow_files=files),
                    filmed(folder, STYLE, quality),
                    filmed(folder, STYLE, quality, "dis"),
                )
                print(f"| {source.name} | {quality} |", *(f"{error(way):.1f} |" for way in ways), flush=True)


if __name__ == "__main__":
    main()
