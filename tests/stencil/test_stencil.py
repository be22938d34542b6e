"""A filled stencil is the very page that the slow way makes, whatever the values are."""

from __future__ import annotations

import os
import random
import re
import threading
from pathlib import Path

import jinja2
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from lxml import etree
from markupsafe import Markup, escape

from aerogram import stencil
from aerogram.conf import settings
from aerogram.exceptions import DocumentError
from aerogram.stencil import Finished, Stencils
from aerogram.stencil.shape import is_free, is_plain_text

pytestmark = pytest.mark.usefixtures("stencils_at_once")
PAGE = Path(__file__).parents[2] / "benchmarks" / "templates"


def tree(html: str) -> object:
    """Return what a client sees of a document: elements, attributes, declarations, text, comments."""
    root = etree.fromstring((html or "<p></p>").encode(), etree.HTMLParser(huge_tree=True, encoding="utf-8"))
    if root is None:
        return html
    found = []
    for element in (*root.itersiblings(preceding=True), *root.iter(), *root.itersiblings()):
        if isinstance(element.tag, str):
            attributes = dict(element.items())
            style = [part.strip() for part in attributes.pop("style", "").split(";") if part.strip()]
            found.append((element.tag, attributes, style, element.text or "", element.tail or ""))
        else:
            found.append(("!--", {}, [], element.text or "", element.tail or ""))
    return found


def slowly(page: list[str] | str, css: str = "") -> Finished:
    with settings.override(STENCILS=False):
        return Stencils().finish(page, css)


def assert_same(quick: Finished, slow: Finished) -> None:
    assert tree(quick.html) == tree(slow.html)
    if quick.html != slow.html:  # only what the first page of a shape may not hold
        assert re.search(r"&(?:quot|#3[49]);|\s[^\s=/]+\s*=", quick.html)
    assert quick.text == slow.text


def filled(template: list[str | int], values: list[object]) -> list[str]:
    """Return the chunks that Jinja would yield: literals as they are, values escaped."""
    return [piece if isinstance(piece, str) else escape(values[piece]) for piece in template]


# --- generated templates ---

WORDS = st.sampled_from(
    [
        "Ann",
        "a b",
        "É—ß",
        "日本語のテキスト",
        "שלום עולם",
        "1.",
        "- x",
        "# x",
        "> x",
        "* * *",
        "$5.00",
        "x" * 90,
        "word " * 30,
        "A&B",
        "it's",
        'say "hi"',
        "<b>bold</b>",
        "</td>",
        "-->",
        "--",
        "-",
        "a-",
        "!",
        "&amp;",
        "&",
        "&lt;p&gt;",
        "&#39;",
        "\ue000",
        "zq0x",
        "zqax0z",
        "zqax1z",
        "\x0212\x03",
        "",
        " ",
        "\n",
        " x",
        "x ",
        "a  b",
        "a\nb",
        "a\r\nb",
        "\t",
        "\xa0",
        "1\xa0000\u202f€",
        "\u200b",
        "\u200c",
        "a\u200cb",
        "\u200dx",
        "👩\u200d👩\u200d👧",
        "\ufeff",
        "\xad",
        "co\xadop",
        "\u2028",
        "\u2066x\u2069",
        "\u0301",
        "e\u0301",
        "\x85",
        "https://x.example/",
        "http://x.example/a b?c=d&e=f",
        "javascript:alert(1)",
        "mailto:a@b.c",
        "#top",
        "tel:+49 30",
        "{{ x }}",
        "javascript",
        "data:text/html,x",
        "class=x",
        "c1",
        "color:red",
        "display:none",
        "100%",
        "\x0e1\x10",
        "]]>",
        "x;",
        "amp;",
        "lt",
        "#Ann{color:red}",
        "a[href^=h]{color:red}",
        "[href^=http] , #c1",
    ]
)
MARKUP = st.sampled_from(
    [
        "€&nbsp;12",
        'He said "hi", twice',
        "a<br>b",
        "a<br>\n<i>b</i> ",
        '{"@type": "Order", "name": "Ann \\u0026 Co", "n": [1, 2]}',
        "&copy; Ann &mdash; Bob",
        "&nbsp;",
        " x ",
        "<p id='Ann'>Ann</p>",
        "<b data-x='a' title=\"b\">x</b> y &amp z",
        "<a href='tel:+49&nbsp;30'>+49&nbsp;30</a>",
        "x</p><p>y",
        "&am",
    ]
).map(Markup)
VALUES = st.one_of(WORDS, MARKUP, st.text(max_size=12), st.text("abc &<>\"'-! \n;", max_size=8))
TEXTS = st.sampled_from(
    [
        "",
        " ",
        "\n  ",
        "Hello ",
        " and ",
        ": ",
        "&",
        "&am",
        "&#3",
        "&lt;",
        "<",
        "zqx",
        "x",
        ".",
        "  two  ",
        "é",
    ]
)
SELECTORS = st.sampled_from(
    [
        ".c1",
        "#i1",
        "p",
        "td",
        "a",
        "a[href]",
        "a[href^='http']",
        "[title='Ann']",
        "img[alt]",
        "li:first-child",
        "tr:last-child td",
        "tr:nth-child(2)",
        "p + p",
        "p > b",
        "a:hover",
        "*",
        "[class~=c1]",
        "td:first-child",
        "[style]",
        "b:empty",
        "a[h\\72 ef]",
        "#Ann",
        "#\\41 nn",
        "[id=c1]",
        "a[href^=tel]",
        "a[href^='https://x.example/?a=A']",
        "[title*=n]",
        "[data-x$='n']",
        "[alt~=Ann]",
        "[lang|=Ann]",
        "p:lang(Ann)",
        "[data-y!='Ann']",
        "[aria-label='1.']",
        "[content='x']p",
        "[title='a]b']",
    ]
)
DECLARATIONS = st.sampled_from(
    [
        "color:red",
        "color:blue !important",
        "display:none",
        "width:calc(1px + 2%)",
        "font-size:0",
        "text-align:right",
        "margin:0;margin-top:2px",
        "background:url('x;y')",
        "width:10px",
    ]
)


