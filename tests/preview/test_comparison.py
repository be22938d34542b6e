"""The command `preview`: one notification only, a default folder, pictures, and what differs from before."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.forked_python import python

if TYPE_CHECKING:
    from pathlib import Path

MAILS = """
from aerogram import Notification

class Hello(Notification):
    subject = "Hello {{ name }}"
    html_template = "hello.html"
    to = ["ann@example.com"]
    from_email = "shop@example.com"
    name: str

    @classmethod
    def samples(cls):
        return {"short": cls(name="Ann"), "long": cls(name="Maximiliane")}

class Bye(Notification):
    subject = "Bye"
    html_template = "bye.html"
    to = ["ann@example.com"]
    from_email = "shop@example.com"

    @classmethod
    def samples(cls):
        return {"only": cls()}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "templates").mkdir()
    (tmp_path / "mails.py").write_text(MAILS)
    (tmp_path / "templates" / "hello.html").write_text("<p>Hello {{ name }}</p>")
    (tmp_path / "templates" / "bye.html").write_text("<p>Bye</p><img src='cid:none' alt=''>")
    return tmp_path


def preview(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = python("-m", "aerogram", "--app", "mails", "preview", *arguments)
    return subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=100)


def test_without_a_folder_it_writes_to_build_previews_and_says_so(project: Path):
    done = preview(project, "bye")
    assert done.returncode == 0, done.stderr
    assert str(project / "build" / "previews" / "index.html") in done.stdout
    assert [path.name for path in (project / "build" / "previews").iterdir() if path.is_dir()] == ["bye"]
    assert preview(project, "nope").returncode == 2


def test_what_differs_from_another_folder_is_on_a_page(project: Path):
    assert preview(project, "--out", "before").returncode == 0
    unchanged = preview(project, "--out", "after", "--diff", "before")
    assert "0 mails changed" in unchanged.stdout  # not the date, the message id or a boundary
    (project / "templates" / "hello.html").write_text("<p>Good <b>day</b> {{ name }}</p>")
    (project / "mails.py").write_text(MAILS.replace('"only"', '"first"'))
    (project / "after").rename(project / "old")
    done = preview(project, "--out", "after", "--diff", "before")
    assert done.returncode == 0, done.stderr
    assert [line.split() for line in done.stdout.splitlines() if line.startswith("  ")] == [
        ["new", "bye/first"],
        ["gone", "bye/only"],
        ["changed", "hello/long"],
        ["changed", "hello/short"],
    ]
    page = (project / "after" / "diff.html").read_text()
    assert "+Good **day** Ann" in page or "+Good day Ann" in page
    assert "&lt;p&gt;Hello Ann&lt;/p&gt;" in page
    assert "<p>Hello" not in page
    assert preview(project, "--out", "after", "--diff", "templates").returncode == 1


def test_pictures_are_taken_at_both_widths_and_schemes(project: Path, needs_program):
    needs_program("chromium-headless-shell", "chromium")
    done = preview(project, "bye", "--out", "out", "--screenshots", "--diff", "out")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (project / "out" / "bye").glob("*.png")) == [
        "only.desktop-dark.png",
        "only.desktop-light.png",
        "only.phone-dark.png",
        "only.phone-light.png",
    ]


def test_a_failing_sample_prevents_neither_pictures_nor_the_comparison(project: Path):
    preview(project, "--out", "before")
    (project / "templates" / "hello.html").write_text("{{ nope }}")
    done = preview(project, "--out", "after", "--diff", "before")
    assert done.returncode == 1
    assert "nope" in done.stderr
    assert (project / "after" / "diff.html").is_file()
