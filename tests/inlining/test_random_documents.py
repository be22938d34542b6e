"""Random documents look the same before and after inlining: every computed property of every element."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aerogram.conf import settings
from aerogram.inlining import inline_css
from tests.computed_styles import differences
from tests.random_documents import random_document

if TYPE_CHECKING:
    from playwright.sync_api import Page

DOCUMENTS = 12
VIEWS = [("light", 700), ("dark", 375)]


@pytest.mark.parametrize("layered", [False, True], ids=["plain", "layered"])
def test_a_random_document_looks_as_before(page: Page, layered: bool) -> None:
    for seed in range(DOCUMENTS):
        html = random_document(seed, layered=layered)
        inlined = inline_css(html)
        with settings.override(CSS_ENGINE="direct"):
            assert inline_css(html) == inlined
        assert not differences(page, html, inlined, VIEWS), seed


def test_a_difference_would_be_seen(page: Page) -> None:
    found = differences(page, "<p style='z-index: 1'>x", "<p>x", VIEWS)
    assert found == [["P z-index: 1", "P z-index: auto"]] * len(VIEWS)
    assert ["4 elements", "3 elements"] in differences(page, "<p>x<i>y", "<p>x", VIEWS)
