"""Every template that ships renders to what its golden files hold, letter for letter.

``tests/plaintext/golden/templates/`` mirrors ``templates/``: under the name of a template lies its rendering.
For an HTML template that is the part as it is sent, inlined, and with ``.txt`` behind the name the text made
from it. ``REGENERATE_GOLDEN=1 ./run test tests/plaintext/test_golden.py`` writes them anew: read them before
you commit.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from jinja2 import DictLoader

from aerogram import Notification, Renderer
from aerogram.templating import shipped_templates
from tests.sample_mail import KIT, html_of

REGENERATE = os.environ.get("REGENERATE_GOLDEN", "") not in ("", "0")
FOLDER = Path(__file__).parent / "golden" / "templates"
SHIPPED = sorted(
    path.relative_to(shipped_templates()).as_posix()
    for path in shipped_templates().rglob("*")
    if path.is_file()
)
LAYOUT = """\
{% extends "aerogram/base.html" %}
{% block title %}Your boat is ready, {{ name }}{% endblock %}
{% block preheader %}She leaves at high water.{% endblock %}
{% block content %}
<p>Dear {{ name }},</p>
<p>berth <b>12_b</b> is yours until {{ until }}. It costs <i>$5.00 * 3</i>.</p>
<h2>Before you sail</h2>
<ol><li>Read <a href="https://harbour.example/tides?day=3&amp;berth=12">the tides</a>.</li><li>Pay.</li></ol>
{% endblock %}
"""
TEXT_LAYOUT = """\
{% extends "aerogram/base.txt" %}
{% block title %}Your boat is ready, {{ name }}{% endblock %}
{% block content %}
Dear {{ name }},

berth 12_b is yours until {{ until }}. It costs $5.00 * 3.
{% endblock %}
"""
PAGES = {"layout.html": LAYOUT, "layout.txt": TEXT_LAYOUT, "kit.html": KIT}
SHOWN_BY = {
    "aerogram/base.html": "layout.html",
    "aerogram/base.txt": "layout.txt",
    "aerogram/components.html": "kit.html",
}
"""The page that shows a template which is none by itself."""


class Shown(Notification, abstract=True):
    """Whatever the templates ask for, with letters that HTML and Markdown treat in their own way."""

    subject = "Disk almost full <db1>"
    to = ["ann@example.com"]
    name: str = "Ann O'Hara & <Söhne>"
    until: str = "1. May"
    language: str = "en"
    direction: str = "ltr"
    message: str = (
        "Filesystem   Use%\n/dev/sda1     98%\n\n"
        "  *not a list*, C:\\new_folder, <b>&amp;</b>\n"
        "https://ops.example/disk?host=db1&since=2026-11-22T08:00:00Z#"
        + "graph" * 20
        + "\n\nGrüße, 東京 👩‍💻"
    )
    details: tuple[tuple[str, str], ...] = (
        ("Where", "C:\\shop.py, line 7, in <module>"),
        ("api_key", "********"),
    )
    traceback: str = """Traceback (most recent call last):
  File "C:\\shop.py", line 7, in <module>
    1 / 0
    ~~^~~
ZeroDivisionError: division by zero
"""


def rendered(template: str) -> dict[str, str]:
    """Return the golden texts of ``template`` by the names of their files."""
    page = SHOWN_BY.get(template, template)
    renderer = Renderer(
        [], DictLoader(PAGES), {"site_name": "Halyard & Sons", "base_url": "https://halyard.example"}
    )
    declared = {"html_template" if page.endswith(".html") else "text_template": page}
    message = renderer.render(type("Shown", (Shown,), declared, abstract=True)())
    if page.endswith(".html"):
        return {template: html_of(message), f"{template}.txt": message.body}
    return {template: message.body}


@pytest.mark.parametrize("template", SHIPPED)
def test_a_shipped_template_renders_to_its_golden_files(template: str) -> None:
    for name, text in rendered(template).items():
        golden = FOLDER / name
        if REGENERATE:
            golden.parent.mkdir(parents=True, exist_ok=True)
            golden.write_text(text, encoding="utf-8", newline="")
        assert golden.is_file(), f"no golden file for {name}: see the top of {Path(__file__).name}"
        assert text == golden.read_bytes().decode("utf-8")


def test_no_golden_file_has_lost_its_template() -> None:
    wanted = {
        name
        for template in SHIPPED
        for name in (template, f"{template}.txt")[: 1 + template.endswith(".html")]
    }
    assert {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()} == wanted