@st.composite
def sheets(draw: st.DrawFn) -> str:
    rules = draw(st.lists(st.tuples(SELECTORS, DECLARATIONS), max_size=4))
    css = "".join(f"{selector}{{{body}}}\n" for selector, body in rules)
    return css + draw(
        st.sampled_from(["", "@media (max-width:9px){.c1{color:green}}", "}", "@import url(x.css);"])
    )


class Builder:
    """Draws a template: literals, and numbers for the values."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.count = 0

    def slot(self) -> list[str | int]:
        if self.draw(st.integers(0, 3)) == 0:
            return [self.draw(st.sampled_from(["fixed", "c1", "https://x.example/"]))]
        self.count += 1
        return [self.count - 1]

    def text(self) -> list[str | int]:
        pieces: list[str | int] = [self.draw(TEXTS)]
        for _ in range(self.draw(st.integers(0, 2))):
            pieces += [*self.slot(), self.draw(TEXTS)]
        return pieces

    def attribute(self, name: str) -> list[str | int]:
        quote = self.draw(st.sampled_from(['"', '"', '"', "'", ""]))
        return [
            f" {name}={quote}",
            self.draw(st.sampled_from(["", "", "x", "https://x.example/?a=", "c1 "])),
            *self.slot(),
            quote,
        ]

    def attributes(self) -> list[str | int]:
        names = self.draw(
            st.lists(
                st.sampled_from(
                    [
                        "class",
                        "id",
                        "style",
                        "title",
                        "lang",
                        "align",
                        "data-x",
                        "data-y",
                        "aria-label",
                        "background",
                        "name",
                        "value",
                        "for",
                    ]
                ),
                max_size=2,
                unique=True,
            )
        )
        return [piece for name in names for piece in self.attribute(name)]

    def nodes(self, depth: int) -> list[str | int]:
        return [piece for _ in range(self.draw(st.integers(1, 3))) for piece in self.node(depth)]

    def node(self, depth: int) -> list[str | int]:
        kind = self.draw(
            st.sampled_from(
                [
                    "text",
                    "text",
                    "block",
                    "link",
                    "image",
                    "table",
                    "list",
                    "comment",
                    "pre",
                    "raw",
                    "br",
                    "meta",
                    "json",
                ]
            )
        )
        if kind == "text" or depth > 2:
            return self.text()
        if kind == "br":
            return [self.draw(st.sampled_from(["<br>", "<hr>", "<br/>", "<![if !mso]>", "</p>", "<div>"]))]
        if kind == "block":
            tag = self.draw(st.sampled_from(["p", "div", "b", "h2", "blockquote", "span", "center"]))
            return [f"<{tag}", *self.attributes(), ">", *self.nodes(depth + 1), f"</{tag}>"]
        if kind == "link":
            return ["<a", *self.attribute("href"), ">", *self.nodes(depth + 2), "</a>"]
        if kind == "image":
            return ["<img", *self.attribute("src"), *self.attribute("alt"), ">"]
        if kind == "list":
            tag = self.draw(st.sampled_from(["ul", "ol"]))
            items = [
                piece
                for _ in range(self.draw(st.integers(1, 3)))
                for piece in ["<li", *self.attributes(), ">", *self.nodes(depth + 1), "</li>"]
            ]
            return [f"<{tag}>", *items, f"</{tag}>"]
        if kind == "table":
            cell = self.draw(st.sampled_from(["td", "th"]))
            width = self.draw(st.integers(1, 3))
            rows: list[str | int] = []
            for number in range(self.draw(st.integers(1, 3))):
                name = cell if number == 0 else "td"
                rows += [
                    "<tr>",
                    *(
                        p
                        for _ in range(width)
                        for p in [f"<{name}", *self.attributes(), ">", *self.text(), f"</{name}>"]
                    ),
                    "</tr>",
                ]
            return ["<table>", *rows, "</table>"]
        if kind == "comment":
            return [
                self.draw(st.sampled_from(["<!--", "<!--[if mso]>", "<!-- a -"])),
                *self.text(),
                self.draw(st.sampled_from(["-->", "<![endif]-->", ">-->"])),
            ]
        if kind == "meta":
            kept = self.draw(st.sampled_from(["itemprop=x", 'http-equiv="Content-Type"', "name=x"]))
            return [f"<meta {kept}", *self.attribute("content"), ">"]
        if kind == "json":
            return ['<script type="application/ld+json">{"name": "', *self.slot(), '"}</script>']
        if kind == "pre":
            return ["<pre>", *self.text(), "</pre>"]
        tag = self.draw(st.sampled_from(["style", "script", "title", "textarea"]))
        return [f"<{tag}>", *self.text(), f"</{tag}>"]


@st.composite
def templates(draw: st.DrawFn) -> tuple[list[str | int], list[list[object]], str]:
    builder = Builder(draw)
    body = builder.nodes(0)
    style = draw(st.one_of(st.just(""), sheets()))
    start = draw(
        st.sampled_from(["", "<!doctype html><html><head><title>x</title></head><body>", "<body class=c1>"])
    )
    template: list[str | int] = [start, f"<style>{style}</style>" if style else "", *body]
    rows = st.lists(VALUES, min_size=builder.count, max_size=builder.count)
    return template, draw(st.lists(rows, min_size=2, max_size=4)), draw(st.one_of(st.just(""), sheets()))


EXAMPLES = int(os.environ.get("PROPERTY_EXAMPLES", "0"))  # 10000 for the long run of docs/stencils.md
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]


@hypothesis_settings(max_examples=EXAMPLES or 100, deadline=None, suppress_health_check=SLOW)
@given(templates())
def test_a_filled_stencil_equals_the_slow_way(drawn: tuple[list[str | int], list[list[object]], str]) -> None:
    template, messages, css = drawn
    stencils = Stencils()
    for values in messages:
        chunks = filled(template, values)
        assert_same(stencils.finish(chunks, css), slowly(chunks, css))


@hypothesis_settings(max_examples=EXAMPLES or 40, deadline=None, suppress_health_check=SLOW)
@given(templates())
def test_a_page_given_as_one_string_equals_the_slow_way(
    drawn: tuple[list[str | int], list[list[object]], str],
) -> None:
    template, messages, css = drawn
    stencils = Stencils()
    for values in messages:
        page = "".join(filled(template, values))
        assert_same(stencils.finish(page, css), slowly(page, css))


@hypothesis_settings(max_examples=EXAMPLES or 60, deadline=None, suppress_health_check=SLOW)
@given(templates(), st.lists(st.integers(0, 40), min_size=2, max_size=6, unique=True))
def test_a_page_with_markup_made_by_macros_equals_the_slow_way(
    drawn: tuple[list[str | int], list[list[object]], str], cuts: list[int]
) -> None:
    template, messages, css = drawn
    stencils = Stencils()
    edges = sorted(cuts)
    for values in [*messages, *messages]:  # a form is known from the second time on
        chunks = filled(template, values)
        for start, end in zip(edges[-2::-2], edges[::-2], strict=False):
            chunks[start:end] = [Markup("").join(map(Markup, chunks[start:end]))]
        assert_same(stencils.finish(chunks, css), slowly(chunks, css))


@hypothesis_settings(max_examples=EXAMPLES or 60, deadline=None, suppress_health_check=SLOW)
@given(st.lists(VALUES, min_size=9, max_size=9), st.lists(VALUES, min_size=9, max_size=9))
@example(["x"] * 9, ["javascript:x"] * 9)
def test_every_value_of_an_ordinary_mail_may_vary(first: list[str], second: list[str]) -> None:
    source = (
        "<!doctype html><html><head><title>{}</title><style>p{color:red} .c1{margin:0}</style></head><body>"
        '<p class=\'c1\'>Dear {},</p><p><a href="{}">{}</a> or <a href="https://x.example/?q={}">there</a></p>'
        '<!--[if mso]><v:rect href="{}"/><![endif]--><table><tr><th>Item<th align=right>Price</tr>'
        '<tr><td>{}<td align=right>{}</tr></table><img alt="{}" src="x.png"></body></html>'
    )
    literals = source.split("{}")
    template = [piece for number, literal in enumerate(literals) for piece in (literal, number)][:-1]
    stencils = Stencils()
    for values in (["Bob"] * 9, first, second):
        chunks = filled(template, values)
        assert_same(stencils.finish(chunks), slowly(chunks))


# --- what a stencil is for ---


def environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(PAGE), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )


@pytest.mark.parametrize("name", ["receipt", "invoice", "digest"])
def test_real_templates_are_filled_and_equal_the_slow_way(name: str) -> None:
    from benchmarks.render import context

    chance = random.Random(7)
    template = environment().get_template(f"{name}.html")
    stencils = Stencils()
    for _ in range(40):
        chunks = list(template.generate(context(name, chance)))
        assert_same(stencils.finish(chunks), slowly(chunks))
    assert stencils.stats.hits > 20
    assert stencils.stats.fallbacks == 0


@pytest.mark.parametrize("name", ["admin", "manager"])
def test_the_mails_that_ship_share_a_stencil_between_messages(name: str) -> None:
    from aerogram.templating import Templates

    templates = Templates(shared={"site_name": "Example", "base_url": "https://example.com"})
    stencils = Stencils()
    for number in range(3):
        variables = {"message": f"Disk {number} is full & slow", "subject": f"Error {number}"}
        chunks = templates.html_chunks(f"aerogram/{name}.html", variables, "test")
        assert_same(stencils.finish(chunks), slowly(chunks))
    assert (stencils.stats.hits, stencils.stats.misses) == (2, 1)


@pytest.mark.parametrize("name", ["receipt", "invoice", "digest"])
def test_a_shape_is_compiled_when_it_comes_again(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks.render import context

    monkeypatch.undo()  # as outside of the tests
    compiled = []
    compile_stencil = stencil.compile_stencil
    monkeypatch.setattr(stencil, "_compile", lambda *given: compiled.append(1) or compile_stencil(*given))
    template, stencils = environment().get_template(f"{name}.html"), Stencils()
    chunks = list(template.generate(context(name, random.Random(8))))
    pages = [stencils.finish(chunks)]
    assert not compiled
    pages += [stencils.finish(chunks), stencils.finish(chunks)]
    assert len(compiled) == 1
    assert [(page.html, page.text) for page in pages] == [(pages[0].html, pages[0].text)] * 3
    assert (stencils.stats.hits, stencils.stats.misses, stencils.stats.fallbacks) == (2, 1, 0)


@pytest.mark.parametrize("value", ["it's", 'say "hi"', Markup("say &quot;hi&quot;")])
def test_the_first_page_of_a_shape_is_written_as_the_next_ones(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()  # as outside of the tests
    stencils = Stencils()
    chunks = ["<p>Dear ", escape(value), '</p><a href="https://x.example/?q=', escape(value), '">x</a>']
    assert len({stencils.finish(chunks).html for _ in range(3)}) == 1
    assert len({stencils.finish("".join(chunks)).html for _ in range(3)}) == 1


def test_a_second_message_of_a_shape_is_a_hit() -> None:
    stencils = Stencils()
    for name in ("Ann", "Bob", "Cem"):
        stencils.finish(["<p>Dear ", escape(name), "</p>"])
    assert (stencils.stats.hits, stencils.stats.misses, stencils.stats.fallbacks) == (2, 1, 0)


def test_a_macros_markup_is_split_into_shape_and_values() -> None:
    stencils = Stencils()
    for link in ("https://x.example/1", "https://x.example/2"):
        page = stencils.finish(
            ["<p>", Markup(f'<b class="c"><a href="{link}">Open {link[-1]}</a></b>'), "</p>"]
        )
    assert stencils.stats.hits == 1
    assert page.text == "Open 2: https://x.example/2\n"


FREE = [
    '<p id="{}">x</p>',
    '<p data-order="{}" aria-describedby="{}">x</p>',
    "<p lang='{}'>x</p>",
    '<img srcset="{} 2x" src="x.png">',
    '<div itemscope><meta itemprop="name" content="{}"><form action="{}"><input value="{}"></form></div>',
    '<script type="application/ld+json">{{"name": "{}", "link": "https://x.example/{}"}}</script><p>x</p>',
    '<a href="https://x.example/{}">x</a>',
    '<a href="{}" title="{}">x</a>',
    '<style>p {{ color: #{} }} a[href^="tel:"] {{ color: blue }}</style><p id="{}">x</p>',
]


@pytest.mark.parametrize("page", FREE)
def test_values_nobody_looks_at_may_vary(page: str) -> None:
    stencils = Stencils()
    css = "a[href] { color: red } a[href^='tel:'], [title='x'], #top, [class='lang'] { margin: 0 }"
    literals = page.format(*["\0"] * page.count("{}")).split("\0")
    is_color = "color: #" in page
    for number in range(5):
        chunks = [literals[0]]
        for place, literal in enumerate(literals[1:]):
            chunks += [escape("fff" if is_color and not place else f"a{number}"), literal]
        assert_same(stencils.finish(chunks, css), slowly(chunks, css))
    assert (stencils.stats.hits, stencils.stats.misses) == (4, 1)


@pytest.mark.parametrize(
    "markup", ["€&nbsp;{}", 'said "{}" &amp; left', "{}<br>{}", ' title="{}" class="c"', " {}\n"]
)
def test_markup_of_a_form_seen_before_may_vary(markup: str) -> None:
    stencils = Stencils()
    for number in range(4):
        chunks = ["<p", Markup(markup.format(number, number)), ">x</p>"] if "=" in markup else []
        chunks = chunks or ["<p>", Markup(markup.format(number, number)), "</p>"]
        assert_same(stencils.finish(chunks), slowly(chunks))
    assert (stencils.stats.hits, stencils.stats.misses) == (3, 1)


def test_a_value_that_answers_a_selector_belongs_to_the_shape() -> None:
    stencils = Stencils()
    css = "a[href^='tel:'] { color: red } #top { margin: 0 }"
    for link, name in [
        ("tel:1", "x"),
        ("https://x.example", "y"),
        ("https://y.example", "top"),
        ("tel:1", "z"),
    ]:
        chunks = ['<a href="', escape(link), '" id="', escape(name), '">a</a>']
        assert_same(stencils.finish(chunks, css), slowly(chunks, css))
    assert (stencils.stats.hits, stencils.stats.misses) == (1, 3)


@pytest.mark.parametrize(
    "rule", ["a[href^=h]{color:red}", "#x1{color:red}", "[id=x1]{color:red}", "[href^=h],b"]
)
def test_a_selector_that_comes_as_a_value_is_asked_too(rule: str) -> None:
    stencils = Stencils()
    for number in (1, 2, 1):
        chunks = ["<style>", Markup(rule), '</style><a href="', escape(f"h{number}"), '" id="']
        chunks += [escape(f"x{number}"), '">a</a>']
        assert_same(stencils.finish(chunks), slowly(chunks))


@pytest.mark.parametrize(
    ("css", "name"),
    [
        ("#😀{color:red}", "😀"),
        ("#a·b{color:red}", "a·b"),
        ('[title="/*"]{color:red} #top{color:blue} p::after{content:"*/"}', "top"),
        ("#to<!--p{color:red}", "top"),
        ("#to/**/p{color:red}", "top"),
    ],
)
def test_ids_are_found_however_a_sheet_names_them(css: str, name: str) -> None:
    stencils = Stencils()
    for value in ("x", name, "y", name):
        chunks = ["<style>", css, '</style><p id="', escape(value), '">a</p>']
        assert_same(stencils.finish(chunks), slowly(chunks))


@pytest.mark.parametrize("value", ["[if mso]", "[endif]", "if !mso", "endif", "x"])
@pytest.mark.parametrize("comment", ["<!--{}-->", "<!--[{}]-->"])
def test_a_value_that_makes_a_comment_a_condition_is_as_the_slow_way_has_it(comment: str, value: str) -> None:
    stencils = Stencils()
    before, after = comment.split("{}")
    for each in ("a", value):
        chunks = ["<![if !mso]><p>x</p><![endif]>", before, escape(each), after, "<p>y</p>"]
        assert_same(stencils.finish(chunks), slowly(chunks))


def test_markup_with_many_marks_between_its_words_takes_no_time() -> None:
    stencils = Stencils()
    for number in (200, 200, 199):
        words = " ".join(f"w{word} don't&nbsp;go" for word in range(number))
        chunks = ["<div>", Markup(f"<p>{words}</p>"), "</div>"]
        assert_same(stencils.finish(chunks), slowly(chunks))
    assert stencils.stats.hits == 1


@pytest.mark.parametrize(
    "rest", ["<li><ul><li></li></ul></li>", "<li><br></li>", "<li></li>", "<li><ul><li>Ann</li></ul></li>"]
)
def test_a_picture_before_an_item_with_nothing_in_it(rest: str) -> None:
    stencils = Stencils()
    for name in ("Ann", "Bob"):
        chunks = ["<ul><li><br></li><li><img src=x alt='", escape(name), f"'></li>{rest}</ul>"]
        assert_same(stencils.finish(chunks), slowly(chunks))
        page = "".join(chunks)
        assert_same(stencils.finish(page), slowly(page))


@pytest.mark.parametrize("alt", [None, "Tea"])
@pytest.mark.parametrize("between", ["", "<p>", "</blockquote><p>100%</p><blockquote>"])
def test_an_image_that_repeats_its_title_is_left_out(alt: str | None, between: str) -> None:
    stencils = Stencils()
    pairs = [
        ("Tea", "Tea"),
        ("Tea", "Tea pot"),
        ("Tea pot", "Tea pot"),
        ("Pot", "Tea"),
        ("Pot", "Tea" + " pot" * 50),
    ]
    for image, title in [pairs[0], *pairs]:
        chunks = ["<blockquote><p>50%</p><img src=x alt='", alt or escape(image), "'>"]
        chunks += [between, "<h2><a href='//x.example/", escape(title), "'>", escape(title), "</a></h2>"]
        chunks += ["<p>", escape(image), "</p></blockquote>"]
        assert_same(stencils.finish(chunks), slowly(chunks))
    assert stencils.stats.hits == 5


def test_a_mistake_in_making_a_stencil_costs_nobody_a_mail(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def mistaken(*_: object) -> None:
        raise IndexError("Ann's secret")

    monkeypatch.undo()  # as outside of the tests
    monkeypatch.setattr(stencil, "compile_stencil", mistaken)
    stencils = Stencils()
    for name in ("Ann", "Bob", "Cem"):
        chunks = ["<p>Dear ", escape(name), "</p>"]
        assert_same(stencils.finish(chunks), slowly(chunks))
    assert stencils.stats.fallbacks == 2
    assert caplog.messages == ["a page could not be made a stencil: IndexError"]


def test_a_value_that_holds_the_placeholder_goes_the_slow_way_and_leaves_no_trace() -> None:
    stencils = Stencils()
    for name in ("zqax0z", "Ann", "Bob"):
        chunks = ["<p>Dear ", escape(name), "</p>"]
        assert_same(stencils.finish(chunks), slowly(chunks))
    assert (stencils.stats.hits, stencils.stats.misses, stencils.stats.fallbacks) == (1, 1, 1)


def test_no_attribute_that_the_library_reads_is_free() -> None:
    """Whoever lets the text part or the inlining look at one more attribute must take it off the list."""
    package = Path(stencil.__file__).parent.parent
    files = [
        *(package / "document").glob("*.py"),
        *(package / "inlining").glob("*.py"),
        *(package / "plaintext").glob("*.py"),
    ]
    source = "".join(file.read_text() for file in files)
    read = set(re.findall(r"""(?:\.get\(|attrib\[|attributes\[)f?"([\w-]+)\"""", source))
    read |= set(re.findall(r"""\.attrib(?:utes)?\.(?:get|pop)\("([\w-]+)\"""", source))
    assert {"style", "class", "width", "align", "colspan", "start"} <= read
    # What the text part shows is filled in there too; what selectors ask for is asked of the values;
    # find_places() leaves out the language of a page with quotations, and the number of a list item.
    shown = {"href", "alt", "id", "title", "src", "lang", "value"}
    assert {name for name in read if is_free(name)} <= shown


def test_a_value_that_is_empty_for_some_does_not_part_the_others() -> None:
    stencils = Stencils()
    for middle in ("", "B.", "", "C.", "", "D."):
        chunks = ["<p>Dear ", escape("Ann"), " ", escape(middle), " ", escape("Lee"), "</p>"]
        assert_same(stencils.finish(chunks), slowly(chunks))
    assert (stencils.stats.hits, stencils.stats.misses, stencils.stats.entries) == (4, 2, 5)


def test_markup_of_many_forms_is_still_right() -> None:
    stencils = Stencils()
    for number in [*range(20), *range(20)]:
        rows = "".join(f"<tr><td>row {row}<td>{number}</tr>" for row in range(number))
        chunks = ["<p>Dear ", escape("Ann"), "</p>", Markup(f"<table>{rows}</table>")]
        assert_same(stencils.finish(chunks), slowly(chunks))
    assert stencils.stats.hits == 20


@pytest.mark.parametrize(
    "place",
    [
        '<p class="{}">x</p>',
        '<p id="{}">x</p>',
        '<p style="color:{}">x</p>',
        "<style>.{}{{color:red}}</style><p class=a>x</p>",
    ],
)
def test_a_value_that_shapes_the_page_makes_a_stencil_of_its_own(place: str) -> None:
    before, after = place.format("\0").split("\0")
    stencils = Stencils()
    css = ".red{color:red} #red{margin:0}"
    for value in ("red", "blue", "red"):
        chunks = [before, escape(value), after]
        assert_same(stencils.finish(chunks, css), slowly(chunks, css))
    assert (stencils.stats.hits, stencils.stats.misses) == (1, 2)


def test_an_attribute_that_a_selector_reads_belongs_to_the_shape() -> None:
    stencils = Stencils()
    css = "a[href^='https://x']{color:red}"
    pages = [
        stencils.finish(['<a href="', escape(url), '">a</a>'], css)
        for url in ("https://x.example", "https://y.example")
    ]
    assert ['style="color:red"' in page.html for page in pages] == [True, False]


def test_rows_change_what_nth_child_selects() -> None:
    css = "tr:last-child td{color:red}"
    stencils = Stencils()
    for rows in (1, 2, 3, 2):
        chunks = [
            "<table>",
            *(piece for row in range(rows) for piece in ["<tr><td>", escape(f"row {row}"), "</td></tr>"]),
            "</table>",
        ]
        assert_same(stencils.finish(chunks, css), slowly(chunks, css))
    assert stencils.stats.hits == 1


def test_one_recipients_values_never_reach_another() -> None:
    stencils = Stencils()
    chunks = [
        "<style>b{color:red}</style><p>Dear <b>",
        None,
        '</b></p><img alt="',
        None,
        '"><!--',
        None,
        "-->",
    ]
    for number in range(50):
        page = stencils.finish([piece or escape(f"secret{number}x") for piece in chunks])
        assert set(re.findall(r"secret\d+x", page.html + page.text)) == {f"secret{number}x"}


def test_the_oldest_shapes_go_when_the_cache_is_full() -> None:
    by_entries, by_octets = Stencils(entries=3), Stencils(octets=20_000)
    for number in range(40):
        for stencils in (by_entries, by_octets):
            stencils.finish([f"<p>{'x' * 500}{number} ", escape("Ann"), "</p>"])
    assert by_entries.stats.entries <= 9  # a shape takes three
    assert 0 < by_octets.stats.octets <= 20_000


def test_a_cache_of_nothing_still_finishes() -> None:
    stencils = Stencils(entries=0)
    assert stencils.finish(["<p>", escape("Ann"), "</p>"]).text == "Ann\n"
    assert stencils.stats.entries == 0


def test_threads_share_one_cache() -> None:
    stencils = Stencils(entries=4)
    wrong: list[str] = []

    def work(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(150):
            shape, name = chance.randrange(8), f"name{chance.randrange(10**6)}"
            page = stencils.finish([f"<p class=c{shape}>Dear ", escape(name), "</p>"], ".c1{color:red}")
            if page.text != f"Dear {name}\n" or ("color:red" in page.html) is not (shape == 1):
                wrong.append(page.html)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert stencils.stats.hits + stencils.stats.misses == 600


def test_the_setting_turns_stencils_off() -> None:
    stencils = Stencils()
    with settings.override(STENCILS=False):
        stencils.finish("<p>x</p>")
    assert (stencils.stats.misses, stencils.stats.fallbacks) == (0, 1)


def test_the_width_of_the_text_is_read_for_each_message() -> None:
    stencils = Stencils()
    chunks = ["<p>", escape("word " * 12 + "end"), "</p>"]
    wide = stencils.finish(chunks).text
    with settings.override(TEXT_WIDTH=20):
        assert max(map(len, stencils.finish(chunks).text.splitlines())) <= 20
    assert stencils.finish(chunks).text == wide


def test_the_size_limit_holds_for_filled_pages() -> None:
    stencils = Stencils()
    with settings.override(HTML_SIZE_LIMIT=2000):
        stencils.finish(["<p>", escape("x"), "</p>"])
        with pytest.raises(DocumentError, match=r"shop/a\.html.*2\d\d\d bytes.*HTML_SIZE_LIMIT"):
            stencils.finish(["<p>", escape("x" * 2000), "</p>"], template="shop/a.html")


def test_no_text_is_made_when_none_is_wanted() -> None:
    assert Stencils().finish(["<p>", escape("x"), "</p>"], want_text=False).text == ""


def test_white_space_inside_a_value_collapses_as_it_does_in_the_page() -> None:
    stencils = Stencils()
    for gap in (" ", " \xa0\t", "\xa0", "\n\n", "\u3000 "):
        page = f"<table><tr><td>a<td>Hello{gap}Ann </table><p>Hello{gap}Ann</p>"
        assert_same(stencils.finish(page), slowly(page))


@pytest.mark.parametrize("value", ["&amp;" * 50_000, "a&lt;" * 50_000, "a" * 200_000, "é " * 50_000])
def test_a_long_value_is_looked_at_once(value: str) -> None:
    assert is_plain_text(f"{value}x")
    for end in ("&", "&x;", "\u200b", " ", ">"):
        assert not is_plain_text(value + end)
