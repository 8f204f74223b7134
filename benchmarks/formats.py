"""Opens every file of a folder and asks another program whether what came is right.

    pip install pyvips pyvips-binary       # and, for the formats it lacks: apt install imagemagick
    python -m benchmarks.formats FOLDER -o docs/formats.md

Each file is read in a process of its own, which is timed and weighed. A picture is right when its size is
the other reader's, when none of its eight orientations fits better, when its transparency is the same and its
colours are near; an animation when its times and loops are the same, too. What is refused goes through the
command line once more, which must say one sentence and end with exit code 2.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.judges import READERS, Rgba, Seen, distance, turned
from impasto.errors import ImpastoError
from impasto.media.animation import animation_in, read_frames
from impasto.media.picture import Picture, read_picture

PAGE: Final = Path(__file__).parents[1] / "docs/formats.md"
TABLE_BEGINS: Final = "## Every file of a collection"
MOST_DISTANCE: Final = 0.02
"""Two JPEG decoders differ by a level or two, and so do two colour engines."""
MOST_ALPHA_DISTANCE: Final = 0.005


@dataclass(frozen=True)
class Row:
    """What became of one file."""

    name: str
    came: str
    verdict: str
    seconds: float
    megabytes: float

    @property
    def text(self) -> str:
        """A row of the table."""
        return f"| {self.name} | {self.came} | {self.verdict} | {self.seconds:.2f} | {self.megabytes:.0f} |\n"


def read_inside(path: Path, levels: Path) -> None:
    """Reads a file and leaves what came: in a process of its own."""
    found: dict[str, Any] = {}
    try:
        picture = read_picture(path)
        animation = animation_in(path)
        if animation is not None:
            found["plays"] = animation.plays
            found["delays_s"] = [float(frame.delay_s) for frame in islice(read_frames(path), 500)]
    except ImpastoError as reason:
        found["refused"] = str(reason).replace(str(path), path.name)
    else:
        found["alpha"] = picture.alpha is not None
        found["bits"] = 16 if picture.sixteen_bit else 8
        found["notes"] = picture.notes
        found["size_px"] = picture.size_px
        found["megabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        np.save(levels, levels_of(picture))
    print(json.dumps(found))


def levels_of(picture: Picture) -> NDArray[Any]:
    """(h, w, 4) uint8."""
    alpha = np.ones(picture.rgb.shape[:2], np.float32) if picture.alpha is None else picture.alpha
    levels: NDArray[Any] = np.rint(np.dstack([picture.rgb, alpha]) * 255).astype(np.uint8)
    return levels


def judge_inside(path: Path, levels: Path, found: dict[str, Any]) -> None:
    """Prints the best that any reader says of what came: in a process of its own, for they are large."""
    rgba = np.load(levels)
    seen = [one for one in (reader(path) for reader in READERS) if one is not None]
    verdicts = [f"{judged(rgba, found, one)} by {one.by}" for one in seen]
    verdicts.sort(key=lambda verdict: not verdict.startswith("right"))
    print(next(iter(verdicts), "opened, nobody to ask"))


def judged(rgba: Rgba, found: dict[str, Any], seen: Seen) -> str:
    """Right, or what is wrong in capitals."""
    if rgba.shape != seen.rgba.shape:
        return "ANOTHER SIZE"
    away = distance(rgba, seen.rgba)
    others = [other for other in turned(rgba)[1:] if other.shape == rgba.shape]
    if away > MOST_DISTANCE and any(distance(other, seen.rgba) < away / 2 for other in others):
        return "WRONG ORIENTATION"
    if np.abs(rgba[..., 3].astype(float) - seen.rgba[..., 3]).mean() / 255 > MOST_ALPHA_DISTANCE:
        return "ANOTHER ALPHA"
    clock = tuple(found.get("delays_s", ())), found.get("plays")
    if seen.delays_s and clock != (seen.delays_s, seen.plays):
        return "OTHER TIMES"
    return f"other colours ({away:.2f})" if away > MOST_DISTANCE else "right"


def weighed(*command: str) -> tuple[int, str, str, float, float]:
    """Exit code, standard output and error, seconds of the processor, and megabytes at the peak."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = subprocess.Popen([sys.executable, "-m", *command], stdout=out, stderr=err)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        seconds = used.ru_utime + used.ru_stime
        said = []
        for stream in (out, err):
            stream.seek(0)
            said.append(stream.read().decode(errors="replace").strip())
    return child.returncode, said[0], said[1], seconds, used.ru_maxrss / 1024


