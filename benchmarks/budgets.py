"""Whether a time that is asked for is kept, and buys quality.

    python -m benchmarks.budgets --photos FOLDER --paintings FOLDER

Paints the pairs of the stills at 512 px with each of `BUDGETS_S`, as the command line does, in one
process, and prints seconds, how far they are from what was asked, and style and content distance on
SqueezeNet, which is never optimised, and on VGG-16, which is, from photo and painting as impasto reads them.
"""

from pathlib import Path
from typing import Final

import impasto
from benchmarks.arguments import parser
from benchmarks.pairs import PAIRS, SIZE_PX
from impasto.crossing import over_white, to_tensor
from impasto.media.picture import read_picture
from impasto.methods.distances import distances
from impasto.studio import Studio

BUDGETS_S: Final = (10, 30, 120)


def main() -> None:
    options = parser(__doc__, writes_sheet=False).parse_args()
    studio = Studio()
    print(
        "| pair | asked | took | style / content | on VGG-16 | steps |", "|---|---|---|---|---|---|", sep="\n"
    )
    for photo_name, painting_name in PAIRS:
        file = options.photos / f"{photo_name}.jpg"
        style: Path = options.paintings / f"{painting_name}.jpg"
        photo, painting = (over_white(read_picture(path, longest_px=SIZE_PX)) for path in (file, style))
        for seconds in BUDGETS_S:
            result = impasto.stylize(file, style, size=SIZE_PX, time=seconds, studio=studio)
            found = [distances(judge, to_tensor(result.rgb), photo, painting) for judge in studio.judges]
            row = (
                photo_name,
                f"{seconds} s",
                f"{result.seconds:.1f} s, {result.seconds / seconds - 1:+.0%}",
                *(f"{one.style:.3f} / {one.content:.3f}" for one in found),
                " + ".join(map(str, result.report["recipe"]["steps"])),
            )
            print("|", " | ".join(row), "|", flush=True)


if __name__ == "__main__":
    main()
