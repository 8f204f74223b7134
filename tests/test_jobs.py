"""Jobs that nobody paints: accepting, owning, cancelling, cleaning up."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from impasto.errors import ServiceError
from impasto.server.jobs import Jobs
from impasto.server.requests import StylizeRequest
from impasto.server.served import ServedColors, ServedFilm, ServedOptions
from impasto.tasks import StylizeTask
from tests.served import QUICK, accepted, opened, uploaded


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jobs]:
    with opened(tmp_path_factory.mktemp("store"), jobs_per_client=4, max_size=1024) as found:
        yield found


@pytest.fixture(autouse=True)
def _empty(jobs: Jobs) -> Iterator[None]:
    yield
    for owner in ("local", "other"):
        for job in jobs.list(owner, 100, 0):
            jobs.delete(owner, job.id)


def request(jobs: Jobs, **changes: object) -> StylizeRequest:
    asked = {"photo": uploaded(jobs), "styles": ["scream"], "options": QUICK} | changes
    return StylizeRequest.model_validate(asked)


def test_an_accepted_job_waits_with_what_was_asked(jobs: Jobs) -> None:
    job = accepted(jobs)
    assert (job.state, job.attempts, job.title) == ("queued", 0, "photo.png")
    assert job.task["options"] == QUICK
    assert [each.id for each in jobs.list("local", 10, 0)] == [job.id]


def test_the_newest_job_comes_first(jobs: Jobs) -> None:
    ids = [accepted(jobs).id for _ in range(3)]
    assert [job.id for job in jobs.list("local", 10, 0)] == ids[::-1]


def test_a_job_keeps_its_photo_when_the_upload_is_deleted(jobs: Jobs) -> None:
    asked = request(jobs)
    job, _ = jobs.create("local", asked, None)
    jobs.store.delete_upload("local", asked.photo)
    assert (jobs.store.job_folder("local", job.id) / "photo").is_file()


def test_a_job_has_its_own_of_every_picture_that_it_names(jobs: Jobs) -> None:
    painting, sky, face = (uploaded(jobs, kind) for kind in ("dots", "stripes", "photo"))
    asked = request(
        jobs,
        styles=[f"{painting}:0.5", "scream"],
        regions=[{"mask": sky, "style": "sunrise", "strength": 0.8}],
        protect=[f"not:{face}"],
    )
    job, _ = jobs.create("local", asked, None)
    row = jobs.client.list_workflows(workflow_ids=[job.id])[0]
    assert row.input is not None
    task = StylizeTask.model_validate(row.input["args"][0]["task"])
    names = {str(task.photo), task.styles[0].source, *(str(mask.path) for mask in task.masks)}
    folder = jobs.store.job_folder("local", job.id)
    assert len(names) == 4
    assert all((folder / name).is_file() and "/" not in name for name in names)
    assert task.sources[1:] == ("scream", "sunrise")
    assert task.protect[0].inverse


def test_no_option_with_a_path_is_served() -> None:
    for options in (ServedOptions, ServedColors, ServedFilm):
        kinds = {name: str(field.annotation) for name, field in options.model_fields.items()}
        assert not [name for name, kind in kinds.items() if "Path" in kind]


def test_others_see_none_of_it(jobs: Jobs) -> None:
    job = accepted(jobs)
    assert jobs.list("other", 10, 0) == []
    for deed in (jobs.get, jobs.cancel, jobs.stop, jobs.delete):
        with pytest.raises(ServiceError, match="no such job") as caught:
            deed("other", job.id)
        assert caught.value.status == 404
    assert jobs.get("local", job.id).state == "queued"


def test_others_cannot_paint_on_it(jobs: Jobs) -> None:
    with pytest.raises(ServiceError, match="no style and no upload"):
        jobs.create("other", request(jobs), None)


def test_a_key_makes_one_job_however_often_it_is_sent(jobs: Jobs) -> None:
    asked = request(jobs)
    first, new = jobs.create("local", asked, "k")
    second, again = jobs.create("local", asked, "k")
    assert (first.id, new, again) == (second.id, True, False)
    with pytest.raises(ServiceError, match="choose a new one") as caught:
        jobs.create("local", asked.model_copy(update={"styles": ("sunrise",)}), "k")
    assert caught.value.status == 409


def test_a_key_is_its_owners_own(jobs: Jobs) -> None:
    mine, _ = jobs.create("local", request(jobs), "k")
    theirs = StylizeRequest(photo=uploaded(jobs, owner="other"), styles=("scream",))
    assert jobs.create("other", theirs, "k")[0].id != mine.id


def test_a_cancelled_job_is_cancelled_for_good(jobs: Jobs) -> None:
    job = accepted(jobs)
    assert jobs.cancel("local", job.id).state == "cancelled"
    assert jobs.cancel("local", job.id).state == "cancelled"
    assert jobs.stop("local", job.id).state == "cancelled"


def test_there_is_nothing_to_keep_of_a_job_that_waits(jobs: Jobs) -> None:
    with pytest.raises(ServiceError, match="cancel it instead"):
        jobs.stop("local", accepted(jobs).id)


def test_a_deleted_job_is_gone_with_its_files(jobs: Jobs) -> None:
    job = accepted(jobs)
    folder = jobs.store.job_folder("local", job.id)
    jobs.delete("local", job.id)
    assert not folder.exists()
    with pytest.raises(ServiceError, match="no such job"):
        jobs.get("local", job.id)


def test_one_client_cannot_fill_the_queue(jobs: Jobs) -> None:
    made = [accepted(jobs) for _ in range(4)]
    with pytest.raises(ServiceError, match="4 unfinished jobs") as caught:
        accepted(jobs)
    assert caught.value.status == 429
    accepted(jobs, owner="other")
    jobs.cancel("local", made[0].id)
    accepted(jobs)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"photo": "0" * 32}, "upload the file again"),
        ({"styles": ["starry-nite"]}, "starry-nite"),
        ({"styles": ["0" * 32]}, "upload the file again"),
        ({"styles": ["scream:0"]}, "has a share that is none"),
        ({"protect": ["0" * 32]}, "upload the file again"),
        ({"regions": [{"mask": "0" * 32, "style": "scream"}]}, "upload the file again"),
        ({"options": {"size": 2048}}, "at most 1024"),
        ({"options": {"time": "30s", "steps": 3}}, "leave one out"),
    ],
)
def test_what_cannot_be_painted_is_not_accepted(jobs: Jobs, changes: dict[str, object], says: str) -> None:
    with pytest.raises(ServiceError, match=says) as caught:
        jobs.create("local", request(jobs, **changes), None)
    assert caught.value.status == (404 if "upload" in says or says == "starry-nite" else 422)
    assert jobs.list("local", 10, 0) == []


def test_old_uploads_and_finished_jobs_are_cleaned_up_and_nothing_else(jobs: Jobs) -> None:
    kept, done = accepted(jobs), accepted(jobs)
    jobs.cancel("local", done.id)
    (jobs.store.root / ".left-behind.part").touch()
    assert jobs.clean_up(3600) == 0
    for path in [*jobs.store.root.glob("*/*/*"), *jobs.store.root.glob(".left*")]:
        aged(path)
    assert jobs.clean_up(3600) > 0
    assert [job.id for job in jobs.list("local", 10, 0)] == [kept.id]
    assert [path.name for path in jobs.store.root.glob("*/*/*")] == [kept.id]
    assert not list(jobs.store.root.glob(".left*"))


def aged(path: Path) -> None:
    os.utime(path, (time.time() - 7200,) * 2)
