"""The pages say what is so: examples run, links lead somewhere, tables are those of the code."""

from __future__ import annotations

import importlib
import importlib.util
import re
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.page_runner import PageRunner, blocks_to_run

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
BLOCK = re.compile(r"^```\w+.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")  # images too


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.timeout(600)  # a page may start a dozen programs
@pytest.mark.parametrize("page", [page for page in PAGES if blocks_to_run(page)], ids=named)
def test_what_a_page_shows_runs(page: Path, tmp_path: Path) -> None:
    PageRunner(tmp_path).check(page)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_a_block_that_does_not_run_gives_its_reason(page: Path) -> None:
    text = page.read_text()
    skipped = re.findall(r"^<!-- not run:(.*)-->$", text, re.MULTILINE)
    followed = re.findall(r"^<!-- not run: .{15,} -->\n```\w", text, re.MULTILINE)
    assert len(skipped) == len(followed), "the comment has a reason, and stands on the line above the block"
    assert not re.findall(r"^ +```\w.*$", text, re.MULTILINE), "an indented block does not run"


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
    listed = re.findall(r"^- \[[^\]]*\]\((\S+\.md)\):", index, re.MULTILINE)
    assert sorted(listed) == sorted(page.name for page in ROOT.glob("docs/*.md") if page.name != "index.md")


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_files_that_a_page_names_exist(page: Path) -> None:
    names = re.findall(r"`((?:tests|docs|benchmarks|examples)/[\w./]*)`", page.read_text())
    assert [name for name in names if not (ROOT / name).exists()] == []


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
