"""HTML is read as Chromium reads it, written so that it is read the same again, refused if it is hostile."""

from __future__ import annotations

import random
import re
import time
from html import escape
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from aerogram.document import parse_html, write_html
from aerogram.exceptions import DocumentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.sync_api import Page

DUMP = """pages => {
  const dump = node => {
    if (node.nodeType == Node.TEXT_NODE) return node.data
    if (node.nodeType == Node.COMMENT_NODE) return ["#comment", {}, [node.data]]
    if (node.nodeType == 7) return ["#comment", {}, [`?${node.target} ${node.data}?`]]
    const attributes = Object.fromEntries([...node.attributes ?? []].map(each => [each.name, each.value]))
    const holder = node.content instanceof DocumentFragment ? node.content : node
    return [node.localName, attributes, inside(holder)]
  }
  const inside = node => [...node.childNodes].filter(each => each.nodeType != 10).map(dump)  // no doctype
  return pages.map(([page, isPart]) => {
    const parsed = new DOMParser().parseFromString(isPart ? "" : page, "text/html")
    if (!isPart) return inside(parsed)
    const template = parsed.createElement("template")
    template.innerHTML = page
    return [["html", {}, [["body", {}, inside(template.content)]]]]
  })
}"""  # no scripts run in such a document, so that <noscript> is read as in a mail

PART_OF_TABLE = re.compile(r"(\s|<!--.*?-->)*<(t[dhr]|tbody|thead|tfoot|col|caption)\b")
WHOLE_PAGE = re.compile(r"<(html|head|body|!doctype)\b", re.IGNORECASE)
PRIVATE = {0xE000 + code: code for code in range(128)}  # names that lxml refuses are written with these


def dump(html: str) -> list[Any]:
    """Return the tree of a page in the form that the script above gives."""
    root = parse_html(html)
    assert root is not None
    around = [*reversed(list(root.itersiblings(preceding=True))), root, *root.itersiblings()]
    return [_dump(node) for node in around]


def _dump(node: Any) -> Any:
    if node.tag is etree.Comment:
        return ["#comment", {}, [node.text]]
    texts = [node.text or ""]
    inside = [part for child in node for part in (_dump(child), child.tail or "")]
    return [
        node.tag.translate(PRIVATE),
        {name.translate(PRIVATE): value for name, value in node.items()},
        [part for part in [*texts, *inside] if part != ""],
    ]


def shown(page: Page, pages: Sequence[str]) -> list[Any]:
    """Return the trees that Chromium makes of pages, and of rows and cells in a template."""
    asked = [[html, bool(PART_OF_TABLE.match(html) and not WHOLE_PAGE.search(html))] for html in pages]
    return list(page.evaluate(DUMP, asked))


