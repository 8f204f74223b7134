"""The work folder beside a film: found again by the same task, and by no other."""

import shutil
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import pytest

from impasto.errors import OptionError, OutputError
from impasto.media.frames import Timeline
from impasto.options import VideoOptions
from impasto.tasks import StyleChoice, VideoTask
from impasto.video.folder import Folder, Survey, check_room, folder_for, held

LINE = Timeline((0, 40, 80, 120), 160, Fraction(1, 1000))


def task(output: Path, **options: object) -> VideoTask:
    styles = (StyleChoice(source="great-wave"),)
    return VideoTask(
        film=Path("a.mp4"), styles=styles, output=output, options=VideoOptions.model_validate(options)
    )


def test_it_is_named_after_all_that_decides_about_pixels(tmp_path: Path) -> None:
    path = folder_for(task(tmp_path / "b.mp4"), {}).path
    for same in ({"workers": 3}, {"codec": "h265", "crf": 30}, {"keep": True}, {"preview": 10}):
        assert folder_for(task(tmp_path / "b.mp4", **same), {}).path == path
    for other in ({"seed": 1}, {"size": 300}, {"begin": "3s"}, {"quality": "draft"}, {"flow": "farneback"}):
        assert folder_for(task(tmp_path / "b.mp4", **other), {}).path != path
    assert folder_for(task(tmp_path / "b.mp4"), {"film": "another"}).path != path
    best = task(tmp_path / "b.mp4", quality="best")
    short = task(tmp_path / "b.mp4", quality="best", preview=3)
    assert folder_for(best, {}).path != folder_for(short, {}).path, "its last frame has a say in its first"


def test_a_survey_comes_back_and_has_a_beginning(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    assert folder.survey() is None
    survey = Survey(LINE, (0, 1, 2, 3), ((0, 3), (3, 4)), ("it is cut off",))
    folder.save_survey(survey)
    assert folder.survey() == survey
    assert survey.first(2).shots == ((0, 2),)
    assert survey.first(None) == survey.first(9) == survey


def test_one_process_has_it(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "work")
    folder.make()
    with held(folder), pytest.raises(OptionError, match="another impasto"), held(folder):
        pass
    with held(Folder(tmp_path / "work")):
        pass


def test_a_full_disk_is_told_before_painting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=1e9))
    check_room(Folder(tmp_path), 100, 1e6, 1)
    with pytest.raises(OutputError, match=r"8\.0 GB, .* 1\.0 GB free"):
        check_room(Folder(tmp_path), 10_000, 1e6, 1)