def row_of(path: Path, name: str) -> Row:
    """Everything about one file."""
    with tempfile.TemporaryDirectory() as place:
        levels, painting = Path(place, "a.npy"), Path(place, "a.png")
        code, out, err, *cost = weighed("benchmarks.formats", "--read", str(path), str(levels))
        if code or err:
            return Row(name, err[-200:], f"CRASHED, exit code {code}", *cost)
        found = json.loads(out)
        if "refused" not in found:
            _, verdict, *_ = weighed("benchmarks.formats", "--judge", str(path), str(levels), out)
            return Row(name, described(found), verdict, cost[0], found["megabytes"])
        code, out, err, *cost = weighed("impasto", str(path), "scream", "-o", str(painting))
        is_polite = code == 2 and not out and "\n" not in err and not painting.exists()
        verdict = f"refused, exit code {code}" if is_polite else f"REFUSED BADLY, exit code {code}"
        return Row(name, found["refused"], verdict, *cost)


def described(found: dict[str, Any]) -> str:
    """In words."""
    width, height = found["size_px"]
    words = [f"{width} x {height}", f"{found['bits']} bits"]
    if found["alpha"]:
        words.append("alpha")
    if "delays_s" not in found:
        return "; ".join([", ".join(words), *found["notes"]])
    plays = {0: "for ever", 1: "once"}.get(found["plays"], f"{found['plays']} times")
    words.append(f"{len(found['delays_s'])} frames in {sum(found['delays_s']):g} s, {plays}")
    return ", ".join(words)


def summary(rows: Sequence[Row]) -> str:
    """The counts that matter, in one paragraph."""
    counts = {
        "right": ("right",),
        "of other colours than the judge's": ("other colours",),
        "that no judge reads": ("opened",),
        "refused with one sentence and exit code 2": ("refused",),
        "crashes or bad refusals": ("CRASHED", "REFUSED"),
        "wrong sizes or orientations": ("WRONG", "ANOTHER SIZE"),
        "lost or wrong alphas": ("ANOTHER ALPHA",),
        "wrong times": ("OTHER TIMES",),
    }
    found = (
        f"{sum(row.verdict.startswith(starts) for row in rows)} {what}" for what, starts in counts.items()
    )
    slowest, largest = max(row.seconds for row in rows), max(row.megabytes for row in rows)
    return (
        f"{len(rows)} files: {', '.join(found)}.\n"
        f"At most {slowest:.1f} s of the processor and {largest:.0f} MB a file, the program itself included."
    )


def page_of(rows: Sequence[Row]) -> str:
    """docs/formats.md, but for what is written there by hand above the table."""
    before = PAGE.read_text().split(TABLE_BEGINS)[0] if PAGE.exists() else ""
    table = "| file | what came | verdict | s | MB |\n|---|---|---|---|---|\n"
    return f"{before}{TABLE_BEGINS}\n\n{summary(rows)}\n\n{table}{''.join(row.text for row in rows)}"


def main() -> None:
    if sys.argv[1:2] == ["--read"]:
        return read_inside(Path(sys.argv[2]), Path(sys.argv[3]))
    if sys.argv[1:2] == ["--judge"]:
        return judge_inside(Path(sys.argv[2]), Path(sys.argv[3]), json.loads(sys.argv[4]))
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    rows = []
    for path in sorted(options.folder.rglob("*")):
        if path.is_file():
            rows.append(row_of(path, str(path.relative_to(options.folder))))
            print(rows[-1].text, end="", flush=True)
    print(summary(rows))
    if options.output:
        options.output.write_text(page_of(rows))
    return None


if __name__ == "__main__":
    main()