MISNESTED = [
    '<a href="https://e.com"><table><tr><td>Open</td></tr></table></a>',
    '<a href="x"><fieldset><legend>a</legend>b</fieldset></a>',
    "<h1><p>a</p>b</h1>",
    "<h1><table><tr><td>a</td></tr></table></h1>",
    "<small><p>a</p></small>",
    "<b><p>a</p>b</b>c",
    "<font color=red><center>a</center></font>",
    "<address><ul><li>a</ul></address>",
    "<pre><table><tr><td>a</table></pre>",
    "<!doctype html><p><table><tr><td>a</table></p>",
    "<p><table><tr><td>a</table></p>",
    "<html><body><p>a</p></body></html><p>b</p>",
    "<html><body><p>a</body>b</html> c <!-- d --><div>e",
    "<html><body><p>a</p></body><!-- b --></html><!-- c -->",
    "<body class=a><p>x</p><body class=b id=c><p>y",
    "<html lang=en><html lang=de dir=ltr><head><title>t</title></head>",
    "<b>1<i>2</b>3</i>4",
    "<b><i><u>1</b>2</i>3</u>",
    "<p><b>1<p>2<p>3</b>4",
    "<a href=1>1<a href=2>2</a>3</a>",
    "<a href=1>1<table><tr><td><a href=2>2</a></table></a>",
    "<table>a<tr>b<td>c</td>d</tr>e</table>f",
    "<table><tr><td>a</td></tr><div>b</div></table>",
    "<table><form><tr><td><input name=a></form></table>",
    "<table><b>a<tr><td>b</table>c",
    "<table><caption>a<tr><td>b",
    "<table><col><col><tr><td>a",
    "<table><tr><th>a<td>b<tr><td>c</table>",
    "<form>a<form>b</form>c</form>",
    "<p>a<p>b<div>c<p>d</div>e",
    "<ul><li>a<li>b<ul><li>c</ul><li>d</ul>",
    "<dl><dt>a<dd>b<dt>c</dl>",
    "<select><option>a<option>b<optgroup label=c><option>d</select>",
    "<ruby>a<rt>b<rp>c</ruby>",
    "<nobr>a<nobr>b",
    "<h1>a<h2>b</h3>c",
    "<div><span>a</div>b</span>",
    "<center><p>a</center>b",
    "</p>a</br>b</div>c",
    "<p>a<hr>b</p>",
    "<noscript><p>a</p></noscript><p>b",
    "<head><noscript><img src=x></noscript><title>t</title></head>",
    "<template><tr><td>a</td></tr></template><p>b",
    "<template><p>a<template><li>b</template></p></template>",
    "<p><b>a</p><textarea>b</textarea>",
    "<style>p > b{}</style><script>a<b</script><title>a<b</title><textarea>a<b</textarea><xmp>a<b</xmp>",
    "<iframe>a<b></iframe><noembed>a<b></noembed><noframes>a<b></noframes>",
    "<svg viewBox='0 0 1 1'><linearGradient id=a gradientUnits=b /><title>c</title><p>d",
    "<svg><style>a&amp;b</style><foreignObject><div>c</div></foreignObject></svg>",
    "<math definitionurl=a><mi>b<mglyph></mi><annotation-xml encoding='text/html'><p>c</math>",
    "<o:p>&nbsp;</o:p><v:rect fill=t><v:textbox inset='0,0'>a</v:textbox></v:rect>",
    "<!--[if mso]><table><tr><td><![endif]--><p>a<!--[if mso]></td></tr></table><![endif]-->",
    "<!--[if !mso]><!--><p>a</p><!--<![endif]--><![if !mso]><p>b</p><![endif]>",
    "<!-- a - -- b ----><!----><!--> <p>x<!-- never closed",
    "<?xml version='1.0'?><!-- a --><!DOCTYPE html PUBLIC '-//W3C//DTD XHTML 1.0 Strict//EN' 'x'><p>a<table>",
    "<p :href=a @click='b' x-on:click=\"c\" a{b=1 {{d}} {e}='f' g\"h i'j=k l<m =n o&p>q",
    "<p a=1 A=2 b='' c d=\"e'f\" g='h\"i' j=k/l>m</p/>",
    "<body><?php echo 1; ?>b<table><?c d?><tr><td>e<? f?><?xml g?></table></body><?h i?></html><?j k?>",
    "<td>a<td>b<tr><td>c",
    "<tr><td>a</td></tr> <tr><td>b",
    "<!-- x --> <td><p>a<table><tr><td>b</table></td>",
    "<tbody><tr><td>a<thead><tr><th>b",
    "<col><col>",
    "<caption>a",
    "<li>a<li>b",
    "<option>a<option>b",
    "<pre>\n\na</pre><textarea>\n\nb</textarea><listing>\nc</listing>",
    "a &amp; &lt;c&gt; &nbsp; &copy; &copy=1 &notit; &nope; &#38; &#x80; &#0;<a href='?a=1&copy=2&b=&amp;'>",
    "<p>\r\na\rb\r\n</p>&#13;<p title='a\r\nb&#10;'>",
    "<image src=a><isindex><keygen><frame><menuitem>a</menuitem>",
    "<frameset><frame src=a><noframes>b</noframes></frameset>",
    "<x-a><y.b c=d>e</x-a><A-B>f</a-b>",
    '<a"b>c</a"b><d<e>f<g&h>i',
    "<p>a<![CDATA[b]]><svg><![CDATA[<c>]]></svg></x><x/>",
]


@pytest.mark.parametrize("start", range(0, len(MISNESTED), 10))
def test_a_tree_is_that_of_chromium(shared_page: Page, start: int) -> None:
    pages = MISNESTED[start : start + 10]
    for html, expected in zip(pages, shown(shared_page, pages), strict=True):
        assert [html, dump(html)] == [html, expected]


@pytest.mark.parametrize("html", MISNESTED)
def test_what_is_written_is_read_the_same_again(html: str) -> None:
    written = write_html(parse_html(html), html)
    assert dump(written) == dump(html)
    assert write_html(parse_html(written), written) == written


