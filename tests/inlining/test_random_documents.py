"""Random documents look the same before and after inlining: every computed property of every element."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aerogram.conf import settings
from aerogram.inlining import inline_css
from tests.random_documents import random_document

if TYPE_CHECKING:
    from playwright.sync_api import Page

DOCUMENTS = 12
VIEWS = [("light", 700), ("dark", 375)]  # a scheme, and a width in pixels

# The window outlives its documents, so what was seen of the first is compared in the browser: megabytes of
# values stay there.
LOOK = """() => {
  const names = [...getComputedStyle(document.documentElement)].filter(name => !name.startsWith("--"));
  const elements = [...document.querySelectorAll("html, body, body *:not(style)")];
  const read = (element, pseudo) => {
    const style = getComputedStyle(element, pseudo);
    return names.map(name => `${element.tagName}${pseudo} ${name}: ${style.getPropertyValue(name)}`);
  };
  const before = window.seen;
  window.seen = elements.flatMap(element => [...read(element, ""), ...read(element, "::before")]);
  window.seen.unshift(`${elements.length} elements`);
  return before && window.seen.map((text, place) => [before[place], text]).filter(([a, b]) => a !== b);
}"""


def differences(page: Page, before: str, after: str) -> list[list[str]]:
    """Return each computed property that is another one after than before, in the views."""
    found = []
    for scheme, width in VIEWS:
        page.set_viewport_size({"width": width, "height": 700})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of the accepted words
        page.evaluate("window.seen = null")
        page.set_content(before)
        page.evaluate(LOOK)
        page.set_content(after)
        found += page.evaluate(LOOK)
    return found


@pytest.mark.parametrize("layered", [False, True], ids=["plain", "layered"])
def test_a_random_document_looks_as_before(page: Page, layered: bool) -> None:
    for seed in range(DOCUMENTS):
        html = random_document(seed, layered=layered)
        inlined = inline_css(html)
        with settings.override(CSS_ENGINE="direct"):
            assert inline_css(html) == inlined
        assert not differences(page, html, inlined), seed


def test_a_difference_would_be_seen(page: Page) -> None:
    found = differences(page, "<p style='z-index: 1'>x", "<p>x")
    assert found == [["P z-index: 1", "P z-index: auto"]] * len(VIEWS)
    assert ["4 elements", "3 elements"] in differences(page, "<p>x<i>y", "<p>x")
