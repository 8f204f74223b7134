"""The API over a store that nobody paints: what it accepts, what it refuses, and what it tells."""

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from impasto.errors import ServiceError
from impasto.media.picture import SUFFIXES
from impasto.options import ServeOptions
from impasto.server.answers import MEDIA_TYPES
from impasto.server.app import WAYS, build_app
from impasto.server.desk import Desk
from impasto.server.guards import check_address
from impasto.server.store import ID_PATTERN
from tests.conftest import SAMPLE, drawn

TOKENS = ("first-token-of-the-test", "second-token-of-the-test")


def opened(root: Path, **options: Any) -> TestClient:
    desk = Desk(ServeOptions(store=str(root), workers=0, **options))
    return TestClient(build_app(desk), base_url="http://127.0.0.1:8000")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    limits = {"max_upload": "1MB", "max_pixels": 1_000_000, "jobs_per_client": 20}
    with opened(tmp_path_factory.mktemp("store"), **limits) as found:
        yield found


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A server with two tokens."""
    with opened(tmp_path_factory.mktemp("store"), token=TOKENS, max_disk="1MB") as found:
        yield found


def png(width: int = 64, height: int = 48) -> bytes:
    out = io.BytesIO()
    Image.fromarray(drawn("photo", width, height)).save(out, "PNG")
    return out.getvalue()


def bearer(number: int) -> dict[str, str]:
    return {"authorization": f"Bearer {TOKENS[number]}"}


def uploaded(client: TestClient, content: bytes | None = None, name: str = "photo.png", **more: Any) -> Any:
    answer = client.post("/api/uploads", files={"file": (name, content or png())}, **more)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_job_from_upload_to_deletion(client: TestClient) -> None:
    photo = uploaded(client)
    assert photo["size_px"] == [64, 48]
    body = {"photo": photo["id"], "styles": ["scream", "sunrise:0.3"], "options": {"size": 64, "time": "30s"}}
    answer = client.post("/api/jobs", json=body)
    assert answer.status_code == 201
    job = answer.json()
    assert answer.headers["location"] == f"/api/jobs/{job['id']}"
    assert job["state"] == "queued"
    assert job["task"]["options"]["time"] == 30
    assert client.get(f"/api/jobs/{job['id']}").json() == job
    assert job["id"] in [each["id"] for each in client.get("/api/jobs").json()]
    assert client.get(f"/api/jobs/{job['id']}/photo").headers["content-type"] == "image/png"
    assert client.get(f"/api/jobs/{job['id']}/preview").status_code == 404
    assert client.get(f"/api/jobs/{job['id']}/result").status_code == 409
    assert client.post(f"/api/jobs/{job['id']}/stop").status_code == 409
    assert client.post(f"/api/jobs/{job['id']}/cancel").json()["state"] == "cancelled"
    assert client.delete(f"/api/jobs/{job['id']}").status_code == 204
    assert client.get(f"/api/jobs/{job['id']}").status_code == 404


def test_the_events_of_an_ended_job_tell_it_and_end(client: TestClient) -> None:
    job = client.post("/api/jobs", json={"photo": uploaded(client)["id"], "styles": ["scream"]}).json()
    client.post(f"/api/jobs/{job['id']}/cancel")
    answer = client.get(f"/api/jobs/{job['id']}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    event, data = answer.text.strip().split("\r\n")[:2]
    assert event == "event: job"
    assert json.loads(data.removeprefix("data: "))["state"] == "cancelled"


def test_an_idempotency_key_makes_one_job(client: TestClient) -> None:
    body = {"photo": uploaded(client)["id"], "styles": ["scream"]}
    first, second = (client.post("/api/jobs", json=body, headers={"idempotency-key": "a"}) for _ in range(2))
    assert first.json()["id"] == second.json()["id"]
    other = client.post("/api/jobs", json=body | {"styles": ["sunrise"]}, headers={"idempotency-key": "a"})
    assert other.status_code == 409


def test_what_a_file_is_is_decided_by_decoding_it(client: TestClient) -> None:
    assert uploaded(client, png(), "notes.txt")["kind"] == "picture"
    page = b"<html><script>alert(1)</script></html>"
    answer = client.post("/api/uploads", files={"file": ("photo.png", page, "image/png")})
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("photo.png is no picture")
    # A file that is a picture and a page at once is served as neither: only what was drawn anew leaves.
    both = uploaded(client, png() + page, "both.html")
    shown = client.get(f"/api/uploads/{both['id']}/picture")
    assert shown.headers["content-type"] == "image/png"
    assert b"<script" not in shown.content


def test_a_card_is_known_without_its_suffix(client: TestClient) -> None:
    card = (SAMPLE.parent / "styles" / "scream.style").read_bytes()
    assert uploaded(client, card, "mine")["kind"] == "card"


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "..\\..\\windows.png",
        "/etc/passwd",
        "<img src=x onerror=alert(1)>.png",
        "a\x00b.png",
        ".",
    ],
)
def test_a_name_is_only_ever_text(client: TestClient, name: str) -> None:
    root = client.app.state.desk.store.root  # type: ignore[attr-defined]
    before = {path for path in root.parent.rglob("*") if not path.is_relative_to(root)}
    upload = uploaded(client, name=name)
    assert "/" not in upload["name"]
    assert "\\" not in upload["name"]
    assert {path for path in root.parent.rglob("*") if not path.is_relative_to(root)} == before
    assert {path.name for path in (root / "local/uploads" / upload["id"]).iterdir()} == {
        "original",
        "about.json",
        "shown.png",
    }


@pytest.mark.parametrize(
    "path",
    [
        "/api/uploads/..%2f..%2fjobs.sqlite",
        "/api/jobs/..%2f..%2f/result",
        "/api/styles/..%2f..%2fLICENSES.md/thumbnail",
        "/..%2fapp.py",
        "/%2e%2e/app.py",
        "/static/../app.py",
    ],
)
def test_no_path_leads_out(client: TestClient, path: str) -> None:
    assert client.get(path).status_code in {404, 422}


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(client: TestClient) -> None:
    bomb = io.BytesIO()
    Image.fromarray(np.zeros((2000, 2000), np.uint8)).save(bomb, "PNG")
    answer = client.post("/api/uploads", files={"file": ("bomb.png", bomb.getvalue())})
    assert answer.status_code == 422
    assert "more than 1,000,000 pixels" in answer.json()["error"]


def test_a_body_that_is_too_large_is_refused(client: TestClient) -> None:
    answer = client.post("/api/uploads", files={"file": ("large.png", bytes(2_000_000))})
    assert answer.status_code == 413
    chunks = (bytes(100_000) for _ in range(20))  # without a length that could be looked at first
    answer = client.post("/api/jobs", content=chunks, headers={"content-type": "application/json"})
    assert answer.status_code == 413
    assert "send a smaller one" in answer.json()["error"]


def test_nothing_is_left_behind_by_what_was_refused(client: TestClient) -> None:
    root = client.app.state.desk.store.root  # type: ignore[attr-defined]
    client.post("/api/uploads", files={"file": ("photo.png", b"no picture")})
    assert not list(root.glob(".*"))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"photo": "../../etc/passwd"}, "photo"),
        ({"photo": "0" * 32}, "upload the file again"),
        ({"styles": []}, "styles"),
        ({"styles": ["/etc/passwd"]}, "styles"),
        ({"styles": ["nobody"]}, "nobody"),
        ({"output": "../x.png"}, "output"),
        ({"options": {"format": "../x"}}, "options.format"),
        ({"verb": "delete"}, "verb"),
        ({"options": {"size": 1}}, "options.size must be greater than or equal to 16, not 1"),
        ({"options": {"weights": "/etc/passwd"}}, "options.weights"),
        ({"options": {"device": "cuda"}}, "options.device"),
        ({"options": {"time": "soon"}}, "must be a time like 30s"),
        ({"more": 1}, "more"),
    ],
)
def test_a_task_that_does_not_fit_is_refused_in_one_sentence(
    client: TestClient, changes: dict[str, Any], says: str
) -> None:
    body = {"photo": uploaded(client)["id"], "styles": ["scream"]} | changes
    answer = client.post("/api/jobs", json=body)
    assert answer.status_code == (404 if says in {"nobody", "upload the file again"} else 422)
    assert says in answer.json()["error"]
    assert "\n" not in answer.json()["error"]


def test_without_its_token_nothing_is_told(closed: TestClient) -> None:
    open_to_all = {"/health", "/session"}
    for way in WAYS:
        path = "/api" + way.path.replace("{id}", "0" * 32).replace("{name}", "scream")
        if way.path in open_to_all:
            continue
        for headers in ({}, {"authorization": "Bearer wrong"}, {"cookie": "impasto_token=wrong"}):
            answer = closed.request(way.method, path, headers=headers)
            assert answer.status_code == 401, (way, answer.text)
            assert answer.headers["www-authenticate"] == "Bearer"


def test_what_one_token_made_is_not_there_for_another(closed: TestClient) -> None:
    photo = uploaded(closed, headers=bearer(0))["id"]
    body = {"photo": photo, "styles": ["scream"]}
    job = closed.post("/api/jobs", json=body, headers=bearer(0)).json()["id"]
    for path in (
        f"uploads/{photo}",
        f"uploads/{photo}/picture",
        f"jobs/{job}",
        f"jobs/{job}/photo",
        f"jobs/{job}/events",
    ):
        if not path.endswith("events"):  # they would go on for as long as the job waits
            assert closed.get(f"/api/{path}", headers=bearer(0)).status_code == 200
        assert closed.get(f"/api/{path}", headers=bearer(1)).status_code == 404
    assert closed.post("/api/jobs", json=body, headers=bearer(1)).status_code == 404
    assert closed.delete(f"/api/jobs/{job}", headers=bearer(1)).status_code == 404
    assert closed.get("/api/jobs", headers=bearer(1)).json() == []
    closed.delete(f"/api/jobs/{job}", headers=bearer(0))


def test_the_page_keeps_a_token_in_a_cookie_that_scripts_cannot_read(closed: TestClient) -> None:
    assert closed.post("/api/session", json={"token": "wrong"}).status_code == 401
    answer = closed.post("/api/session", json={"token": TOKENS[0]})
    assert answer.status_code == 204
    assert {"httponly", "samesite=strict"} <= set(answer.headers["set-cookie"].lower().split("; "))
    try:
        assert closed.get("/api/jobs").status_code == 200
        closed.delete("/api/session")
        assert closed.get("/api/jobs").status_code == 401
    finally:
        closed.cookies.clear()


def test_a_full_store_takes_no_more(closed: TestClient) -> None:
    desk: Desk = closed.app.state.desk  # type: ignore[attr-defined]
    filler = desk.store.root / "filler"
    filler.write_bytes(bytes(2_000_000))
    desk.store.forget_size()
    answer = closed.post("/api/uploads", files={"file": ("photo.png", png())}, headers=bearer(0))
    assert answer.status_code == 507
    filler.unlink()
    desk.store.forget_size()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1"])
def test_strangers_need_a_token(host: str) -> None:
    with pytest.raises(ServiceError, match="give --token"):
        check_address(ServeOptions(host=host))
    check_address(ServeOptions(host=host, token=TOKENS))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"host": "evil.example"}, 400),
        ({"host": "127.0.0.1.evil.example"}, 400),
        ({"content-length": "many"}, 413),
    ],
)
def test_pages_of_other_sites_can_do_nothing(
    client: TestClient, headers: dict[str, str], status: int
) -> None:
    answer = client.post("/api/jobs", content=b"{}", headers=headers)
    assert answer.status_code == status
    assert "access-control-allow-origin" not in answer.headers


def test_browsers_are_told_to_be_strict_everywhere(client: TestClient) -> None:
    for path in ("/", "/page.js", "/api/health", "/nowhere", "/api/jobs/x"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
    assert client.get("/api/jobs").headers["cache-control"] == "no-store"


def test_the_page_has_no_inline_script_or_style_and_asks_nobody_else(client: TestClient) -> None:
    page = client.get("/").text
    assert "style=" not in page
    assert " on" + "click" not in page
    assert "<style" not in page
    for asset in (
        "page.js",
        "api.js",
        "dom.js",
        "easel.js",
        "gallery.js",
        "doors.js",
        "subject.js",
        "sheet.js",
        "history.js",
        "brush.js",
        "options.js",
        "look.css",
    ):
        text = client.get(f"/{asset}").text
        assert "http://" not in text
        assert "https://" not in text
        assert "innerHTML" not in text


def test_styles_options_health_and_metrics(client: TestClient) -> None:
    styles = client.get("/api/styles").json()
    assert {"name": "scream", "title": "The Scream", "artist": "Edvard Munch"}.items() <= next(
        style for style in styles if style["name"] == "scream"
    ).items()
    assert client.get("/api/styles/scream/thumbnail").content.startswith(b"\x89PNG")
    assert client.get("/api/styles/nobody/thumbnail").status_code == 404
    options = client.get("/api/options").json()
    assert options["verbs"]["stylize"]["properties"]["strength"]["maximum"] == 1
    assert "weights" not in options["verbs"]["stylize"]["properties"]
    assert options["limits"]["max_upload_bytes"] == 1_000_000
    assert client.get("/api/health").json()["status"] == "no workers"
    assert 'impasto_jobs{state="queued"}' in client.get("/api/metrics").text


def test_what_is_not_possible_says_what_is(client: TestClient) -> None:
    for method, path, allow in (("GET", "/api/session", "DELETE, POST"), ("PUT", "/api/jobs", "GET, POST")):
        answer = client.request(method, path)
        assert (answer.status_code, answer.headers["allow"]) == (405, allow)
    assert client.get("/api/nowhere").status_code == 404
    assert (
        client.post("/api/jobs", content=b"{", headers={"content-type": "application/json"}).status_code
        == 422
    )
    assert client.post("/api/session", json={"token": "\u5b57"}).status_code == 204


def test_the_openapi_document_names_every_route(client: TestClient) -> None:
    paths = client.get("/api/openapi.json").json()["paths"]
    assert {(way.method.lower(), "/api" + way.path) for way in WAYS} == {
        (method, path) for path, methods in paths.items() for method in methods
    }


def test_every_format_of_a_result_has_its_type() -> None:
    assert set(SUFFIXES.values()) <= set(MEDIA_TYPES)


def test_ids_are_random_and_plain(client: TestClient) -> None:
    ids = {uploaded(client)["id"] for _ in range(3)}
    assert len(ids) == 3
    assert all(re.match(ID_PATTERN, each) for each in ids)
