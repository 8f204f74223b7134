"""`impasto serve` from outside: it starts, paints, ends in order, and is not held up by the slow."""

import io
import json
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from PIL import Image

from impasto.cli import main
from impasto.media.picture import read_picture
from tests.conftest import drawn
from tests.doors.serving import Served, served


def photo() -> bytes:
    out = io.BytesIO()
    Image.fromarray(drawn("photo", 64, 48)).save(out, "PNG")
    return out.getvalue()


def accepted(server: Served, steps: int) -> str:
    with httpx2.Client(base_url=server.url, timeout=30) as client:
        upload = client.post("/api/uploads", files={"file": ("photo.png", photo())}).json()
        options = {"size": 64, "steps": steps}
        body = {"photo": upload["id"], "styles": ["scream"], "options": options}
        return str(client.post("/api/jobs", json=body).json()["id"])


def events(server: Served, job: str) -> list[dict[str, object]]:
    """All that is told of a job until it ends."""
    with httpx2.stream("GET", f"{server.url}/api/jobs/{job}/events", timeout=60) as answer:
        return [json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: ")]


def test_a_server_paints_tells_and_goes_on_after_a_restart(tmp_path: Path) -> None:
    with served(tmp_path / "store") as server:
        done = accepted(server, 3)
        told = events(server, done)
        assert [told[0]["state"], told[-1]["state"]] == ["queued", "done"]
        answer = httpx2.get(f"{server.url}/api/jobs/{done}/result?download=true")
        assert answer.headers["content-disposition"] == 'attachment; filename="photo-scream.png"'
        (tmp_path / "painting.png").write_bytes(answer.content)
        assert read_picture(tmp_path / "painting.png").size_px == (64, 48)
        assert httpx2.get(f"{server.url}/api/jobs/{done}/preview").headers["content-type"] == "image/jpeg"
        long = accepted(server, 50_000)
        with httpx2.stream("GET", f"{server.url}/api/jobs/{long}/events", timeout=60) as answer:
            for line in answer.iter_lines():
                if '"step"' in line:
                    break
        began = time.monotonic()
    assert time.monotonic() - began < 30
    assert all(line.startswith("{") for line in server.log[1:])  # one JSON object a line
    assert not any("PNG" in line for line in server.log)
    with served(tmp_path / "store", "--workers", "0") as server:
        job = httpx2.get(f"{server.url}/api/jobs/{long}").json()
        assert (job["state"], job["attempts"]) == ("queued", 0)
        assert httpx2.get(f"{server.url}/api/jobs/{done}").json()["state"] == "done"


def test_a_slow_upload_is_broken_off_and_holds_nobody_up(tmp_path: Path) -> None:
    with served(tmp_path / "store", "--workers", "0", "--upload-time", "1s") as server:
        address = urlsplit(server.url)
        with socket.create_connection((address.hostname, address.port or 80), timeout=20) as line:
            line.sendall(
                f"POST /api/uploads HTTP/1.1\r\nhost: {address.netloc}\r\ncontent-length: 1000\r\n"
                "content-type: multipart/form-data; boundary=x\r\n\r\n--x\r\n".encode()
            )
            assert httpx2.get(f"{server.url}/api/health").status_code == 200
            assert line.recv(1000).startswith(b"HTTP/1.1 408 ")


def test_headers_that_do_not_end_are_broken_off_and_those_in_time_are_not(tmp_path: Path) -> None:
    with served(tmp_path / "store", "--workers", "0", "--upload-time", "1s") as server:
        address = urlsplit(server.url)
        there = (address.hostname, address.port or 80)
        begun = f"GET /api/health HTTP/1.1\r\nhost: {address.netloc}\r\n".encode()
        with socket.create_connection(there, 20) as silent, socket.create_connection(there, 20) as slow:
            for _ in range(2):
                slow.sendall(begun + b"\r\n")
                answer = b""
                while not answer.endswith(b"}"):
                    answer += slow.recv(10_000)
                assert answer.startswith(b"HTTP/1.1 200 ")
            slow.sendall(begun)
            assert slow.recv(1000) == silent.recv(1000) == b""


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--host", "0.0.0.0"], "give --token"),
        (["--host", "0.0.0.0", "--token", "short"], "--token"),
        (["--port", "70000"], "--port"),
        (["--database", "mysql://x"], "--database"),
        (["--database", "postgresql://nobody@127.0.0.1:1/none?connect_timeout=1"], "check --database"),
        (["--store", "file/store"], "cannot be used"),
    ],
)
def test_a_server_that_cannot_start_says_why(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    assert main(["serve", "--port", "0", *([] if "--store" in words else ["--store", "store"]), *words]) == 2
    err = capsys.readouterr().err
    assert says in err
    assert err.count("\n") == 1


def test_a_port_that_is_taken_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["serve", "--port", port, "--store", str(tmp_path / "store")]) == 2
    assert "choose another --port" in capsys.readouterr().err
