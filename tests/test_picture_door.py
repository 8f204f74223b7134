"""Whatever the bytes of a file are, reading it ends in a picture as promised or in one sentence."""

import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.drawn import drawn_files
from benchmarks.fuzz import judge, with_checksums
from impasto.media.picture import read_picture

FILES = dict(drawn_files())


def damaged(data: bytes, kinds: list[str], seed: int) -> bytes:
    """The bytes after a few accidents."""
    chance, result = random.Random(seed), bytearray(data)
    for kind in kinds:
        at, length = chance.randrange(len(result) + 1), chance.choice((1, 2, 4, 50))
        if kind == "cut":
            del result[max(at, 8) :]
        elif kind == "lose":
            del result[at : at + length]
        elif kind == "repeat":
            result[at:at] = result[at : at + length]
        else:
            extreme = chance.choice((b"\0", b"\xff", b"\x7f", chance.randbytes(1)))
            result[at : at + length] = extreme * len(result[at : at + length])
    return bytes(result)


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(sorted(FILES)),
    kinds=st.lists(st.sampled_from(["write", "write", "lose", "repeat", "cut"]), min_size=1, max_size=6),
    seed=st.integers(0, 2**32),
    mended=st.booleans(),
)
def test_a_damaged_file_ends_in_a_picture_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, name: str, kinds: list[str], seed: int, mended: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged"
    data = damaged(FILES[name], kinds, seed)
    path.write_bytes(with_checksums(data) if mended else data)
    judge(path)


@settings(max_examples=50, deadline=None)
@given(head=st.sampled_from([data[:16] for data in FILES.values()]), tail=st.binary(max_size=400))
def test_what_only_begins_like_a_picture_ends_in_a_picture_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, head: bytes, tail: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "begun"
    path.write_bytes(head + tail)
    judge(path)


@pytest.mark.parametrize("name", sorted(FILES))
def test_the_drawn_files_open(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(FILES[name])
    assert max(read_picture(tmp_path / name).size_px) == 16
    judge(tmp_path / name)


# Found by benchmarks/fuzz.py: a small screen, and a frame of 65,535 x 27,689 pixels to be cleared after.
VAST_FRAME = bytes.fromhex(
    "47494638396120002000f10300000000ff0000ffff00ffffff21f904c9000000002c000000ffffff296c6162"
)


def test_the_recipe_of_a_gif_with_a_vast_frame_takes_no_memory(tmp_path: Path) -> None:
    (tmp_path / "a.gif").write_bytes(VAST_FRAME)
    script = (
        "import sys, resource; from pathlib import Path; from impasto.media.picture import read_recipe\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; read_recipe(Path(sys.argv[1]))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / before)"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "a.gif")]
    grown = subprocess.run(command, capture_output=True, check=True, text=True)
    assert float(grown.stdout) < 2
