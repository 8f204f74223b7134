"""The page in a browser, as a person meets it; skipped where there is no Chromium."""

import re
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from impasto.media.picture import read_picture, resize
from tests.clips import make_film, moving_square
from tests.conftest import SAMPLE, drawn
from tests.doors.serving import Served, served

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
WIDTH = """film => new Promise((told) => {
    const tell = () => told(film.videoWidth);
    if (film.videoWidth) tell();
    else film.addEventListener("loadeddata", tell);
})"""
TOKEN = "a-token-for-the-page-test"
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("store"), "--token", TOKEN) as found:
        yield found


@pytest.fixture
def opened(browser: Browser, server: Served) -> Iterator[Callable[..., Page]]:
    """Opens the page, lets itself in with the token, and finds fault with any error in the console."""
    contexts, errors = [], []

    def open_page(**manner: Any) -> Page:
        context = browser.new_context(base_url=server.url, **manner)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(server.url)
        page.locator("#token").fill(TOKEN)
        page.get_by_role("button", name="Come in").click()
        page.wait_for_selector("body[data-ready]")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


def begin(page: Page, steps: int) -> None:
    page.set_input_files("#photo-file", SAMPLE)
    page.locator("#tiles").get_by_role("button", name="The Scream").click()
    page.get_by_label("Longest side").fill("64")
    page.get_by_text("More options").click()
    page.get_by_label("Steps").fill(str(steps))
    page.get_by_role("button", name="Paint", exact=True).click()


def test_a_painting_is_watched_found_again_stopped_compared_and_downloaded(
    opened: Callable[..., Page], tmp_path: Path
) -> None:
    page = opened()
    expect(page.get_by_role("button", name="Paint", exact=True)).to_be_disabled()
    begin(page, 90_000)
    stop = page.get_by_role("button", name="Stop and keep")
    expect(stop).to_be_visible(timeout=60_000)
    first = page.locator("#after").get_attribute("src")
    expect(page.locator("#after")).not_to_have_attribute("src", first or "", timeout=30_000)  # they arrive
    page.reload()
    expect(stop).to_be_visible(timeout=30_000)
    stop.click()
    expect(page.get_by_text("Painted", exact=True).first).to_be_visible(timeout=30_000)
    compare = page.get_by_label("Compare")
    compare.focus()
    compare.press("End")
    assert page.locator("#canvas").evaluate("e => e.style.getPropertyValue('--cut')") == "100%"
    with page.expect_download() as download:
        page.locator("#deeds").get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "sample-scream.png"
    download.value.save_as(tmp_path / "painting.png")
    assert read_picture(tmp_path / "painting.png").size_px == (64, 43)
    page.locator("#deeds").get_by_role("button", name="Again, but").click()
    expect(page.get_by_label("Longest side")).to_have_value("64")
    chosen = page.locator("#tiles").get_by_role("button", name="The Scream")
    expect(chosen).to_have_attribute("aria-pressed", "true")


def test_a_part_that_is_painted_over_with_the_mouse_stays_as_photographed(
    opened: Callable[..., Page], tmp_path: Path
) -> None:
    page = opened()
    page.set_input_files("#photo-file", SAMPLE)
    page.get_by_role("button", name="Keep a part as it is").click()
    page.get_by_role("slider", name="Brush").fill("30")
    box = page.locator("#mask").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 5, box["y"] + box["height"] / 4)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 5, box["y"] + box["height"] / 4, steps=8)
    page.mouse.up()
    page.get_by_role("button", name="Ready").click()
    page.locator("#tiles").get_by_role("button", name="The Scream").click()
    page.get_by_label("Longest side").fill("64")
    page.get_by_text("More options").click()
    page.get_by_label("Steps").fill("5")
    with page.expect_response("**/api/jobs") as answer:
        page.get_by_role("button", name="Paint", exact=True).click()
    job = answer.value.json()
    assert len(job["task"]["protect"]) == 1
    expect(page.get_by_text("Painted", exact=True).first).to_be_visible(timeout=60_000)
    painting, photo = (tmp_path / name for name in ("painting.png", "photo.png"))
    for path, what in ((painting, "result"), (photo, "photo")):
        path.write_bytes(page.request.get(f"/api/jobs/{job['id']}/{what}").body())
    small = resize(read_picture(photo).rgb, (64, 43))
    away = np.abs(read_picture(painting).rgb - small).mean((1, 2))
    assert away[5:15].mean() < 0.03 < away[-10:].mean()


