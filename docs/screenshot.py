"""Renew the picture of the README, docs/images/gallery.png: ``./run python docs/screenshot.py``.

Needs Chromium. The picture shows the previews of the example shop.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "images" / "gallery.png"
SAMPLE = "order_shipped/one-parcel"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-features=IsolateSandboxedIframes",  # else the mail is drawn at half the resolution of the page
]


def main() -> None:
    """Write the previews of the shop and take a picture of one of them."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("no chromium on PATH (Debian, Ubuntu: apt-get install chromium)")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        command = [sys.executable, "-m", "aerogram", "preview", "--out", folder]
        subprocess.run(command, cwd=ROOT / "examples" / "shop", check=True)  # noqa: S603 - our own command
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1200, "height": 780}, device_scale_factor=1.5)
        page.goto(f"file://{folder}/index.html#{SAMPLE}")
        page.frame_locator("iframe:visible").get_by_role("heading").first.wait_for()
        page.screenshot(path=PICTURE)
        browser.close()


if __name__ == "__main__":
    main()