TAGS = [
    "a", "b", "p", "div", "span", "table", "tr", "td", "th", "tbody", "ul", "li", "dl", "dd", "h1", "form",
    "input", "button", "select", "option", "center", "font", "pre", "br", "hr", "img", "em", "nobr", "u",
    "svg", "math", "title", "style", "textarea", "noscript", "address", "fieldset", "object", "iframe",
    "html", "head", "body", "rt",
]  # fmt: skip
TOKENS = [
    *(f"<{tag}>" for tag in TAGS), *(f"</{tag}>" for tag in TAGS), "<a href=1>", "<font color=1>", "<b id=1>",
    "<input type=hidden>", "x", " ", "y", "&amp;", "<!-- c -->", "<!doctype html>",
]  # fmt: skip


def soups(seed: int, number: int) -> list[str]:
    """Return random pages of tags without order."""
    chance = random.Random(seed)
    pages = ["".join(chance.choices(TOKENS, k=chance.randrange(1, 25))).strip() for _ in range(number)]
    return [page for page in pages if page]


@pytest.mark.parametrize("seed", range(5))
def test_tags_without_order_make_the_tree_of_chromium(shared_page: Page, seed: int) -> None:
    pages = soups(seed, 200)
    for html, expected in zip(pages, shown(shared_page, pages), strict=True):
        assert [html, dump(html)] == [html, expected]


# --- what is written ---

TEXTS = st.text(alphabet="ab \n\t<>&;#'\"é\xa0=-!{}[]/\U0001f600", max_size=12).map(escape)
NAMES = st.sampled_from(["id", "class", "href", "alt", "data-x", "v:ext", "@on", ":to", "{{a}}", "a{b"])
ATTRIBUTES = st.dictionaries(NAMES, TEXTS, max_size=3).map(
    lambda each: "".join(f' {name}="{value}"' for name, value in each.items())
)


