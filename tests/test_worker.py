"""Jobs are ended once, whole, whatever happens to those who paint them."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from impasto.errors import ServiceError
from impasto.media.picture import read_picture, read_recipe
from impasto.options import WorkerOptions
from impasto.server.claim import Hands
from impasto.server.fleet import Fleet
from impasto.server.jobs import Jobs
from impasto.server.painter import Painter
from impasto.server.store import PREVIEW
from tests.served import LONG, accepted, opened, process, until, working


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    with opened(tmp_path / "store") as found:
        yield found


def test_jobs_are_painted_stopped_cancelled_and_put_back(jobs: Jobs) -> None:
    with working(jobs):
        done = until(jobs, accepted(jobs), "done")
        folder = jobs.store.job_folder("local", done.id)
        assert (done.painting, done.size_px, done.attempts) == ("painting.png", (64, 48), 1)
        assert read_picture(folder / "painting.png").size_px == (64, 48)
        recipe = read_recipe(folder / "painting.png") or ""
        assert json.loads(recipe)["task"]["photo"] == "photo"
        assert str(jobs.store.root) not in recipe

        stopped = until(jobs, accepted(jobs, LONG), "running", step=1)
        assert (jobs.store.job_folder("local", stopped.id) / PREVIEW).is_file()
        jobs.stop("local", stopped.id)
        assert until(jobs, stopped, "done").painting == "painting.png"

        cancelled = until(jobs, accepted(jobs, LONG), "running", step=1)
        jobs.cancel("local", cancelled.id)
        assert jobs.get("local", cancelled.id).state == "cancelled"

        put_back = until(jobs, accepted(jobs, LONG), "running", step=1)
    assert jobs.get("local", cancelled.id).painting is None
    waiting = jobs.get("local", put_back.id)
    assert (waiting.state, waiting.attempts) == ("queued", 0)
    jobs.cancel("local", put_back.id)


def test_a_job_outlives_the_death_of_its_worker(jobs: Jobs) -> None:
    job = accepted(jobs, {"size": 64, "steps": 30})
    with process(jobs, "one") as worker:
        until(jobs, job, "running", step=1)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    with working(jobs, name="one"):
        done = until(jobs, job, "done")
    assert done.attempts == 2
    assert read_picture(jobs.store.job_folder("local", job.id) / "painting.png").size_px == (64, 48)


def test_the_jobs_of_the_dead_are_brought_back_by_the_living(jobs: Jobs) -> None:
    job = accepted(jobs, {"size": 64, "steps": 30})
    with process(jobs, "dead") as worker:
        until(jobs, job, "running", step=1)
        worker.kill()
        worker.wait()
    beat = jobs.store.root / "workers" / "dead.json"
    os.utime(beat, (beat.stat().st_mtime - 100,) * 2)
    with working(jobs, name="living"):
        assert until(jobs, job, "done").attempts == 2


def test_a_job_that_ends_its_worker_again_and_again_is_given_up(jobs: Jobs) -> None:
    job = accepted(jobs)
    jobs.client.update_workflow_attributes(job.id, {"attempts": 3}, merge=True)
    with working(jobs):
        failed = until(jobs, job, "failed")
    assert failed.reason == "it ended its worker 3 times; a smaller size needs less memory"


@pytest.mark.slow
def test_three_workers_die_of_a_job_and_the_fourth_gives_it_up(jobs: Jobs) -> None:
    job = accepted(jobs, LONG)
    for attempt in (1, 2, 3):
        with process(jobs, "one") as worker:
            while until(jobs, job, "running").attempts < attempt:
                pass
            worker.kill()
            worker.wait()
    with process(jobs, "two"):
        beat = jobs.store.root / "workers" / "one.json"
        os.utime(beat, (beat.stat().st_mtime - 100,) * 2)
        failed = until(jobs, job, "failed")
    assert (failed.attempts, failed.reason) == (
        3,
        "it ended its worker 3 times; a smaller size needs less memory",
    )


def test_a_painting_that_is_there_is_not_made_twice(jobs: Jobs) -> None:
    job = accepted(jobs)
    with working(jobs):
        done = until(jobs, job, "done")
    path = jobs.store.job_folder("local", job.id) / "painting.png"
    before = path.stat().st_mtime_ns
    painter = Painter(jobs.store, jobs.client, WorkerOptions(), Hands(Event()))
    row = jobs.client.list_workflows(workflow_ids=[job.id])[0]
    assert row.input is not None
    assert painter.paint(job.id, row.input["args"][0])["seconds"] == done.seconds
    assert path.stat().st_mtime_ns == before


def test_what_cannot_be_painted_fails_with_the_sentence_of_the_command_line(jobs: Jobs) -> None:
    job = accepted(jobs, {"size": 16})
    with working(jobs):
        assert "too narrow to paint on" in (until(jobs, job, "failed").reason or "")


def test_a_painting_is_stopped_at_the_longest_time(tmp_path: Path) -> None:
    with opened(tmp_path / "store", max_time=1) as jobs, working(jobs):
        done = until(jobs, accepted(jobs, LONG), "done")
    assert "the longest time that this server allows" in done.notes[-1]


def test_two_workers_never_share_a_name(jobs: Jobs) -> None:
    fleet = Fleet(jobs.store)
    first, held = fleet.take_name(None)
    second, also_held = fleet.take_name(None)
    assert first != second
    with pytest.raises(ServiceError, match="choose another --name"):
        fleet.take_name(first)
    held.release()
    assert fleet.take_name(None)[0] == first
    also_held.release()


def test_a_reason_names_no_folder_of_the_server(jobs: Jobs) -> None:
    job = accepted(jobs)
    (jobs.store.job_folder("local", job.id) / "photo").write_bytes(b"no picture")
    with working(jobs):
        reason = until(jobs, job, "failed").reason or ""
    assert reason.startswith("photo.png is no picture of a known format")
    assert str(jobs.store.root) not in reason
