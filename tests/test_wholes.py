"""Films and batches: split, spread over workers and joined; colours and animations beside them."""

import os
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from impasto.errors import ServiceError
from impasto.media.animation import animation_in
from impasto.media.film import open_film
from impasto.media.picture import read_picture
from impasto.server.admission import Bounds, examine
from impasto.server.jobs import Job, Jobs
from impasto.server.parts import Parts
from impasto.server.requests import BatchRequest, ColorizeRequest, StylizeRequest, VideoRequest
from impasto.server.store import PREVIEW, SHOWN, Upload, new_id
from tests.clips import make_film, moving_square
from tests.served import opened, process, until, uploaded, working

BOUNDS = Bounds(1_000_000, 1000)
FRAMES = {"size": 48, "steps": 2, "frame_steps": 1, "precision": "float32"}
SLOW_FRAMES = FRAMES | {"steps": 20, "frame_steps": 8}


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    with opened(tmp_path / "store") as found:
        yield found


def sent(jobs: Jobs, path: Path) -> str:
    """The id of an upload, taken in as the server does."""
    shown = jobs.store.arriving(".png")
    seen = examine(path, shown, path.name, BOUNDS)
    upload = Upload(id=new_id(), name=path.name, bytes=1, **seen._asdict())
    jobs.store.keep_upload("local", upload, path, shown)
    return upload.id


def clip(folder: Path, shots: int = 2, frames: int = 4) -> Path:
    """Shots that alternate between a scene and its negative."""
    pictures = [moving_square(number) for number in range(frames)]
    scenes = [picture if shot % 2 == 0 else 255 - picture for shot in range(shots) for picture in pictures]
    return make_film(folder / "clip.mp4", scenes, sound="aac")


def film(jobs: Jobs, source: Path, options: Any = FRAMES) -> Job:
    asked = VideoRequest(verb="video", film=sent(jobs, source), styles=("great-wave",), options=options)
    return jobs.create("local", asked, None)[0]


def batch(jobs: Jobs, options: Any, photos: int = 3, styles: tuple[str, ...] = ("scream",)) -> Job:
    ids = tuple(uploaded(jobs, kind) for kind in ("photo", "dots", "stripes")[:photos])
    return jobs.create("local", BatchRequest(verb="batch", photos=ids, styles=styles, options=options), None)[
        0
    ]


def result_of(jobs: Jobs, job: Job) -> Path:
    return jobs.store.job_folder("local", job.id) / str(jobs.get("local", job.id).painting)


def parts_of(jobs: Jobs, job: Job) -> Parts:
    return Parts(jobs.client, job.id, "local")


def test_a_film_is_split_into_shots_and_joined(jobs: Jobs, tmp_path: Path) -> None:
    job = film(jobs, clip(tmp_path, shots=3))
    assert (job.state, job.title) == ("queued", "clip.mp4")
    with working(jobs, name="one"):
        done = until(jobs, job, "done")
    assert [row.executor_id for row in parts_of(jobs, job).rows().values()] == ["one"] * 3
    assert (done.painting, done.size_px) == ("painting.mp4", (48, 32))
    assert done.progress is not None
    assert (done.progress.stage, done.progress.of) == ("writing", 12)
    found = open_film(result_of(jobs, job))
    assert found.duration_s == pytest.approx(0.5, abs=0.1)
    folder = result_of(jobs, job).parent
    assert {SHOWN, PREVIEW} <= {path.name for path in folder.iterdir()}
    assert not list(folder.glob("*.work-*"))
    jobs.delete("local", job.id)
    assert parts_of(jobs, job).rows() == {}


def test_the_shots_of_a_film_are_spread_and_those_of_the_dead_are_painted_by_others(
    jobs: Jobs, tmp_path: Path
) -> None:
    job = film(jobs, clip(tmp_path, shots=3), SLOW_FRAMES)
    with ExitStack() as crew:
        workers = {name: crew.enter_context(process(jobs, name)) for name in ("one", "two")}
        parts = parts_of(jobs, job)
        at_work = until_all_paint(jobs, job, 2)
        workers["one"].kill()
        workers["one"].wait()
        beat = jobs.store.root / "workers" / "one.json"
        os.utime(beat, (beat.stat().st_mtime - 100,) * 2)
        until(jobs, job, "done")
    ended_by = {number: row.executor_id for number, row in parts.rows().items()}
    assert len(ended_by) == 3
    taken = [number for number, worker in at_work.items() if worker == "one"]
    assert all(ended_by[number] == "two" for number in taken)
    assert open_film(result_of(jobs, job)).size_px == (48, 32)


