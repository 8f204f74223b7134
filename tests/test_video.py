"""Laws of painted films: the same pixels however often interrupted, and frames that hold together."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from impasto.crossing import to_tensor
from impasto.errors import FilmError, OptionError, OutputError
from impasto.media.film import open_film
from impasto.media.frames import glances, read_frames, timeline
from impasto.media.picture import read_picture
from impasto.methods.devices import one_thread
from impasto.methods.flow import Flows, flows_between
from impasto.methods.ladder import plan
from impasto.networks.cielab import to_lab
from impasto.options import ColoringOptions, FlowMethod, VideoOptions
from impasto.studio import Studio
from impasto.tasks import FilmProgress, FilmResult, StyleChoice, VideoTask
from impasto.video import paint_film, photos
from impasto.video.assignment import PACES, Assignment
from impasto.video.crew import make_shot
from impasto.video.folder import Made
from impasto.video.shot import adjoin, neighbours_of
from tests.clips import make_film, moving_square, sound_packets

QUICK: dict[str, Any] = {"size": 48, "steps": 2, "frame_steps": 1, "precision": "float32", "keep": True}
STUDIO = Studio()
STYLE = (StyleChoice(source="great-wave"),)
COLORS = ColoringOptions(size=64, looks=1, rarity=1)


def test_frames_take_as_much_less_than_the_first_at_every_size() -> None:
    good = PACES["good"]
    rungs = plan((854, 480), 854, None, None)
    worth = sum(rung.steps * rung.size_px[0] * rung.size_px[1] for rung in rungs) / (854 * 480)
    assert good.where(40, 40) == good
    assert good.where(400, 40) == good
    assert good.where(worth, 40).steps < 0.2 * worth
    assert good.where(1, 40).steps >= 2


@pytest.fixture
def _on_one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Here and in processes that are started: sums are rounded otherwise on every number of threads."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with one_thread():
        yield


def frames_of(count: int) -> list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    return [moving_square(number) for number in range(count)]


def two_scenes(path: Path) -> Path:
    return make_film(path, frames_of(4) + [255 - frame for frame in frames_of(4)], sound="aac")


def paint(
    source: Path,
    output: Path,
    stop: Callable[[], bool] = lambda: False,
    styles: tuple[StyleChoice, ...] = STYLE,
    coloring: ColoringOptions | None = None,
    **options: Any,
) -> FilmResult | None:
    task = VideoTask(
        film=source,
        styles=styles,
        output=output,
        options=VideoOptions(**(QUICK | options)),
        coloring=coloring,
    )
    events = list(paint_film(task, STUDIO, stop))
    return events[-1] if isinstance(events[-1], FilmResult) else None


def painted(output: Path) -> dict[str, bytes]:
    """The frames that were kept, by name."""
    (folder,) = output.parent.glob(f"{output.name}.work-*")
    last = max(folder.glob("pass-*"))
    return {path.name: path.read_bytes() for path in sorted(last.glob("*.png"))}


def after(frames: int) -> Callable[[], bool]:
    """Stops when so many frames were asked about."""
    left = iter(range(frames - 1))
    return lambda: next(left, None) is None


def test_a_film_is_painted_with_its_times_and_sound(tmp_path: Path) -> None:
    source = two_scenes(tmp_path / "a.mp4")
    result = paint(source, tmp_path / "b.mp4")
    assert result is not None
    assert (result.frames, result.report["shots"]) == (8, 2)
    film = open_film(tmp_path / "b.mp4")
    line = timeline(film, [(seen.time, seen.duration) for seen in glances(film, [])])
    assert (len(line.times), line.steady_rate()) == (8, Fraction(24))
    assert sound_packets(tmp_path / "b.mp4") == sound_packets(source)


@pytest.mark.parametrize("options", [{}, {"quality": "best"}, {"loop": True, "cuts": False, "flow": "dis"}])
def test_stopped_anywhere_the_same_command_gives_the_same_bytes(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    source = two_scenes(tmp_path / "a.mp4")
    paint(source, tmp_path / "whole.mp4", **options)
    for count in (1, 3, 2):
        assert paint(source, tmp_path / "parts.mp4", after(count), **options) is None
        assert not (tmp_path / "parts.mp4").exists()
    assert paint(source, tmp_path / "parts.mp4", **options) is not None
    assert painted(tmp_path / "parts.mp4") == painted(tmp_path / "whole.mp4")


@pytest.mark.usefixtures("_on_one_thread")
@pytest.mark.parametrize("styles", [(), STYLE])
def test_a_film_in_colours_goes_on_with_the_same_bytes(
    tmp_path: Path, styles: tuple[StyleChoice, ...]
) -> None:
    source = two_scenes(tmp_path / "a.mp4")
    wanted: dict[str, Any] = {"styles": styles, "coloring": COLORS}
    result = paint(source, tmp_path / "whole.mp4", **wanted)
    assert result is not None
    assert result.report["colored_frame_s"] > 0
    assert (result.report["later_frame_s"] is not None) == bool(styles)
    assert sound_packets(tmp_path / "whole.mp4") == sound_packets(source)
    for count in (1, 3, 2):
        assert paint(source, tmp_path / "parts.mp4", after(count), **wanted) is None
    assert paint(source, tmp_path / "parts.mp4", **wanted) is not None
    assert painted(tmp_path / "parts.mp4") == painted(tmp_path / "whole.mp4")
    paint(source, tmp_path / "two.mp4", workers=2, **wanted)
    assert painted(tmp_path / "two.mp4") == painted(tmp_path / "whole.mp4")
    beginning = make_film(tmp_path / "b.mp4", frames_of(4), sound="aac")
    assert paint(beginning, tmp_path / "c.mp4", preview=2, **wanted) is not None
    preview = painted(tmp_path / "c.mp4")
    assert paint(beginning, tmp_path / "c.mp4", **wanted) is not None
    assert painted(tmp_path / "c.mp4").items() > preview.items()


def test_a_grey_film_becomes_a_film_in_colours_as_large_as_it_is(tmp_path: Path) -> None:
    greys = [np.repeat(frame.mean(2, keepdims=True), 3, 2).astype(np.uint8) for frame in frames_of(3)]
    source = make_film(tmp_path / "a.mkv", greys, codec="ffv1", pixel_format="gray")
    assert paint(source, tmp_path / "b.mkv", styles=(), coloring=COLORS, size=16, codec="ffv1") is not None
    film = open_film(tmp_path / "b.mkv")
    assert film.size_px == (48, 32)
    line = timeline(film, [(seen.time, seen.duration) for seen in glances(film, [])])
    for frame, grey in zip(read_frames(film, line, range(3), (48, 32)), greys, strict=True):
        lab = to_lab(to_tensor(frame.rgb))
        assert lab[:, 1:].norm(dim=1).mean() > 2
        # Colours as light as these are not all within sRGB, but nearly.
        lightness = to_lab(to_tensor((grey / 255).astype("f4")))[:, 0]
        assert (lab[:, 0] - lightness).abs().mean() < 1


def test_the_colours_of_a_still_film_stay(tmp_path: Path) -> None:
    source = make_film(tmp_path / "a.mkv", [moving_square(0)] * 4, codec="ffv1", pixel_format="bgr0")
    paint(source, tmp_path / "b.mp4", styles=(), coloring=COLORS)
    first, *rest = [read_picture(path).rgb for path in sorted(tmp_path.glob("b.mp4.work-*/pass-0/*.png"))]
    for frame in rest:
        assert np.abs(frame - first).max() < 0.02


def test_a_report_of_colours_tells_how_steady_they_are(tmp_path: Path) -> None:
    source = make_film(tmp_path / "a.mp4", frames_of(3))
    task = VideoTask(
        film=source, styles=(), output=tmp_path / "b.mp4", options=VideoOptions(**QUICK), coloring=COLORS
    )
    result = list(paint_film(task, STUDIO, measured=True))[-1]
    assert isinstance(result, FilmResult)
    assert result.report["error_of"] == "ab"
    assert set(result.report["warp_errors"]) == {2, 3}
    assert "style_distance" not in result.report


@pytest.mark.slow
def test_killed_the_same_command_gives_the_same_bytes(tmp_path: Path) -> None:
    source = two_scenes(tmp_path / "a.mp4")
    paint(source, tmp_path / "whole.mp4", steps=6, frame_steps=6)
    words = ["--size", "48", "--steps", "6", "--frame-steps", "6", "--precision", "float32", "--keep", "-q"]
    command = [sys.executable, "-m", "impasto", "video", str(source), "great-wave", *words]
    command += ["--output", str(tmp_path / "killed.mp4")]
    process = subprocess.Popen(command)
    while process.poll() is None and len(list(tmp_path.glob("killed.mp4.work-*/pass-1/*.png"))) < 3:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    subprocess.run(command, check=True)
    assert painted(tmp_path / "killed.mp4") == painted(tmp_path / "whole.mp4")


@pytest.mark.usefixtures("_on_one_thread")
def test_workers_paint_what_one_would(tmp_path: Path) -> None:
    source = two_scenes(tmp_path / "a.mp4")
    paint(source, tmp_path / "one.mp4")
    paint(source, tmp_path / "two.mp4", workers=2)
    assert painted(tmp_path / "two.mp4") == painted(tmp_path / "one.mp4")


def test_a_still_film_stays_still(tmp_path: Path) -> None:
    """With a strong hold every frame is the first one, but for the rounding to 8 bits."""
    source = make_film(tmp_path / "a.mkv", [moving_square(0)] * 4, codec="ffv1", pixel_format="bgr0")
    paint(source, tmp_path / "b.mp4", quality="draft", hold=1000, frame_steps=3)
    first, *rest = [read_picture(path).rgb for path in sorted((tmp_path).glob("b.mp4.work-*/pass-1/*.png"))]
    for frame in rest:
        assert np.abs(frame - first).mean() < 0.01


def test_only_the_part_that_is_wanted_is_painted(tmp_path: Path) -> None:
    source = make_film(tmp_path / "a.mp4", frames_of(12), Fraction(12))
    result = paint(source, tmp_path / "b.mp4", begin="0.25s", end=0.75, every=2)
    assert result is not None
    assert result.frames == 3
    film = open_film(tmp_path / "b.mp4")
    assert film.duration_s == pytest.approx(0.5)
    assert film.rate == 6


def test_a_preview_is_the_beginning_of_the_film(tmp_path: Path) -> None:
    source = two_scenes(tmp_path / "a.mp4")
    paint(source, tmp_path / "b.mp4", preview=3)
    beginning = painted(tmp_path / "b.mp4")
    assert len(beginning) == 3
    result = paint(source, tmp_path / "b.mp4")
    assert result is not None
    assert painted(tmp_path / "b.mp4").items() > beginning.items()


def test_the_work_folder_goes_when_the_film_is_done(tmp_path: Path) -> None:
    source = make_film(tmp_path / "a.mp4", frames_of(3))
    paint(source, tmp_path / "b.mp4", keep=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "b.mp4"]


def test_flow_is_kept_in_files_and_taken_from_there(tmp_path: Path) -> None:
    source = make_film(tmp_path / "a.mp4", frames_of(3))
    (tmp_path / "flow").mkdir()
    paint(source, tmp_path / "b.mp4", flow_files=tmp_path / "flow")
    names = {path.name for path in (tmp_path / "flow").iterdir()}
    assert names == {"1_2.flo", "2_1.flo", "2_3.flo", "3_2.flo", "1_3.flo", "3_1.flo"}
    given = (tmp_path / "flow/1_2.flo").read_bytes()
    (tmp_path / "flow/2_1.flo").unlink()
    paint(source, tmp_path / "c.mp4", flow_files=tmp_path / "flow")
    assert painted(tmp_path / "c.mp4") == painted(tmp_path / "b.mp4")
    assert (tmp_path / "flow/2_1.flo").exists()
    assert (tmp_path / "flow/1_2.flo").read_bytes() == given


def test_flow_by_the_network_goes_on_with_the_same_bytes(tmp_path: Path) -> None:
    source = make_film(tmp_path / "a.mp4", frames_of(2))
    paint(source, tmp_path / "whole.mp4", flow="gmflow")
    assert paint(source, tmp_path / "parts.mp4", after(1), flow="gmflow") is None
    assert paint(source, tmp_path / "parts.mp4", flow="gmflow") is not None
    assert painted(tmp_path / "parts.mp4") == painted(tmp_path / "whole.mp4")


def test_only_the_nearest_frame_is_worth_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def recorded(here: Tensor, there: Tensor, method: FlowMethod, dtype: torch.dtype) -> Flows:
        asked.append((method, dtype))
        return flows_between(here, there, "dis")

    monkeypatch.setattr(photos, "flows_between", recorded)
    source = make_film(tmp_path / "a.mp4", frames_of(3))
    paint(source, tmp_path / "b.mp4")
    numbers = torch.float32  # those of `QUICK`
    assert asked == [("auto", numbers), ("auto", numbers), ("dis", numbers)]
    asked.clear()
    paint(source, tmp_path / "c.mp4", flow="farneback", precision="bfloat16")
    assert asked == [("farneback", torch.bfloat16)] * 3
    asked.clear()
    paint(source, tmp_path / "d.mp4", styles=(), coloring=COLORS)
    assert {method for method, _ in asked} == {"auto"}


def test_a_report_names_the_worst_frames_and_is_json(tmp_path: Path) -> None:
    source = make_film(tmp_path / "a.mp4", frames_of(4))
    task = VideoTask(film=source, styles=STYLE, output=tmp_path / "b.mp4", options=VideoOptions(**QUICK))
    events = list(paint_film(task, STUDIO, measured=True))
    result = events[-1]
    assert isinstance(result, FilmResult)
    report = json.loads(json.dumps(result.report))
    assert set(report["warp_errors"]) == {"2", "3", "4"}
    worst = report["worst_frames"][0]
    assert worst["warp_error"] == max(report["warp_errors"].values())
    assert report["flow_of_the_measure"] != task.options.flow
    left = [event.eta_s for event in events if isinstance(event, FilmProgress) and event.stage == "writing"]
    assert left == [0]


def test_what_a_user_can_mend_is_said_before_painting(tmp_path: Path) -> None:
    source = make_film(tmp_path / "a.mp4", frames_of(3))
    mistakes: list[tuple[Path, dict[str, Any], type[Exception]]] = [
        (tmp_path / "a.mp4", {}, OptionError),
        (tmp_path / "b.xyz", {}, OutputError),
        (tmp_path / "gone/b.mp4", {}, OutputError),
        (tmp_path / "b.mp4", {"begin": 100}, OptionError),
        (tmp_path / "b.mp4", {"size": 16}, FilmError),
    ]
    for output, options, error in mistakes:
        with pytest.raises(error, match="; "):
            paint(source, output, **options)
    with pytest.raises(FilmError, match="no film"):
        paint(tmp_path / "none.mp4", tmp_path / "b.mp4")
    with pytest.raises(ValueError, match="is for photos"):
        VideoOptions(time=3)


def test_the_last_frames_of_a_loop_are_tied_to_the_first() -> None:
    order = range(10)
    assert neighbours_of(order, 0, 0, loop=True) == []
    assert neighbours_of(order, 5, 1, loop=False) == [(4, 1), (3, 1), (1, 1)]
    assert neighbours_of(order, 0, 1, loop=True) == [(9, 0), (8, 0), (6, 0)]
    assert neighbours_of(order, 9, 1, loop=True) == [(8, 1), (0, 1), (7, 1), (1, 1), (5, 1), (3, 1)]


def test_frames_adjoin_in_both_directions_and_over_the_seam_of_a_loop() -> None:
    for order in (range(10), range(9, -1, -1)):
        assert adjoin(order, 4, 5, loop=False)
        assert adjoin(order, 5, 4, loop=False)
        assert not adjoin(order, 2, 4, loop=True)
        assert adjoin(order, 0, 9, loop=True)
        assert not adjoin(order, 0, 9, loop=False)


def test_the_photos_colours_are_kept_if_wanted(tmp_path: Path) -> None:
    source = make_film(tmp_path / "a.mkv", frames_of(3), codec="ffv1", pixel_format="bgr0")
    paint(source, tmp_path / "b.mkv", keep_colors=1.0, codec="ffv1")
    before, after = (open_film(path) for path in (source, tmp_path / "b.mkv"))
    line = timeline(after, [(seen.time, seen.duration) for seen in glances(after, [])])
    shown, photo = (next(read_frames(film, line, [2], (48, 32))).rgb for film in (after, before))
    chroma, wanted = shown - shown.mean(2, keepdims=True), photo - photo.mean(2, keepdims=True)
    assert np.corrcoef(chroma.ravel(), wanted.ravel())[0, 1] > 0.8


def test_a_crew_that_stops_leaves_the_beginning_of_a_film(tmp_path: Path) -> None:
    source = two_scenes(tmp_path / "a.mp4")
    task = VideoTask(film=source, styles=STYLE, output=tmp_path / "b.mp4", options=VideoOptions(**QUICK))

    def crew(job: Assignment, _task: VideoTask, _stop: Callable[[], bool]) -> Iterator[Made]:
        yield from make_shot(job, range(*job.survey.shots[1]))
        yield from make_shot(job, range(*job.survey.shots[0]), after(3))

    *_, result = paint_film(task, STUDIO, crew=crew)
    assert isinstance(result, FilmResult)
    assert result.frames == 3
    assert open_film(task.output).duration_s == pytest.approx(3 / 24, abs=0.05)
