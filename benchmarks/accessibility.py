"""The page under axe-core, in Chromium: by day and by night, on a desk and on a phone.

npm install axe-core
python -m benchmarks.accessibility http://127.0.0.1:8000 node_modules/axe-core/axe.min.js photo.jpg

Looks at the page when it is empty, with a photo and all options open, with one to be coloured, and with
the last four jobs of the server. Prints what axe finds fault with; exit code 1 where that is serious.
"""

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

AUDIT = """async () => (await axe.run()).violations.map(
    (found) => [found.impact, found.id, found.nodes.map((node) => node.html.slice(0, 160))])"""
SCREENS = {"desk": (1360, 900), "phone": (390, 844)}


def audit(page: Page, where: str) -> bool:
    """Whether something serious was found."""
    found: list[tuple[str, str, list[str]]] = page.evaluate(AUDIT)
    for impact, rule, elements in found:
        print(f"{where}: {impact} {rule}", *elements, sep="\n    ")
    print(f"{where}: {len(found)} findings")
    return any(impact in {"serious", "critical"} for impact, _, _ in found)


def visit(page: Page, photo: Path, where: str) -> bool:
    serious = audit(page, f"{where}, empty")
    page.set_input_files("#photo-file", photo)
    page.wait_for_selector("#canvas:visible")
    page.check("#blend")
    for number in (3, 5):
        page.locator("#tiles button").nth(number).click()
    page.get_by_text("More options").click()
    serious |= audit(page, f"{where}, with a photo")
    page.check("#deed-colorize")
    serious |= audit(page, f"{where}, to be coloured")
    for number in range(min(4, page.locator(".card .face").count())):
        page.locator(".card .face").nth(number).click()
        page.wait_for_selector("#deeds a, #deeds button")
        serious |= audit(page, f"{where}, with job {number + 1}")
    return serious


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("url")
    parser.add_argument("axe", type=Path)
    parser.add_argument("photo", type=Path)
    args = parser.parse_args()
    serious = False
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            for screen, (width, height) in SCREENS.items():
                manner: dict[str, Any] = {
                    "color_scheme": scheme,
                    "reduced_motion": "reduce",
                    "bypass_csp": True,
                }
                page = browser.new_page(viewport={"width": width, "height": height}, **manner)
                page.goto(args.url)
                page.wait_for_selector("body[data-ready]")
                page.add_script_tag(path=args.axe)
                serious |= visit(page, args.photo, f"{scheme} {screen}")
                page.close()
        browser.close()
    sys.exit(serious)


if __name__ == "__main__":
    main()
