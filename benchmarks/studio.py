"""The studio in Chromium with many mails: ``./run bench studio``.

200 notifications with 3 samples each, 50 templates of real size. It prints the time until the first page
shows its list, for a studio that has just started, and the time from a key to the next sample's mail on
the page, both measured in the browser. Needs Chromium. ``--steps`` sets how often the sample is switched.
"""

from __future__ import annotations

import argparse
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

NOTIFICATIONS, SAMPLES, TEMPLATES = 200, 3, 50
MODULE = """
from aerogram import Notification

class Base(Notification, abstract=True):
    to = ["ann@example.com"]
    from_email = "shop@example.com"
    number: int

    @classmethod
    def samples(cls):
        return {f"sample {number}": cls(number=number) for number in range(1, %d)}

def kind(each):
    names = {"subject": f"Mail {each} no. {{{{ number }}}}", "html_template": f"mail{each %% %d}.html"}
    return type(Base)(f"Mail{each:03}", (Base,), {"__module__": __name__, **names})

KINDS = [kind(each) for each in range(%d)]
"""
ROW = '<tr><td class="cell">Article {{ number }}.%d</td><td class="cell">12.50</td></tr>'
# From the key to the moment the frame of the next mail has loaded and been painted.
SWITCH = """() => new Promise((resolve) => {
    const begun = performance.now(), before = document.querySelector("article.sample").id;
    const loaded = ({ target }) => {
        if (!target.matches?.(".device iframe") || target.closest("article").id === before) return;
        document.removeEventListener("load", loaded, true);
        requestAnimationFrame(() => resolve(performance.now() - begun));
    };
    document.addEventListener("load", loaded, true);
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "j", bubbles: true }));
})"""


def write_project(folder: Path) -> None:
    """Write a module with all notifications, and their templates."""
    (folder / "templates").mkdir()
    (folder / "many.py").write_text(MODULE % (SAMPLES + 1, TEMPLATES, NOTIFICATIONS))
    for number in range(TEMPLATES):
        rows = "\n".join(ROW % row for row in range(40))
        (folder / "templates" / f"mail{number}.html").write_text(
            '{% extends "aerogram/base.html" %}{% block title %}Mail{% endblock %}'
            "{% block preheader %}Words{% endblock %}"
            "{% block styles %}.cell { padding: 6px; color: #223 }{% endblock %}"
            f"{{% block content %}}<h1>Template {number}</h1><table>{rows}</table>{{% endblock %}}"
        )


def first_page(page: Page, address: str) -> float:
    """Return the milliseconds until the page has its list, after it was asked for."""
    page.goto(address, wait_until="load")
    entries = page.locator(".entry").count()
    assert entries == NOTIFICATIONS * SAMPLES
    return float(page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd"))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=30)
    steps = parser.parse_args().steps
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        write_project(Path(name))
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        command = [sys.executable, "-m", "aerogram", "--app", "many", "studio", "--no-open", "--port", "0"]
        with subprocess.Popen(command, cwd=name, stdout=subprocess.PIPE, text=True) as studio:
            try:
                assert studio.stdout is not None
                found = re.search(r"http://\S+/", studio.stdout.readline())
                assert found is not None
                page = browser.new_page()
                cold = first_page(page, found[0])
                last = page.locator(".entry .subject", has_text="Mail").nth(NOTIFICATIONS * SAMPLES - 1)
                last.wait_for(state="attached", timeout=120_000)
                warm = first_page(page, found[0])
                page.goto(f"{found[0]}#mail000/sample-1")
                page.locator(".device iframe").wait_for()
                page.wait_for_timeout(
                    3000
                )  # all subjects are rendered, and the findings of the first are there
                times = [float(page.evaluate(SWITCH)) for _ in range(steps)]
            finally:
                studio.terminate()
        browser.close()
    print(f"{NOTIFICATIONS} notifications, {SAMPLES} samples each")
    print(f"first page, just started  {cold:6.0f} ms   (with the start of its process)")
    print(f"first page, later         {warm:6.0f} ms   (at most 1000)")
    typical, slowest = statistics.median(times), max(times)
    print(f"another sample            {typical:6.0f} ms   (at most 150; slowest {slowest:.0f})")


if __name__ == "__main__":
    main()
