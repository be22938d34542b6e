"""No word is lost: what Chromium's innerText shows of random documents is in their text, in order."""

from __future__ import annotations

import os
import random
import re
from typing import TYPE_CHECKING

import pytest

from aerogram.plaintext import html_to_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

DOCUMENTS = int(os.environ.get("PROPERTY_EXAMPLES", "0")) or 150
SHEETS = [
    "",
    "<style>.a{display:none}.a.b{display:block}#c{visibility:hidden}</style>",
    "<style>@media (max-width:100px){.a{display:none}} p.b{display:none}</style>"
    '<style media="print">.a{display:none}</style>',
]
STYLES = [
    *[""] * 20,
    *[" hidden", ' hidden style="display:block"', ' class="a"', ' class="b"', ' class="a b"', ' id="c"'],
    *[
        f' style="{style}"'
        for style in [
            *[
                "display:none",
                "visibility:hidden",
                "visibility:visible",
                "visibility:collapse",
                "display:block",
            ],
            *[
                "display:none !important;display:block",
                "display:block;display:none",
                "display:none;display:x",
            ],
            *["white-space:pre-wrap", "display:inline-block", "float:left", "display:flex", "display:inline"],
            *["text-align:right", "display:table-cell", "position:absolute", "text-decoration:line-through"],
        ]
    ],
]
SPANS = [*[""] * 6, " colspan=2", " rowspan=2", " colspan=3 rowspan=2", " rowspan=0", " colspan=60"]
GROUPS = ["center", "section", "article", "figure", "main", "header", "footer", "div", "div", "blockquote"]


