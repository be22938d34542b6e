"""Renew the pictures of the studio in docs/images: ``./run python docs/studio_pictures.py``.

Needs Chromium. They show the example shop.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parent.parent
SHOP = ROOT / "examples" / "shop"
IMAGES = ROOT / "docs" / "images"
SAMPLE = "order_shipped/one-parcel"
RECEIPT = "order_receipt/two-articles"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-features=IsolateSandboxedIframes",  # else the mail is drawn at half the resolution of the page
]
# The picture, the sample, and the keys that lead to what it shows.
PANES = {
    "html": (SAMPLE, "f"),
    "text": (SAMPLE, "f2"),
    "source": (SAMPLE, "f3"),
    "raw": (SAMPLE, "f4"),
    "headers": (SAMPLE, "f5"),
    "parts": (RECEIPT, "f6"),
    "edit": (RECEIPT, "e"),
    "send": (SAMPLE, "s"),
    "phone-dark": (SAMPLE, "fwd"),
    "gmail": (SAMPLE, "fdd"),
    "outlook": (SAMPLE, "fddd"),
    "findings": ("summer_sale/twenty-percent", ""),
    "findings-dark": ("summer_sale/twenty-percent", "d"),
}


@contextmanager
def studio() -> Iterator[str]:
    """Run the studio on the shop, and give its address."""
    command = [sys.executable, "-m", "aerogram", "--app", "notifications", "--app", "campaign"]
    options = ["studio", "--no-open", "--port", "0"]
    with subprocess.Popen([*command, *options], cwd=SHOP, stdout=subprocess.PIPE, text=True) as program:  # noqa: S603 - our own command
        assert program.stdout is not None  # noqa: S101 - for the type checker
        found = re.search(r"http://\S+/", program.stdout.readline())
        if found is None:
            sys.exit("the studio did not start")
        yield found[0]
        program.terminate()


def show(page: Page, address: str, sample: str, keys: str = "") -> None:
    """Open a sample, press the keys, and wait until the picture stands still."""
    page.goto("about:blank")
    page.goto(f"{address}#{sample}")
    page.frame_locator(".device iframe").get_by_role("heading").first.wait_for()
    page.wait_for_timeout(1200)
    for key in keys:
        page.keyboard.press(key)
    page.wait_for_timeout(700)


def main() -> None:
    """Take all pictures."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("no chromium on PATH (Debian, Ubuntu: apt-get install chromium)")
    with sync_playwright() as playwright, studio() as address:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1360, "height": 800})
        page.goto(address)
        page.frame_locator(".card iframe").nth(7).get_by_role("heading").first.wait_for()
        page.wait_for_timeout(1500)
        page.screenshot(path=IMAGES / "studio-all.png")
        for name, (sample, keys) in PANES.items():
            show(page, address, sample, keys)
            page.screenshot(path=IMAGES / f"studio-{name}.png")
        page.emulate_media(color_scheme="dark")
        show(page, address, SAMPLE, "f")
        page.screenshot(path=IMAGES / "studio-night.png")
        page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": 390, "height": 780})
        show(page, address, SAMPLE)
        page.screenshot(path=IMAGES / "studio-narrow.png")
        browser.close()


if __name__ == "__main__":
    main()
