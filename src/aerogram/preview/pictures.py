"""Pictures of previews: each mail at the width of a phone and of a desktop, in light and in dark colours."""

from __future__ import annotations

import shutil
from itertools import product
from typing import TYPE_CHECKING

from aerogram.exceptions import MissingDependency

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from playwright.sync_api import Route

__all__ = ["LOOKS", "take_pictures"]

WIDTHS = {"phone": 390, "desktop": 1024}
LOOKS = tuple(f"{width}-{scheme}" for width, scheme in product(WIDTHS, ("light", "dark")))
_BROWSERS = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--hide-scrollbars"]


def take_pictures(pages: Iterable[Path]) -> list[Path]:
    """Write ``<sample>.phone-light.png`` and the like beside each ``.html`` file, and return their paths.

    Nothing is loaded from the network, and no script runs.

    Raises:
        MissingDependency: Playwright or Chromium is not installed.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise MissingDependency(
            "Pictures need Playwright, which is not installed: pip install playwright."
        ) from None
    browser_path = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser_path is None:
        raise MissingDependency(
            f"Pictures need Chromium, and none of {', '.join(_BROWSERS)} is on PATH. Install it, for example "
            "with: apt-get install chromium."
        )
    written = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=_ARGUMENTS)
        page = browser.new_context(java_script_enabled=False).new_page()
        page.route("**/*", _keep_local)
        for path in pages:
            page.goto(path.resolve().as_uri())
            for look in LOOKS:
                width, _, scheme = look.partition("-")
                page.set_viewport_size({"width": WIDTHS[width], "height": 600})
                page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
                picture = path.with_suffix(f".{look}.png")
                page.screenshot(path=picture, full_page=True)
                written.append(picture)
        browser.close()
    return written


def _keep_local(route: Route) -> None:
    if route.request.url.startswith(("file:", "data:")):
        route.continue_()
    else:
        route.abort()