class Writer:
    """A writer of random documents, the same for the same seed; no word occurs twice."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.count = 0

    def document(self) -> str:
        return f"<!doctype html><html><head>{self.pick(SHEETS)}</head><body>{self.flow(4)}{self.tail()}"

    def tail(self) -> str:
        return self.pick(["", f"</body></html><p>{self.words()}</p>"])

    def pick(self, choices: list[str]) -> str:
        return self.random.choice(choices)

    def one_of(self, *writers: Callable[[], str]) -> str:
        return self.random.choice(writers)()

    def word(self) -> str:
        self.count += 1
        return f"w{self.count}x{'x' * self.random.choice([0, 0, 0, 3, 15, 30])}"

    def words(self, most: int = 3) -> str:
        return " ".join(self.word() for _ in range(self.random.randint(1, most)))

    def style(self) -> str:
        return self.pick(STYLES)

    def line(self, depth: int) -> str:
        parts = (self.inline(depth) for _ in range(self.random.randint(1, 3)))
        return self.pick(["", " "]).join(parts)

    def inline(self, depth: int) -> str:
        kind = self.random.randint(0, 20)
        if depth <= 0 or kind < 7:
            return self.words()
        if kind < 14:
            tag = self.pick(["b", "span", "button", "small", 'a href="https://x.example/"', "label", "u"])
            return f"<{tag}{self.style()}>{self.line(depth - 1)}</{tag.split()[0]}>"
        return self.one_of(
            lambda: f"{self.words()}<br>{self.words()}",
            lambda: f"<ruby>{self.word()}<rp>(</rp><rt>{self.word()}</rt><rp>)</rp></ruby>",
            lambda: f"<select><option>{self.word()}<optgroup><option>{self.word()}</optgroup></select>",
            lambda: f"<template>{self.word()}</template><noscript>{self.word()}</noscript>",
            lambda: f"<q>{self.words()}</q><s>{self.words()}</s>",
            lambda: f"<svg><text>{self.word()}</text><title>x</title></svg>",
            lambda: f"10<sup>{self.word()}</sup><sub>{self.word()}</sub>",
        )

    def flow(self, depth: int) -> str:
        return "".join(self.block(depth) for _ in range(self.random.randint(1, 3)))

    def block(self, depth: int) -> str:
        style = self.style()
        kind = self.random.randint(0, 16)
        if depth <= 0 or kind < 4:
            return f"<p{style}>{self.line(2)}</p>"
        if kind < 6:
            return self.table(depth)
        if kind < 9:
            tag = self.pick(GROUPS)
            return f"<{tag}{style}>{self.flow(depth - 1)}</{tag}>"
        if kind == 9:
            level = self.random.randint(1, 6)
            return f"<h{level}{style}>{self.line(2)}</h{level}>"
        if kind < 12:
            write: Callable[[int], str] = self.random.choice([self.flow, self.line])
            items = [f"<li{self.style()}>{write(depth - 1)}</li>" for _ in range(self.random.randint(0, 3))]
            tag = self.pick(["ul", "ol", "ol reversed", "ol type=a start=3", "menu"])
            return f"<{tag}{style}>{''.join(items)}</{tag.split()[0]}>"
        return self.one_of(
            lambda: f"<pre{style}>{self.line(2)}\n  {self.words()}</pre>",
            lambda: f"<details><summary>{self.words()}</summary>{self.flow(depth - 1)}</details>",
            lambda: f"<fieldset><legend>{self.words()}</legend>{self.flow(depth - 1)}</fieldset>",
            lambda: f"<dl{style}><dt>{self.words()}</dt><dd>{self.flow(depth - 1)}</dd><dt>x</dt></dl>",
            lambda: f'<a href="https://x.example/">{self.flow(depth - 1)}</a>',
            lambda: f"<textarea>{self.words()}</textarea>{self.line(2)}",
        )

    def table(self, depth: int) -> str:
        def rows(tag: str = "td") -> str:
            return "".join(self.row(depth, tag) for _ in range(self.random.randint(0, 3)))

        parts = [
            *[f"<caption{self.style()}>{self.line(2)}</caption>"] * (self.random.random() < 0.3),
            *[f"<thead{self.style()}>{rows('th')}</thead>"] * (self.random.random() < 0.5),
            *[f"<tfoot>{rows()}</tfoot>"] * (self.random.random() < 0.3),
            *[f"<tbody{self.style()}>{rows()}</tbody>"] * self.random.randint(0, 2),
            *[self.words()] * (self.random.random() < 0.1),
            *[f"<td>{self.words()}</td>"] * (self.random.random() < 0.1),
            rows(),
        ]
        return f"<table{self.pick(['', ' border=1'])}{self.style()}>{''.join(dict.fromkeys(parts))}</table>"

    def row(self, depth: int, tag: str) -> str:
        cells = []
        for _ in range(self.random.randint(0, 4)):
            kind = self.random.randint(0, 9)
            content = (
                self.words() if kind < 5 else self.line(2) if kind < 7 else self.words(14) if kind < 8 else ""
            )
            if kind == 9 and depth > 2:
                content = self.flow(depth - 1)
            name = "th" if self.random.random() < 0.1 else tag
            cells.append(f"<{name}{self.pick(SPANS)}{self.style()}>{content}</{name}>")
        return f"<tr{self.style()}>{''.join(cells)}</tr>"


@pytest.fixture
def reader(browser: Browser) -> Iterator[Page]:
    """A tab that runs no scripts, as no mail client does."""
    context = browser.new_context(java_script_enabled=False)
    yield context.new_page()
    context.close()


def test_no_word_that_a_browser_shows_is_lost(reader: Page) -> None:
    for seed in range(DOCUMENTS):
        html = Writer(seed).document()
        reader.set_content(html)
        shown = re.findall(r"w\d+x", reader.evaluate("document.body.innerText"))
        for width in (72, 20, 0):
            words = re.findall(r"w\d+x", html_to_text(html, width=width))
            assert set(shown) <= set(words), f"seed {seed}: {html}"
            if "<table" not in html:  # columns that are wrapped stand beside each other
                following = iter(words)
                assert all(word in following for word in shown), f"seed {seed}: {html}"
