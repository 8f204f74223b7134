"""Feeds damaged pictures to the picture door, led by the coverage of its Python code.

    pip install atheris
    python -m benchmarks.fuzz --minutes 30 --finds FOLDER [--corpus FOLDER]

Whatever the bytes are, reading must end within ten seconds and a gigabyte, in a picture as the contract has
it or in one sentence. Each file for which that is not so is kept in the folder of finds, and fuzzing goes on
until the CPU minutes are used up. It starts from pictures that it draws itself, and from a corpus if it is
given one.
"""

import argparse
import re
import resource
import subprocess
import sys
import tempfile
import time
import zlib
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.drawn import drawn_files

if TYPE_CHECKING:
    from impasto.media.picture import Picture

MOST_PIXELS: Final = 1_000_000
MOST_FRAMES: Final = 5
MOST_SECONDS: Final = 10
HANGS_AFTER_S: Final = 120
"""By the clock on the wall, which goes on while a busy machine works on something else."""
MOST_MEGABYTES: Final = 1000
LONGEST_FILE: Final = 50_000
PNG: Final = b"\x89PNG\r\n\x1a\n"


def judge(path: Path) -> None:
    """AssertionError if the door does not keep its word for this file."""
    from impasto.errors import ImpastoError
    from impasto.media.animation import animation_in, read_frames
    from impasto.media.picture import read_picture, read_recipe

    try:
        read_recipe(path)
        _check(read_picture(path, max_pixels=MOST_PIXELS))
        if animation_in(path, max_pixels=MOST_PIXELS):
            for frame in islice(read_frames(path, max_pixels=MOST_PIXELS), MOST_FRAMES):
                _check(frame.picture)
                assert 0 <= frame.delay_s < 1e6
    except ImpastoError as reason:
        if not str(reason).endswith(".") or "\n" in str(reason):
            raise AssertionError("no single sentence") from reason


def _check(picture: "Picture") -> None:
    width, height = picture.size_px
    assert 0 < width * height <= MOST_PIXELS
    for plane in (picture.rgb, picture.alpha):
        assert plane is None or (plane.min() >= 0 and plane.max() <= 1), "beyond [0, 1]"


def with_checksums(data: bytes) -> bytes:
    """A PNG with its checksums set right, for few damages would reach past them; other files as they are."""
    if not data.startswith(PNG):
        return data
    mended, at = bytearray(data), len(PNG)
    while at + 12 <= len(mended):
        end = at + 8 + int.from_bytes(mended[at : at + 4])
        if end + 4 <= len(mended):
            mended[end : end + 4] = zlib.crc32(mended[at + 4 : end]).to_bytes(4)
        at = end + 4
    return bytes(mended)


def fuzz(folder: Path, arguments: list[str]) -> None:
    """One run of libFuzzer, which ends this process."""
    import atheris

    with atheris.instrument_imports(include=["impasto", "PIL", "tifffile", "pillow_heif"]):
        import impasto.media.animation  # noqa: F401

    path = folder / "picture"

    def once(data: bytes) -> None:
        path.write_bytes(data)
        started = time.process_time()
        judge(path)
        assert time.process_time() - started < MOST_SECONDS, "too slow"

    def mutated(data: bytes, most_bytes: int, _seed: int) -> bytes:
        return with_checksums(atheris.Mutate(data, most_bytes))[:most_bytes]

    atheris.Setup([sys.argv[0], *arguments], once, custom_mutator=mutated)
    atheris.Fuzz()


def supervise(minutes: float, corpus: Path | None, finds: Path) -> None:
    """Runs of libFuzzer, one after the other, until the CPU minutes are used up; says what they found."""
    finds.mkdir(parents=True, exist_ok=True)
    executions = runs = 0
    with tempfile.TemporaryDirectory() as place:
        grown = Path(place, "corpus")
        grown.mkdir()
        for name, content in _seeds(corpus):
            (grown / name).write_bytes(content)
        while (left_s := 60 * minutes - _used_s()) > 1:
            started = _used_s()
            executions += _run(grown, finds, left_s)
            runs += 1
            found = sorted(file.name for file in finds.iterdir())
            print(
                f"{_used_s() / 60:.1f} CPU minutes, {executions} executions, {runs} runs, {found=}",
                flush=True,
            )
            if _used_s() - started < 1:
                sys.exit("fuzzing does not start; run the command above by hand to see why")


def _run(grown: Path, finds: Path, left_s: float) -> int:
    """One run, until a find or the end of the time; the number of executions."""
    with tempfile.TemporaryDirectory() as folder:
        limits = (
            f"-timeout={HANGS_AFTER_S}",
            f"-rss_limit_mb={MOST_MEGABYTES}",
            f"-max_len={LONGEST_FILE}",
            f"-max_total_time={max(60, int(left_s))}",
            f"-artifact_prefix={finds}/",
            f"-seed={time.time_ns() % 2**31}",
            "-print_final_stats=1",
        )
        command = [sys.executable, "-m", "benchmarks.fuzz", "--inside", folder, *limits, str(grown)]
        with Path(folder, "log").open("w+", errors="replace") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
            try:
                process.wait()
            finally:
                process.kill()
            log.seek(0)
            said = log.read()
    if process.returncode:
        print(" ".join(command), said[-3000:], sep="\n", flush=True)
    counts = re.findall(r"number_of_executed_units: *(\d+)", said) or re.findall(
        r"^#(\d+)", said, re.MULTILINE
    )
    return int(counts[-1]) if counts else 0


def _seeds(corpus: Path | None) -> list[tuple[str, bytes]]:
    drawn = list(drawn_files())
    if corpus is None:
        return drawn
    files = [file for file in corpus.rglob("*") if file.is_file() and file.stat().st_size <= LONGEST_FILE]
    return drawn + [(f"{number}{file.suffix}", file.read_bytes()) for number, file in enumerate(files)]


def _used_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    if sys.argv[1:2] == ["--inside"]:
        fuzz(Path(sys.argv[2]), sys.argv[3:])
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=30, help="of the processor's time")
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--finds", type=Path, required=True)
    options = parser.parse_args()
    if find_spec("atheris") is None:
        sys.exit("the fuzzer is not here; get it with: pip install atheris")
    supervise(options.minutes, options.corpus, options.finds)


if __name__ == "__main__":
    main()
