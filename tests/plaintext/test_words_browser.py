"""No word is lost: what a browser shows of a random document stands in its text part."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from aerogram.inlining import inline_css
from aerogram.plaintext import html_to_text
from tests.random_documents import random_document

if TYPE_CHECKING:
    from playwright.sync_api import Page

DOCUMENTS = 25


def words_of(text: str) -> Counter[str]:
    """Count the words of a random document, which are all in its numbers."""
    return Counter(re.findall(r"w\d+", text.lower()))


@pytest.mark.parametrize("layered", [False, True], ids=["plain", "layered"])
def test_every_word_that_a_browser_shows_is_in_the_text(page: Page, layered: bool) -> None:
    for seed in range(DOCUMENTS):
        html = random_document(seed, layered=layered).replace("transparent", "purple")  # no hidden letters
        page.set_content(html)
        shown = words_of(page.evaluate("document.body.innerText"))
        assert not shown - words_of(html_to_text(html)), seed
        assert not shown - words_of(html_to_text(inline_css(html))), seed
