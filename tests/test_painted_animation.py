"""Painted animations: what stands still stands still, what moves is painted."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import impasto
from impasto.animation import MOVED, STILL, change, repaint
from impasto.cli import main
from impasto.errors import OptionError, PictureError
from impasto.media.animation import Frame, animation_in, read_frames, writing_animation
from impasto.media.picture import Picture, read_picture
from impasto.options import StylizeOptions
from impasto.tasks import Progress, Result, StyleChoice, StylizeTask
from tests.conftest import drawn

QUICK: dict[str, Any] = {"size": 64, "steps": 6, "rungs": 2}
DELAYS_S = [Fraction(number, 100) for number in (4, 7, 10, 50)]


def scene(dot_at: int | None) -> Picture:
    """64 x 48 px: a smooth scene, perhaps with a black dot in its upper half."""
    rgb = (drawn("photo", 64, 48) / np.float32(255)).astype(np.float32)
    if dot_at is not None:
        rgb[4:12, dot_at : dot_at + 8] = 0
    return Picture(rgb)


def moving(path: Path, pictures: Sequence[Picture] = (scene(8), scene(8), scene(40), scene(None))) -> Path:
    with writing_animation(path, pictures[0], 3) as add:
        for picture, delay_s in zip(pictures, DELAYS_S, strict=False):
            add(Frame(picture, delay_s))
    return path


def painted(source: Path, output: Path, **options: int) -> list[NDArray[np.float32]]:
    impasto.stylize(source, "great-wave", output=output, **QUICK | options)
    return [frame.picture.rgb for frame in read_frames(output)]


def test_times_and_loops_come_through_and_what_stands_still_stays(tmp_path: Path) -> None:
    frames = painted(moving(tmp_path / "a.png"), tmp_path / "out.png")
    found = animation_in(tmp_path / "out.png")
    assert found is not None
    assert (found.frames, found.plays) == (4, 3)
    assert [frame.delay_s for frame in read_frames(tmp_path / "out.png")] == DELAYS_S
    assert np.array_equal(frames[1], frames[0])
    for frame in frames[2:]:
        assert np.array_equal(frame[30:], frames[0][30:])
    assert np.abs(frames[2][4:12, 40:48] - frames[0][4:12, 40:48]).mean() > 0.1


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_an_animation_can_change_its_format(tmp_path: Path, suffix: str) -> None:
    painted(moving(tmp_path / "a.png"), tmp_path / f"out{suffix}")
    assert [frame.delay_s for frame in read_frames(tmp_path / f"out{suffix}")] == DELAYS_S


def test_frames_that_show_nothing_new_are_painted_once(tmp_path: Path) -> None:
    source = moving(tmp_path / "a.gif", [scene(8)] * 4)
    events = list(impasto.painting(source, "great-wave", output=tmp_path / "out.gif", **QUICK))
    *steps, result = events
    assert isinstance(result, Result)
    assert (result.report["frames"], result.report["painted"]) == (4, 1)
    assert result.rgb.shape == (48, 64, 3)
    assert len(steps) == 6
    last = steps[-1]
    assert isinstance(last, Progress)
    assert (last.frame, last.frames) == (1, 4)


def test_a_change_too_slow_to_see_is_painted_in_the_end(tmp_path: Path) -> None:
    shades = [Picture(np.full((48, 64, 3), level / 255, np.float32)) for level in (100, 102, 104, 106)]
    before = shades[0]
    for shade in shades[1:]:
        changed = change(before, shade)[..., None]
        before = replace(before, rgb=before.rgb + changed * (shade.rgb - before.rgb))
    assert np.abs(before.rgb - shades[-1].rgb).max() < MOVED
    assert change(shades[0], shades[3]).min() == 1


def test_a_change_is_wholly_painted_and_little_else(tmp_path: Path) -> None:
    before, after = scene(None), scene(8)
    changed = change(before, after)
    assert changed[4:12, 8:16].min() == 1
    assert changed[30:].max() == 0
    noisy = replace(before, rgb=np.clip(before.rgb + STILL * 0.9, 0, 1))
    assert change(before, noisy).max() == 0


def test_what_changes_below_transparency_is_not_seen() -> None:
    clear = np.zeros((48, 64), np.float32)
    assert change(replace(scene(None), alpha=clear), replace(scene(8), alpha=clear)).max() == 0


def test_transparency_comes_through_frame_by_frame(tmp_path: Path) -> None:
    holes = [np.ones((48, 64), np.float32) for _ in range(2)]
    holes[0][:, :20], holes[1][:, 30:] = 0, 0
    pictures = [replace(scene(8), alpha=hole) for hole in holes]
    painted(moving(tmp_path / "a.webp", pictures), tmp_path / "out.gif")
    for frame, hole in zip(read_frames(tmp_path / "out.gif"), holes, strict=True):
        assert frame.picture.alpha is not None
        assert np.array_equal(frame.picture.alpha, hole)


def test_the_same_seed_makes_the_same_animation_and_so_does_its_recipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    moving(Path("a.gif"), [scene(8), scene(30)])
    words = ["a.gif", "great-wave", "--size", "64", "--steps", "3", "--quiet"]
    assert main([*words, "-o", "b.gif"]) == 0
    assert main(words) == 0
    assert main(["rerun", "b.gif", "--quiet"]) == 0
    assert Path("a-great-wave.gif").read_bytes() == Path("b.gif").read_bytes() == Path("b-2.gif").read_bytes()


def test_a_still_output_shows_the_first_frame_and_says_so(tmp_path: Path) -> None:
    result = impasto.stylize(
        moving(tmp_path / "a.gif"), "great-wave", output=tmp_path / "out.jpg", size=64, steps=1
    )
    assert result.notes == ("only the first of its 4 frames is used",)
    assert read_picture(tmp_path / "out.jpg").size_px == (64, 48)


def test_stopping_keeps_the_frames_so_far(tmp_path: Path) -> None:
    task = StylizeTask(
        photo=moving(tmp_path / "a.png"),
        styles=(StyleChoice(source="great-wave"),),
        output=tmp_path / "out.png",
        options=StylizeOptions.model_validate(QUICK),
    )
    seen: list[int] = []
    for event in repaint(task, stop=lambda: 3 in seen):
        if isinstance(event, Progress):
            seen.append(event.frame)
    assert isinstance(event, Result)
    assert event.notes == ("it has the first 3 of 4 frames",)
    assert len(list(read_frames(tmp_path / "out.png"))) == 3


def test_a_time_and_frames_too_narrow_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    source = moving(tmp_path / "a.gif")
    with pytest.raises(OptionError, match="--quality or --steps"):
        impasto.stylize(source, "great-wave", output=tmp_path / "out.gif", time=3)
    narrow = moving(tmp_path / "n.gif", [Picture(each.rgb[:, :5]) for each in (scene(1), scene(2))])
    with pytest.raises(PictureError, match="too narrow"):
        impasto.stylize(narrow, "great-wave", output=tmp_path / "out.gif")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.gif", "n.gif"]