def until_all_paint(jobs: Jobs, job: Job, workers: int) -> dict[int, str]:
    """Who paints which part, once so many are at work."""
    while True:
        rows = parts_of(jobs, job).rows()
        found = {n: str(row.executor_id) for n, row in rows.items() if row.status == "PENDING"}
        if len(found) == workers:
            return found
        assert jobs.get("local", job.id).state in {"queued", "running"}


def test_a_film_that_is_stopped_keeps_its_beginning(jobs: Jobs, tmp_path: Path) -> None:
    job = film(jobs, clip(tmp_path, shots=2, frames=8), FRAMES | {"frame_steps": 10})
    with working(jobs):
        while (now := until(jobs, job, "running")).progress is None or (now.progress.done or 0) < 3:
            pass
        jobs.stop("local", job.id)
        until(jobs, job, "done")
    assert 0.1 <= (open_film(result_of(jobs, job)).duration_s or 0) < 0.6


def test_a_film_that_is_cancelled_ends_with_all_of_its_parts(jobs: Jobs, tmp_path: Path) -> None:
    job = film(jobs, clip(tmp_path, shots=3), SLOW_FRAMES)
    with working(jobs):
        until_all_paint(jobs, job, 1)
        assert jobs.cancel("local", job.id).state == "cancelled"
    assert {row.status for row in parts_of(jobs, job).rows().values()} <= {"CANCELLED", "SUCCESS"}


def test_a_film_fails_with_the_reason_of_its_part(jobs: Jobs, tmp_path: Path) -> None:
    job = film(jobs, clip(tmp_path), SLOW_FRAMES)
    with working(jobs):
        until_all_paint(jobs, job, 1)
    number = next(iter(parts_of(jobs, job).rows()))
    jobs.client.update_workflow_attributes(f"{job.id}-{number}", {"attempts": 3}, merge=True)
    with working(jobs):
        failed = until(jobs, job, "failed")
    assert failed.reason == "it ended its worker 3 times; a smaller size needs less memory"


@pytest.mark.parametrize(
    ("limits", "options", "says"),
    [
        ({"max_frames": 5}, {}, "the film has 8 frames, more than 5"),
        ({}, {"begin": 9}, "clip.mp4 has no frame"),
    ],
)
def test_a_film_that_cannot_be_painted_says_why(
    tmp_path: Path, limits: dict[str, Any], options: dict[str, Any], says: str
) -> None:
    with opened(tmp_path / "store", **limits) as jobs:
        job = film(jobs, clip(tmp_path), FRAMES | options)
        with working(jobs):
            assert (until(jobs, job, "failed").reason or "").startswith(says)


def test_a_batch_is_painted_part_by_part_and_zipped(jobs: Jobs) -> None:
    job = batch(jobs, {"size": 64, "steps": 2, "format": "jpeg"}, styles=("scream", "sunrise"))
    assert job.title == "photo.png and 2 more"
    with working(jobs):
        done = until(jobs, job, "done")
    assert [picture.name for picture in done.pictures[2:4]] == ["003 stripes-scream", "004 photo-sunrise"]
    with zipfile.ZipFile(result_of(jobs, job)) as whole:
        assert whole.namelist() == [f"{picture.name}.jpg" for picture in done.pictures]
        assert whole.testzip() is None
    folder = result_of(jobs, job).parent
    for number in range(6):
        assert (folder / f"preview-{number}.jpg").is_file()
        assert read_picture(folder / str(done.pictures[number].painting)).size_px == (64, 48)


def test_what_fails_in_a_batch_does_not_stop_the_rest(jobs: Jobs) -> None:
    job = batch(jobs, {"size": 64, "steps": 2})
    (jobs.store.job_folder("local", job.id) / "upload-1").write_bytes(b"no picture")
    with working(jobs):
        done = until(jobs, job, "done")
    assert [picture.painting is None for picture in done.pictures] == [False, True, False]
    assert done.notes[0].startswith("002 dots-scream: dots.png is no picture of a known format")