def paint(page: Page, words: str) -> dict[str, Any]:
    """Asks for it in small, and gives the finished job."""
    page.get_by_label("Longest side").fill("64")
    page.get_by_text("More options").click()
    page.get_by_label("Steps", exact=True).fill("3")
    with page.expect_response("**/api/jobs") as answer:
        page.get_by_role("button", name=words, exact=True).click()
    expect(page.locator("#headline")).to_have_text("Painted", timeout=90_000)
    job: dict[str, Any] = page.request.get(f"/api/jobs/{answer.value.json()['id']}").json()
    return job


def test_several_photos_become_a_batch_that_is_seen_as_one_sheet(
    opened: Callable[..., Page], tmp_path: Path
) -> None:
    page = opened()
    photos = [tmp_path / f"{number}.png" for number in range(2)]
    for path in photos:
        Image.fromarray(drawn("photo", 64, 48)).save(path)
    page.set_input_files("#photo-file", photos)
    expect(page.locator("#headline")).to_have_text("2 photos", timeout=30_000)
    page.locator("#tiles").get_by_role("button", name="The Scream").click()
    job = paint(page, "Paint 2 photos")
    assert [picture["painting"] for picture in job["pictures"]] == ["painting-0.png", "painting-1.png"]
    page.get_by_role("button", name="Show painting 2").click()
    expect(page.locator("#headline")).to_have_text("Painting 2 of 2")
    expect(page.locator("#after")).to_have_attribute("src", re.compile("result.picture=1"))
    page.get_by_role("button", name="All of them").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download all").click()
    with zipfile.ZipFile(download.value.path()) as whole:
        assert whole.namelist() == ["001 0-scream.png", "002 1-scream.png"]


def test_a_film_is_painted_and_played(opened: Callable[..., Page], tmp_path: Path) -> None:
    page = opened()
    frames = [moving_square(number) for number in range(3)]
    page.set_input_files("#photo-file", make_film(tmp_path / "clip.webm", frames, codec="libvpx"))
    expect(page.locator("#detail")).to_contain_text("about 3 frames", timeout=30_000)
    expect(page.get_by_role("button", name="Keep a part as it is")).to_have_count(0)
    page.locator("#tiles").get_by_role("button", name="The Scream").click()
    page.get_by_text("More options").click()
    page.get_by_label("Container").select_option("webm")
    page.get_by_text("More options").click()
    assert paint(page, "Paint the film")["painting"] == "painting.webm"
    screen = page.locator("#screen")
    expect(screen).to_be_visible()
    assert screen.evaluate(WIDTH) == 48
    page.set_input_files("#photo-file", SAMPLE)
    expect(page.locator("#headline")).to_have_text("sample.jpg", timeout=30_000)
    expect(screen).to_be_hidden()


def test_a_photo_is_coloured_with_or_without_a_style(opened: Callable[..., Page], sample_grey: Path) -> None:
    page = opened()
    page.set_input_files("#photo-file", sample_grey)
    page.get_by_label("Colour", exact=True).check()
    page.get_by_role("button", name="Colour", exact=True).click()
    expect(page.locator("#headline")).to_have_text("Coloured", timeout=60_000)
    expect(page.locator("#after")).to_have_attribute("src", re.compile("/result"))
    page.locator("#deeds").get_by_role("button", name="Again, but").click()
    page.locator("#tiles").get_by_role("button", name="The Scream").click()
    job = paint(page, "Paint")
    assert (job["task"]["verb"], job["task"]["styles"]) == ("colorize", ["scream"])


def test_a_refused_file_is_told_in_the_servers_words(opened: Callable[..., Page], tmp_path: Path) -> None:
    page = opened()
    (tmp_path / "text.png").write_text("no picture")
    page.set_input_files("#photo-file", tmp_path / "text.png")
    expect(page.get_by_role("alert")).to_contain_text("Text.png is no picture of a known format")
    expect(page.get_by_text("Drop a photo here")).to_be_visible()


def test_a_wrong_token_is_told(browser: Browser, server: Served) -> None:
    page = browser.new_page()
    page.goto(server.url)
    page.locator("#token").fill("wrong")
    page.get_by_role("button", name="Come in").click()
    expect(page.get_by_text("check it for typing mistakes")).to_be_visible()
    page.close()


def test_it_fits_a_phone_and_the_night(opened: Callable[..., Page]) -> None:
    page = opened(viewport={"width": 360, "height": 740}, color_scheme="dark")
    page.set_input_files("#photo-file", SAMPLE)
    expect(page.locator("#before")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    red, green, blue = page.evaluate(
        "getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/g).map(Number)"
    )
    assert max(red, green, blue) < 60


def test_the_keyboard_reaches_everything(opened: Callable[..., Page]) -> None:
    page = opened()
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
    assert {"photo-file", "blend", "The Scream", "option-strength", "option-size"} <= reached
