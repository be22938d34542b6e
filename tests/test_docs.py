"""The pages say what is so: examples run, links lead somewhere, tables are those of the code."""

from __future__ import annotations

import importlib
import importlib.util
import re
import subprocess
import sys
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
# A page asks for it, since some show what only an application could run.
RUNNING = [
    page for page in PAGES if "<!-- the examples of this page run in the tests -->" in page.read_text()
]

BLOCK = re.compile(r"^```(?P<language>\w+)(?: (?P<file>\S+))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")  # images too


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", RUNNING, ids=named)
def test_examples_run(page: Path, tmp_path: Path) -> None:
    """A block with a file name behind its language is such a file; the ``python`` blocks are one program."""
    text = page.read_text()
    program = ""
    for match in BLOCK.finditer(text):
        if match["file"]:
            path = tmp_path / match["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(match["text"])
        elif match["language"] == "python":
            # Blank lines in front, so that an error names the line of the page.
            line = text.count("\n", 0, match.start()) + 1
            program += "\n" * (line - program.count("\n")) + match["text"]
    assert program
    (tmp_path / "page.py").write_text(program)
    done = subprocess.run(
        [sys.executable, "-W", "error", "page.py"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_first_mail_of_the_readme_is_printed_and_previewed(tmp_path: Path) -> None:
    for match in BLOCK.finditer((ROOT / "README.md").read_text()):
        if match["file"]:
            path = tmp_path / match["file"]
            path.parent.mkdir(exist_ok=True)
            path.write_text(match["text"])
    preview = ["-m", "aerogram", "--app", "invite", "preview", "--out", "previews"]

    printed, _ = (
        subprocess.run(
            [sys.executable, "-W", "error", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for arguments in (["invite.py"], preview)
    )

    assert "\nSubject: Dinner on Saturday, Chidi?\n" in printed
    assert "Dear Chidi, will you come? There will be rhubarb pie." in printed
    assert (tmp_path / "previews" / "index.html").exists()


def test_some_pages_run() -> None:
    assert {"README.md", "docs/mail.md", "docs/settings.md"} <= {named(page) for page in RUNNING}


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.*)$", BLOCK.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for match in LINK.finditer(BLOCK.sub("", page.read_text())):
        target, _, anchor = match["target"].partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        path = page.parent / target if target else page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            broken.append(match["target"])
    assert broken == []


def test_index_lists_every_page_once() -> None:
    index = (ROOT / "docs" / "index.md").read_text()
    listed = re.findall(r"^\d+\. \[[^\]]*\]\((\S+)\)", index, re.MULTILINE)
    assert sorted(listed) == sorted(page.name for page in ROOT.glob("docs/*.md") if page.name != "index.md")


def test_places_in_the_code_exist() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    places = re.findall(r"^\| [^|]*\? \| `([^`]+)\.py` \| (?:`([\w.]+)`)? *\|$", page, re.MULTILINE)
    assert len(places) > 20
    for path, name in places:
        module = importlib.import_module(f"aerogram.{path.replace('/', '.').removesuffix('.__init__')}")
        assert not name or attrgetter(name)(module).__module__ == module.__name__, f"{name} is elsewhere"


def generator() -> ModuleType:
    """The module docs/generated.py, which is in no package."""
    spec = importlib.util.spec_from_file_location("generated", ROOT / "docs" / "generated.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["settings.md", "reference.md", "architecture.md"])
def test_generated_parts_are_up_to_date(page: str) -> None:
    text = (ROOT / "docs" / page).read_text()

    assert generator().complete(page, text) == text, "renew it: ./run python docs/generated.py"


def test_every_public_name_has_a_line_in_the_reference() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| *(.*?) *\|$", (ROOT / "docs" / "reference.md").read_text(), re.MULTILINE
    )
    assert len(rows) > 100
    assert [name for name, summary in rows if not summary] == []


def test_every_dependency_is_explained() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"]
    lists = [project["project"]["dependencies"], *extras.values(), project["dependency-groups"]["dev"]]
    explained = (ROOT / "docs" / "dependencies.md").read_text().lower()
    names = {re.split(r"[\[<>=!~;]", text)[0] for texts in lists for text in texts} - {"aerogram"}
    assert [
        name for name in sorted({*names, *(f"`{extra}`" for extra in extras)}) if name not in explained
    ] == []