def test_a_batch_that_is_stopped_keeps_what_is_painted(jobs: Jobs) -> None:
    job = batch(jobs, {"size": 64, "steps": 50_000})
    with working(jobs):
        while (now := until(jobs, job, "running")).progress is None or now.progress.previews == 0:
            pass
        assert now.progress.parts.count("running") == 1
        jobs.stop("local", job.id)
        done = until(jobs, job, "done")
    assert sum(picture.painting is not None for picture in done.pictures) == 1


def test_a_batch_goes_on_where_it_was_when_its_worker_leaves(jobs: Jobs) -> None:
    job = batch(jobs, {"size": 64, "steps": 40})
    with working(jobs, name="one"):
        until_all_paint(jobs, job, 1)
    assert jobs.get("local", job.id).state == "queued"
    with working(jobs, name="two"):
        done = until(jobs, job, "done")
    assert all(picture.painting for picture in done.pictures)


def test_a_photo_is_coloured_and_repainted(jobs: Jobs) -> None:
    photo = uploaded(jobs, "dots")
    plain = ColorizeRequest(verb="colorize", photo=photo, reference=uploaded(jobs))
    painted = ColorizeRequest(
        verb="colorize", photo=photo, styles=("scream",), painting={"size": 64, "steps": 2}
    )
    with working(jobs):
        for asked in (plain, painted):
            done = until(jobs, jobs.create("local", asked, None)[0], "done")
            assert read_picture(result_of(jobs, done)).size_px == (64, 48) == done.size_px


def test_a_film_gets_its_colours(jobs: Jobs, tmp_path: Path) -> None:
    asked = VideoRequest(
        verb="video", film=sent(jobs, clip(tmp_path, frames=2)), coloring={}, reference=uploaded(jobs, "dots")
    )
    with working(jobs):
        done = until(jobs, jobs.create("local", asked, None)[0], "done")
    assert open_film(result_of(jobs, done)).size_px == (48, 32)


def test_a_film_needs_something_to_be_done(jobs: Jobs, tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="needs a style, or to be coloured"):
        jobs.create("local", VideoRequest(verb="video", film=sent(jobs, clip(tmp_path))), None)


def test_an_animation_stays_one_unless_the_format_holds_none(jobs: Jobs, tmp_path: Path) -> None:
    frames = [Image.fromarray(moving_square(number)) for number in range(3)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:], duration=100)
    upload = sent(jobs, tmp_path / "moving.gif")
    assert (jobs.store.upload("local", upload).frames, jobs.store.upload("local", upload).animated) == (
        3,
        "gif",
    )
    with working(jobs):
        for options, suffix, count in (
            ({}, ".gif", 3),
            ({"format": "png"}, ".png", 3),
            ({"format": "jpeg"}, ".jpg", 0),
        ):
            asked = StylizeRequest(
                photo=upload, styles=("scream",), options={"size": 48, "steps": 2} | options
            )
            path = result_of(jobs, until(jobs, jobs.create("local", asked, None)[0], "done"))
            assert path.suffix == suffix
            found = animation_in(path)
            assert (found.frames if found else 0) == count


def test_playlists_and_pictures_of_the_film_family_are_no_films(tmp_path: Path) -> None:
    (tmp_path / "list.mp4").write_text("#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n")
    with pytest.raises(Exception, match="is no picture of a known format"):
        examine(tmp_path / "list.mp4", tmp_path / "shown.png", "list.mp4", BOUNDS)
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(tmp_path / "still.avif")
    assert examine(tmp_path / "still.avif", tmp_path / "shown.png", "still.avif", BOUNDS).kind == "picture"
    assert examine(clip(tmp_path), tmp_path / "shown.png", "clip", BOUNDS)[:2] == ("film", (48, 32))
    with pytest.raises(Exception, match=r"clip has about 8 frames, more than 7"):
        examine(tmp_path / "clip.mp4", tmp_path / "shown.png", "clip", Bounds(1_000_000, 7))
