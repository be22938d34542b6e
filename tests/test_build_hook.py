"""The README as the package index shows it: hatch_build.py."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
REPOSITORY = "https://code.example/aerogram"


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    specification = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def targets(text: str) -> list[str]:
    return re.findall(r"\]\(([^)]*)\)", text)


def test_every_link_leads_into_the_repository_at_the_tag(hook: ModuleType) -> None:
    text = hook.for_index(README, REPOSITORY, "v1.2.3")

    assert "![The page of previews" in text
    assert f"]({REPOSITORY}/raw/v1.2.3/docs/images/gallery.png)" in text
    assert f"[Settings]({REPOSITORY}/blob/v1.2.3/docs/settings.md)" in text
    assert [target for target in targets(text) if not target.startswith(REPOSITORY)] == []


def test_without_a_repository_no_relative_link_is_left(hook: ModuleType) -> None:
    text = hook.for_index(README, "", "v1.2.3")

    assert targets(text) == []
    assert "gallery.png" not in text
    assert "listed in docs/index.md." in text


def test_absolute_links_and_those_inside_the_page_are_kept(hook: ModuleType) -> None:
    text = "[a](https://example.com/a.md) [b](#b) [c](mailto:c@example.com)"

    assert hook.for_index(text, "", "v1") == hook.for_index(text, REPOSITORY, "v1") == text


def test_links_beside_the_page_name_files_that_exist(hook: ModuleType) -> None:
    prefix = f"{REPOSITORY}/blob/v1/"
    urls = hook.urls(REPOSITORY, "v1")

    assert urls["Source"] == REPOSITORY
    files = [url.removeprefix(prefix) for url in urls.values() if url.startswith(prefix)]
    assert files
    assert [name for name in files if not (ROOT / name).exists()] == []
    assert hook.urls("", "v1") == {}