def element(tags: Sequence[str], inside: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(
        lambda tag, attributes, content: f"<{tag}{attributes}>{content}</{tag}>",
        st.sampled_from(tags),
        ATTRIBUTES,
        inside,
    )


def several(*strategies: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(st.one_of(*strategies), max_size=4).map("".join)


LEAVES = st.one_of(
    TEXTS,
    st.sampled_from(["<br>", "<img alt>", '<img alt="">', "<!-- a -->", "<!--[if mso]><td><![endif]-->"]),
    st.sampled_from(["<style>a > b{}</style>", "<svg><path/><title>t</title></svg>", "<o:p></o:p>"]),
)
PHRASES = st.recursive(
    LEAVES, lambda inner: element(("span", "b", "font", "em"), several(inner)), max_leaves=8
)
BLOCKS = st.recursive(
    element(("p", "h1", "pre", "a"), several(PHRASES)),
    lambda inner: st.one_of(
        element(("div", "center", "blockquote", "template"), several(inner, PHRASES)),
        several(inner).map(lambda item: f"<ul><li>{item}</li></ul><dl><dd>{item}</dd></dl>"),
        several(inner).map(lambda cell: f"<table><tbody><tr><td>{cell}</td></tr></tbody></table>"),
    ),
    max_leaves=8,
)


@given(several(BLOCKS), st.booleans())
def test_every_page_is_written_as_it_is_read(body: str, is_whole: bool) -> None:
    html = f"<!doctype html><html><head></head><body><p>{body}</body></html>" if is_whole else f"<div>{body}"
    root = parse_html(html)
    written = write_html(root, html)
    assert dump(written) == dump(html)
    assert write_html(parse_html(written), written) == written


@pytest.mark.parametrize(
    "html",
    [
        '<p alt="" nowrap wrap>a</p>',
        "<p title='\"'>a</p>",
        '<p title="\'">a</p>',
        '<a href="https://e.com/a b?c=ü&amp;d=%20&amp;e={{ f }}#g">h</a>',
        "<!--[if mso]><p>a<![endif]--><![if !mso]><p>b</p><![endif]>",
        "<!--[if !mso]><!--><p>c</p><!--<![endif]-->",
        '<!-- a --><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://x/x.dtd">\n'
        '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:v="urn:v"><head></head><body>'
        '<v:rect fill="t"><o:p>&amp;</o:p></v:rect></body></html><!-- z -->',
        '<?xml version="1.0"?><!doctype html>\n<html><head></head><body>a</body></html>',
        "<style>a > b { c: 'd' }</style><script>e && f</script><p>g</p>",
        "<td>a</td><td>b</td>",
        "<tr><td>a</td></tr>\n<tr><td>b</td></tr>",
        '<svg viewBox="0 0 1 1"><linearGradient gradientUnits="a"></linearGradient></svg>',
        "<template><tr><td>a</td></tr></template>",
        '<p {{ a }} @click="b" :c="d" x-on:e="f">g</p>',
        "<pre>\n\na</pre>",
        "<p>a</p><noscript><p>b</p></noscript>",
    ],
)
def test_what_is_written_as_browsers_do_stays_as_it_is(html: str) -> None:
    assert write_html(parse_html(html), html) == html


# --- hostile pages ---

HOSTILE = {
    "deep": "<div>" * 190_000,
    "lists": "<ul><li>" * 120_000,
    "definitions": "<li><dd>" * 120_000,
    "divs out of tables": "<div><table></div></table>" * 38_000,
    "divs out of cells": "<td><div></td>" * 70_000,
    "divs out of comments": "<div><!x </div>" * 65_000,
    "divs out of attributes": "<div><a b='</div>'>" * 52_000,
    "formats in a title of svg": "".join(f"<svg><title><b id={n}></title>" for n in range(25_000)),
    "formats that a title may close": "<svg></svg>"
    + "".join(f"<p><b id={n}><title></b></title>" for n in range(25_000)),
    "divs in svg": "<svg><title>" + "<div>" * 190_000,
    "divs behind a script": "<div><script><!--<script></script></div>--></script>" * 18_000,
    "divs behind a description": "<div><svg><desc><p></svg></div>" * 31_000,
    "formatting": "".join(f"<p><b id={number}>" for number in range(50_000)),
    "formatting in buttons": "".join(f"<button><i id={number}></button>" for number in range(28_000)),
    "formatting out of objects": "".join(f"<svg><object><b id={n}></object>" for n in range(25_000)),
    "formatting out of tables": "".join(f"<table><b id={number}></table><p>" for number in range(28_000)),
    "a hundred formats in every paragraph": "".join(f"<b id={n}>" for n in range(150)) + "<p>x" * 240_000,
    "spans and ends": "<span>" * 8_000 + "</x>" * 230_000,
    "spans and blocks": "<span>" * 8_000 + "<div></div>" * 85_000,
    "attributes": "<p " + " ".join(f"a{number}" for number in range(120_000)) + ">x",
    "attributes of an end": "</p " + " ".join(f"a{number}" for number in range(120_000)) + ">x",
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("html", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_page_is_refused_at_once(html: str) -> None:
    start = time.thread_time()
    with pytest.raises(DocumentError, match=r"nested too deeply|never closed|5,000 attributes"):
        parse_html(html)
    assert time.thread_time() - start < 10  # what is not refused takes minutes, or gigabytes


LARGE = {
    "cells": "<table>" + "<tr><td>a<td>b" * 60_000,
    "paragraphs": "<p>a" * 100_000,
    "links": '<p><a href="https://x.example">a</a> ' * 20_000,
    "formats": "<p><b>a</b> <i>b</i>" * 30_000,
    "formats left open": "<table><tr><td><font face=a><b>a</table>" * 20_000,
    "formats behind pictures": "<svg><title>a</title><path/></svg><p><b>a</b>" * 2_000,
    "the same format left open": "<p><b>a" * 1_000,
    "links left open": "".join(f"<p><a href={number}>a" for number in range(2_000)),
    "comments": "<!--a-->" * 100_000 + "<p>a",
    "markers of comments": "<p>" + "<?" * 400_000,
    "no tags": "<p a>" + "x" * 900_000,
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("html", LARGE.values(), ids=LARGE)
def test_a_large_page_is_read_and_written(html: str) -> None:
    assert write_html(parse_html(html), html).count("a") >= html.count("a")


def test_depth_is_counted_as_elements_inside_each_other() -> None:
    assert parse_html("<div>" * 1_990 + "x") is not None
    with pytest.raises(DocumentError, match=r"template 'a.html'.*nested too deeply"):
        parse_html("<div>" * 2_010, template="a.html")


def test_two_hundred_open_formats_are_read() -> None:
    assert parse_html("".join(f"<p><b id={number}>" for number in range(150))) is not None
    with pytest.raises(DocumentError, match=r"more than 200 formatting elements"):
        parse_html("".join(f"<p><b id={number}>" for number in range(210)))
