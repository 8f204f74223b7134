import functools
import hashlib
import http.server
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from impasto.cli import main
from impasto.errors import WeightsError
from impasto.media.picture import read_picture
from impasto.networks.fetch import MODELS, cache_folder, fetch_model, model_path, verify_model
from impasto.networks.vgg import layer_names
from impasto.networks.weights import load_vgg, vgg_weights
from tests.weight_files import random_tensors, write_published_h5


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass

    def copyfile(self, source: Any, outputfile: Any) -> None:
        if "cut" in self.path:
            outputfile.write(source.read(100))
        else:
            super().copyfile(source, outputfile)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[http.server.ThreadingHTTPServer]:
    """A mirror of the folder `published`; the cache is a folder of the test's own.

    Both are emptied afterwards, since files of weights are large.
    """
    (tmp_path / "published").mkdir()
    handler = functools.partial(Handler, directory=str(tmp_path / "published"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("IMPASTO_MIRROR", f"http://127.0.0.1:{running.server_port}/")
        monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield running
        running.shutdown()
        thread.join()
    shutil.rmtree(tmp_path)


def publish(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """Registers the file as the published VGG-19."""
    md5 = hashlib.md5(path.read_bytes()).hexdigest()
    monkeypatch.setitem(MODELS, "vgg19", replace(MODELS["vgg19"], file_name=path.name, checksum=f"md5:{md5}"))


@pytest.fixture
def published(
    tmp_path: Path, server: http.server.ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> Path:
    path = tmp_path / "published/w.h5"
    path.write_bytes(bytes(range(256)) * 4000)
    publish(monkeypatch, path)
    return path


def cannot_fetch(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(WeightsError, match=pattern) as caught:
        fetch_model("vgg19")
    assert "\n" not in str(caught.value)
    cache = tmp_path / "cache"
    assert not cache.is_dir() or list(cache.iterdir()) == []
    assert model_path("vgg19") is None


@pytest.mark.parametrize("name", ["vgg16", "colorizer", "squeezenet", "gmflow"])
def test_bundled_files_are_the_ones_we_know(name: str) -> None:
    path = model_path(name)
    assert path is not None
    assert path == fetch_model(name)
    assert abs(path.stat().st_size / 1e6 - MODELS[name].size_mb) < 0.1
    assert verify_model(name).startswith(f"{name} is as published")
    assert f"## {path.name}" in (path.parent / "LICENSES.md").read_text()


def test_every_model_says_what_it_is_and_whose() -> None:
    for name, model in MODELS.items():
        assert model.name == name
        assert model.description.endswith(".")
        assert all((model.licence, model.source, model.checksum.partition(":")[2]))
        assert model.bundled == (model.url is None)
    assert [name for name, model in MODELS.items() if not model.bundled] == ["vgg19", "zhang2016"]


def test_vgg19_is_fetched_on_first_use_and_then_kept(
    tmp_path: Path, server: http.server.ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_published_h5(tmp_path / "published" / MODELS["vgg19"].file_name, random_tensors("vgg19"))
    publish(monkeypatch, path)
    assert model_path("vgg19") is None
    vgg = load_vgg("vgg19")
    assert model_path("vgg19") == tmp_path / "cache" / path.name
    assert [file.name for file in (tmp_path / "cache").iterdir()] == [path.name]
    assert vgg.names == layer_names("vgg19")
    assert set(vgg(torch.rand(1, 3, 32, 32), ["3_4", "5_1"])) == {"3_4", "5_1"}
    assert verify_model("vgg19").startswith("vgg19 is as published")

    path.unlink()
    assert (
        vgg_weights("vgg19").sha256
        == hashlib.sha256((tmp_path / "cache" / path.name).read_bytes()).hexdigest()
    )


def test_a_photo_is_painted_with_the_fetched_vgg19(
    server: http.server.ThreadingHTTPServer,
    tmp_path: Path,
    picture_file: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "published" / MODELS["vgg19"].file_name
    publish(monkeypatch, write_published_h5(path, random_tensors("vgg19")))
    monkeypatch.chdir(tmp_path)
    photo, painting = picture_file("photo"), picture_file("dots")
    quick = ["--backbone", "vgg19", "--size", "64", "--steps", "2", "-o", "out.png", "--quiet"]
    assert main([str(photo), str(painting), *quick]) == 0
    assert read_picture(Path("out.png")).size_px == (64, 48)
    assert main([str(photo), "scream", *quick]) == 2  # its card was measured with vgg16


def test_progress_is_told_and_ends_at_the_whole(published: Path) -> None:
    told: list[tuple[int, int]] = []
    path = fetch_model("vgg19", lambda received, size: told.append((received, size)))
    assert path.read_bytes() == published.read_bytes()
    size = published.stat().st_size
    assert told == sorted(told)
    assert told[-1] == (size, size)
    assert len(told) > 2


@pytest.mark.parametrize("form", ["folder", "address"])
def test_a_mirror_may_be_a_folder(
    tmp_path: Path, published: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    folder = published.parent.rename(tmp_path / "a näme with späces")
    monkeypatch.setenv("IMPASTO_MIRROR", str(folder) if form == "folder" else folder.as_uri())
    told: list[tuple[int, int]] = []
    fetched = fetch_model("vgg19", lambda received, size: told.append((received, size)))
    assert fetched.read_bytes() == (folder / published.name).read_bytes()
    assert told == [(1024000, 1024000)]


def test_a_mirror_without_the_file_is_named(
    tmp_path: Path, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published.unlink()
    cannot_fetch(tmp_path, "the server answers 404; give the file with --weights FILE, set IMPASTO_MIRROR")
    monkeypatch.setenv("IMPASTO_MIRROR", str(published.parent))
    cannot_fetch(tmp_path, "w.h5 does not exist: put the file there")
    monkeypatch.setenv("IMPASTO_MIRROR", "gopher://example.org")
    cannot_fetch(tmp_path, "IMPASTO_MIRROR is gopher.*: set it to a folder")


def test_offline_the_remedies_are_named(
    tmp_path: Path, published: Path, server: http.server.ThreadingHTTPServer
) -> None:
    server.shutdown()
    server.server_close()
    cannot_fetch(tmp_path, "no connection.*--weights FILE.*or use --backbone vgg16, which is bundled")


def test_other_contents_are_not_kept(tmp_path: Path, published: Path) -> None:
    published.write_bytes(b"another file")
    cannot_fetch(tmp_path, "wrong checksum and was deleted; try again")


def test_a_download_cut_off_leaves_nothing(
    tmp_path: Path, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(monkeypatch, published.rename(published.with_name("cut.h5")))
    cannot_fetch(tmp_path, "no connection, or a broken one; try again")


def test_a_stopped_download_leaves_nothing(tmp_path: Path, published: Path) -> None:
    def stop(received: int, size: int) -> None:
        if received > 300000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_model("vgg19", stop)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_full_disk_is_named(tmp_path: Path, published: Path) -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500000, hard))
    try:
        cannot_fetch(tmp_path, r"cannot be written \(File too large\); make room or set IMPASTO_CACHE")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_cache_that_is_no_folder_is_named(tmp_path: Path, published: Path) -> None:
    (tmp_path / "cache").write_text("")
    cannot_fetch(tmp_path, r"cannot be written \(.*; make room or set IMPASTO_CACHE elsewhere")


def test_a_damaged_file_in_the_cache_is_found_and_fetched_again(published: Path) -> None:
    path = fetch_model("vgg19")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(
        WeightsError, match=r"damaged, its MD5 is .*: fetch it with: impasto models fetch vgg19"
    ):
        verify_model("vgg19")
    fetch_model("vgg19")
    assert "as published" in verify_model("vgg19")


def test_what_is_not_here_cannot_be_verified(published: Path) -> None:
    with pytest.raises(WeightsError, match=r"vgg19 is not at .*: fetch it with: impasto models fetch vgg19"):
        verify_model("vgg19")


@pytest.mark.parametrize("ask", [model_path, fetch_model, verify_model])
def test_unknown_networks_are_refused(ask: Callable[[str], object]) -> None:
    with pytest.raises(WeightsError, match="no network 'vgg11': choose one of vgg16, colorizer, painter"):
        ask("vgg11")


def test_asking_for_the_cache_does_not_create_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    assert cache_folder() == tmp_path / "cache"
    assert model_path("vgg19") is None
    assert not (tmp_path / "cache").exists()
    monkeypatch.setenv("IMPASTO_CACHE", "~/cache")
    assert cache_folder() == Path.home() / "cache"
    monkeypatch.delenv("IMPASTO_CACHE")
    assert "impasto" in str(cache_folder())
