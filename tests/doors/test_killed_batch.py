"""A batch that is killed again and again makes what one makes that is left in peace. Slow: pytest -m slow."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from impasto.cli import main
from tests.conftest import drawn

COUNT = 40
QUICK = ["--size", "96", "--steps", "6", "--quiet", "-o"]


def painted(folder: Path) -> dict[str, bytes]:
    """Name -> bytes of all that is not hidden."""
    return {path.name: path.read_bytes() for path in folder.glob("[!.]*")}


def killed_after(folder: str, paintings: int, delay_s: float) -> bool:
    """Starts the batch and kills it -9 a moment after so many paintings; False if it ended before."""
    words = ["batch", "photos", "scream", *QUICK, folder, "--json"]
    with subprocess.Popen([sys.executable, "-m", "impasto", *words], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        seen = 0
        for line in child.stdout:
            event = json.loads(line)["event"]
            assert event in {"painted", "kept", "summary"}
            seen += event == "painted"
            if seen == paintings:
                time.sleep(delay_s)
                child.kill()
                return True
        return child.wait() != 0


@pytest.mark.slow
def test_a_batch_of_forty_survives_any_kill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    chance = random.Random(0)
    for number in range(COUNT):
        size = (chance.randint(48, 128), chance.randint(48, 128))
        Image.fromarray(drawn("photo", *size)).save(f"photos/{number:02}.png")
    assert main(["batch", "photos", "scream", *QUICK, "whole"]) == 0
    whole = painted(Path("whole"))
    assert len(whole) == COUNT
    kills = 0
    while killed_after("killed", chance.randint(1, 3), chance.uniform(0, 0.4)):
        kills += 1
        assert painted(Path("killed")).items() <= whole.items(), "half-written, or other bytes"
    assert painted(Path("killed")) == whole
    assert kills >= 10
