"""Stores behind URLs: what is made on one machine is found on another, whole."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from impasto.errors import ExtraError, ServiceError
from impasto.media.picture import read_picture
from impasto.options import QueueOptions
from impasto.server.database import place
from impasto.server.fleet import Beat, Fleet
from impasto.server.remote import Remote
from impasto.server.requests import BatchRequest, VideoRequest
from impasto.server.store import Store
from tests.served import QUICK, accepted, opened, until, uploaded, working
from tests.test_wholes import FRAMES, clip, sent


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """A bucket of an S3 in this process; skipped where moto and s3fs are not installed."""
    server, fsspec = pytest.importorskip("moto.server"), pytest.importorskip("fsspec")
    pytest.importorskip("s3fs")
    there = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    there.start()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        patch.setenv("AWS_ENDPOINT_URL", "http://{}:{}".format(*there.get_host_and_port()))
        fsspec.filesystem("s3").makedirs("bucket")
        yield "s3://bucket"
    there.stop()


@pytest.fixture(params=["file", "memory", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    if request.param == "s3":
        return f"{request.getfixturevalue('bucket')}/{tmp_path.name}"
    return f"{request.param}://{tmp_path}/far"


def test_files_go_and_come_whole(url: str, tmp_path: Path) -> None:
    there = Remote(url)
    (tmp_path / "a").write_bytes(b"one")
    there.push(tmp_path / "a", "x/deep/a")
    there.write("x/b", b"two")
    assert sorted(there.names("x")) == ["b", "deep/a"]
    assert there.names("x", deeper=False) == ["b"]
    there.pull_all("x", tmp_path / "here")
    assert (tmp_path / "here/deep/a").read_bytes() == b"one"
    there.write("x/b", b"three")
    there.pull_all("x", tmp_path / "here")
    assert (tmp_path / "here/b").read_bytes() == b"two", "what is written once is not pulled twice"
    assert not there.pull("x/none", tmp_path / "none")
    assert 0 <= there.age_s("x") < 60
    assert list(there.folders("x/*")) == [("x", "b"), ("x", "deep")]
    there.remove("x")
    assert there.names("x") == []


def test_an_upload_and_its_end_are_seen_by_all(url: str, tmp_path: Path) -> None:
    with opened(url) as jobs:
        photo = uploaded(jobs)
        other = Store(tmp_path / "other", jobs.store.remote)
        assert other.upload("local", photo).name == "photo.png"
        assert list(other.uploads_older_than(-60)) == [("local", photo)]
        other.delete_upload("local", photo)
        assert list(Store(tmp_path / "third", jobs.store.remote).uploads_older_than(-60)) == []


def test_workers_paint_what_they_pull_and_push_what_they_paint(url: str, tmp_path: Path) -> None:
    with opened(url) as jobs:
        one = accepted(jobs, QUICK)
        batch = BatchRequest(
            verb="batch", photos=(uploaded(jobs), uploaded(jobs, "dots")), styles=("scream",), options=QUICK
        )
        many = jobs.create("local", batch, None)[0]
        film = VideoRequest(verb="video", film=sent(jobs, clip(tmp_path)), styles=("scream",), options=FRAMES)
        moving = jobs.create("local", film, None)[0]
        with working(jobs):
            for job in (one, many, moving):
                done = until(jobs, job, "done")
                path = jobs.store.at_hand("local", job.id) / str(done.painting)
                assert path.stat().st_size > 0
        assert read_picture(jobs.store.at_hand("local", one.id) / "painting.png").size_px == (64, 48)
        remote = jobs.store.remote
        assert remote is not None
        assert not [name for name in remote.names(f"local/jobs/{moving.id}") if ".work-" in name]
        assert list(Fleet(jobs.store).beats()) == []  # it has left
        jobs.delete("local", one.id)
        assert remote.names(f"local/jobs/{one.id}") == []


def test_who_is_alive_is_known_everywhere(url: str) -> None:
    store, _ = place(QueueOptions(store=url))
    fleet = Fleet(store)
    fleet.beat(Beat("a", "machine", None, 3))
    assert [(beat.name, beat.painted, beat.alive) for beat in Fleet(store).beats()] == [("a", 3, True)]
    fleet.leave("a")
    assert fleet.living() == []


@pytest.mark.parametrize(
    ("wrong", "error"), [("nothing://x/y", ExtraError), ("file:///proc/none/x", ServiceError)]
)
def test_a_place_that_is_none_is_told(wrong: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        Remote(wrong)
