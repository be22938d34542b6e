"""HTML is read as Chromium reads it, written so that it is read the same again, refused if it is hostile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from lxml import etree

from aerogram.document import parse_html, write_html

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.sync_api import Page

DUMP = """pages => {
  const dump = node => {
    if (node.nodeType == Node.TEXT_NODE) return node.data
    if (node.nodeType == Node.COMMENT_NODE) return ["#comment", {}, [node.data]]
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
    """Return the trees that Chromium makes of pages."""
    parts = ("<td", "<tr", "<th", "<tbody", "<col", "<caption", "<!-- x --> <td")
    return list(page.evaluate(DUMP, [[html, html.startswith(parts)] for html in pages]))


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
def test_a_tree_is_that_of_chromium(page: Page, start: int) -> None:
    pages = MISNESTED[start : start + 10]
    for html, expected in zip(pages, shown(page, pages), strict=True):
        assert [html, dump(html)] == [html, expected]


@pytest.mark.parametrize("html", MISNESTED)
def test_what_is_written_is_read_the_same_again(html: str) -> None:
    written = write_html(parse_html(html), html)
    assert dump(written) == dump(html)
    assert write_html(parse_html(written), written) == written
