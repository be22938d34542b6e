"""Renew the pictures of README and docs in docs/images: ``./run python docs/screenshot.py``.

Needs Chromium. The pictures show the mails of the example shop, and the one of the tutorial.
"""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
FILE = re.compile(r"^```\w+ (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-features=IsolateSandboxedIframes",  # else the mail is drawn at half the resolution of the page
]
SIDE_BY_SIDE = """
<style>
body {margin: 0; padding: 36px; background: #8b93a7; display: flex; gap: 36px; align-items: flex-start}
</style>
<img src="LIGHT" style="width: 640px; border-radius: 10px; box-shadow: 0 4px 18px #0006">
<img src="DARK" style="width: 360px; border-radius: 26px; box-shadow: 0 4px 18px #0006">
"""


def write_previews(application: Path, out: Path) -> None:
    """Write the previews of the application in a folder."""
    command = [sys.executable, "-m", "aerogram", "preview", "--out", str(out)]
    subprocess.run(command, cwd=application, check=True)  # noqa: S603 - our own command


def picture_gallery(browser: Browser, previews: Path, sample: str, name: str) -> None:
    """Take a picture of one sample on the page of previews."""
    page = browser.new_page(viewport={"width": 1200, "height": 780}, device_scale_factor=1.5)
    page.goto(f"file://{previews}/index.html#{sample}")
    page.frame_locator("iframe:visible").get_by_role("heading").first.wait_for()
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=IMAGES / name)


def picture_mail(browser: Browser, previews: Path, sample: str, name: str) -> None:
    """Take a picture of one mail on a desktop, and on a phone in dark mode."""
    pictures = []
    for width, height, scheme in ((640, 560, "light"), (360, 600, "dark")):
        page = browser.new_page(
            viewport={"width": width, "height": height}, device_scale_factor=2, color_scheme=scheme
        )
        page.goto(f"file://{previews}/{sample}.html")
        pictures.append("data:image/png;base64," + base64.b64encode(page.screenshot()).decode())
    page = browser.new_page(viewport={"width": 1108, "height": 672}, device_scale_factor=1.5)
    page.set_content(SIDE_BY_SIDE.replace("LIGHT", pictures[0]).replace("DARK", pictures[1]))
    page.screenshot(path=IMAGES / name)


def main() -> None:
    """Write the previews of the shop and of the tutorial, and take the pictures."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("no chromium on PATH (Debian, Ubuntu: apt-get install chromium)")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        shop, tutorial = Path(folder, "shop"), Path(folder, "tutorial")
        write_previews(ROOT / "examples" / "shop", shop)
        for name, text in FILE.findall((ROOT / "docs" / "tutorial.md").read_text()):
            (tutorial / name).parent.mkdir(parents=True, exist_ok=True)
            (tutorial / name).write_text(text)
        write_previews(tutorial, tutorial / "previews")
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        picture_gallery(browser, shop, "order_shipped/one-parcel", "gallery.png")
        picture_gallery(browser, tutorial / "previews", "booking_confirmed/pottery", "tutorial.png")
        picture_mail(browser, shop, "order_shipped/one-parcel", "mail.png")
        browser.close()


if __name__ == "__main__":
    main()
