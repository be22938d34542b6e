"""Relative URLs become absolute by BASE_URL, with a stencil and without one, in both parts."""

from __future__ import annotations

from typing import Any

import pytest
from jinja2 import DictLoader

from aerogram import Notification, Renderer
from aerogram.conf import settings
from aerogram.document import parse_html
from aerogram.exceptions import ImproperlyConfigured
from aerogram.inlining.links import absolute, absolute_srcset, find_links

BASE = "https://shop.example/a/b?q#f"


class Linked(Notification, abstract=True):
    """A mail whose variables are URLs."""

    subject = "Links"
    html_template = "a"
    to = ["ann@example.com"]
    x: str = "x"
    y: str = "y"

    css = "sheet.css"


def rendered(source: str, base: str = BASE, *, stencils: bool = True, **fields: str) -> Any:
    """Return the message, which is the same as that of a stencil made for other values."""
    with settings.override(BASE_URL=base, STENCILS=stencils, SITE_NAME=""):
        renderer = Renderer(loader=DictLoader({"a": source, "sheet.css": ".s { background: url(s.png) }"}))
        renderer.render(Linked(x="https://other.example/1", y="https://other.example/2"))
        return renderer.render(Linked(**fields))


def html(source: str, base: str = BASE, **options: Any) -> str:
    with_stencil = rendered(source, base, **options)
    without = rendered(source, base, stencils=False, **options)
    assert with_stencil.body == without.body
    written = str(with_stencil.alternatives[0].content).replace("&#39;", "'")
    assert written == str(without.alternatives[0].content)
    return str(with_stencil.alternatives[0].content)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("/x", "https://shop.example/x"),
        ("x", "https://shop.example/a/x"),
        ("./x", "https://shop.example/a/x"),
        ("../x?y=1&z=2#f", "https://shop.example/x?y=1&z=2#f"),
        ("?y", "https://shop.example/a/b?y"),
        ("//cdn.example/x", "https://cdn.example/x"),
        ("%C3%A4/ä", "https://shop.example/a/%C3%A4/ä"),
        (" /x ", "https://shop.example/x"),
        ("/x:y", "https://shop.example/x:y"),
        *[
            (url, url)
            for url in (
                *("", "#", "#top", "mailto:a@b.example", "tel:+49", "cid:logo", "data:image/png;base64,AA=="),
                *("https://other.example/x", "HTTP://other.example", "sms:1", "javascript:x()", "urn:a"),
                *("*|UNSUB|*", "[[url]]", "%%url%%", "{url}", "${url}", "<%= url %>", "//[", "&x"),
            )
        ],
    ],
)
def test_a_relative_url_is_resolved_and_no_other(url: str, expected: str) -> None:
    assert absolute(url, BASE).strip() == expected.strip()
    found = html("<p class=s><a href='{{ x }}'>Go</a> <img src='{{ y }}' alt=''></p>", x=url, y=url)
    root = parse_html(found)
    assert root.find(".//a").get("href").strip() == expected.strip()
    assert root.find(".//img").get("src").strip() == expected.strip()


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<table><td background='/x'>", 'background="https://shop.example/x"'),
        ("<video poster='/x' src='y'></video>", 'poster="https://shop.example/x"'),
        ("<form action='/x'></form>", 'action="https://shop.example/x"'),
        ("<img srcset='/x 1x, y 2x,z,/u,v' src='https://o.example'>",
         'srcset="https://shop.example/x 1x, https://shop.example/a/y 2x,https://shop.example/a/z,/u,v"'),
        ("<p style='background: url(/x)'>", "url(https://shop.example/x)"),
        ("<p style='background: URL( \"x\" ), url(data:,a), url(#a)'>",
         "URL( &quot;https://shop.example/a/x&quot; ), url(data:,a), url(#a)"),
        ("<style>p { background: url('/x') } @media print { p { background: url(y) } }</style><p>",
         "url('https://shop.example/x')"),
        ("<style>/* url(/n) */ @media print { p::before { content: 'url(/x)' } q { background: url(/x) } }"
         "</style><p>",
         "content: 'url(/x)' } q { background: url(https://shop.example/x)"),
        ("<p class=s>", "url(https://shop.example/a/s.png)"),
        ("<p><!--[if mso]><v:fill src=\"/x?a&amp;b\"/><![endif]-->", 'src="https://shop.example/x?a&amp;b"'),
        ("<!--[if mso]><v:fill src='/x'/><![endif]--><p>a", "src='https://shop.example/x'"),
        ("<html><p>a</html><!--[if mso]><a href='/x'>b</a><![endif]-->", "href='https://shop.example/x'"),
        ("<!-- href=\"/x\" --><p>", '<!-- href="/x" -->'),
        ("<base href='https://o.example/d/'><a href='x'>", 'href="https://o.example/d/x"'),
        ("<base href='d/'><a href='x'>", 'href="https://shop.example/a/d/x"'),
    ],
)  # fmt: skip
def test_every_place_of_a_url_is_resolved(markup: str, expected: str) -> None:
    assert expected.replace("&quot;", '"') in html(markup).replace("&quot;", '"')


@pytest.mark.parametrize(
    ("source", "x", "expected"),
    [
        ("<a href='{{ x }}'>", "/x?a=1&b='2", "https://shop.example/x?a=1&amp;b='2"),
        ("<a href='{{ x }}/page'>", "en", "https://shop.example/a/en/page"),
        ("<a href='{{ x }}/page'>", "..", "https://shop.example/page"),
        ("<a href='{{ x }}/page'>", "https://o.example", "https://o.example/page"),
        ("<a href='{{ x }}{{ y }}'>", "/p", "https://shop.example/py"),
        ("<a href='/orders/{{ x }}'>", "7?a", "https://shop.example/orders/7?a"),
        ("<a href='../{{ x }}'>", "7", "https://shop.example/7"),
        ("<a href='https://o.example/{{ x }}'>", "7", "https://o.example/7"),
        ("<a href='?{{ x }}'>", "7", "https://shop.example/a/b?7"),
        ("<a href='{{ x }}?y={{ y }}'>", "", "https://shop.example/a/b?y=y"),
        ("{% macro m(u) %}<b><a href='{{ u }}'>Go</a></b>{% endmacro %}{{ m(x) }}", "/x",
         "https://shop.example/x"),
        ("<a href='/{{ x }}'><img srcset='{{ x }} 2x, c 3x'>", "d",
         'srcset="https://shop.example/a/d 2x, https://shop.example/a/c 3x'),
        ("<img srcset='{{ x }}'>", "d 1x, /e 2x",
         'srcset="https://shop.example/a/d 1x, https://shop.example/e 2x'),
        ("<img srcset='c, /i/{{ x }} 2x'>", "d", 'https://shop.example/a/c, https://shop.example/i/d 2x'),
        ("<!--[if mso]><v:rect href=\"{{ x }}\"/><![endif]--><a href='{{ x }}'>", "/x",
         '<v:rect href="https://shop.example/x"'),
        ("<p style='background: url({{ x }})'>", "/x.png", "url(https://shop.example/x.png)"),
        ("<video poster='{{ x }}'>", "/x.png", "https://shop.example/x.png"),
    ],
)  # fmt: skip
def test_a_url_that_a_variable_gives_is_resolved_at_render_time(source: str, x: str, expected: str) -> None:
    assert expected in html(f"<p>Hello</p>{source}Go</a>", x=x).replace("&#39;", "'")


def test_the_text_part_has_the_same_links() -> None:
    source = "<p><a href='{{ x }}'>Order</a> <a href='/help'>Help</a> <a href='#top'>Up</a></p>"
    html(source, x="/o/1")
    assert rendered(source, x="/o/1").body == (
        "Order: https://shop.example/o/1 Help: https://shop.example/help Up\n"
    )


def test_without_a_base_nothing_changes() -> None:
    source = "<a href='/x'>a</a><a href='{{ x }}'>b</a>"
    assert html(source, "", x="/y") == '<a href="/x">a</a><a href="/y">b</a>'


@pytest.mark.parametrize(
    "base",
    ["shop.example", "/shop", "//shop.example", "https://", "https:///x", "mailto:a@b.example",
     "javascript:x", "https://shop\n.example", " https://shop.example", "https://shop.example/a b"],
)  # fmt: skip
def test_a_base_that_is_no_web_address_is_refused(base: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"BASE_URL.*https://shop\.example\.com"):
        settings.configure(BASE_URL=base)


@pytest.mark.parametrize(
    "base", ["HTTPS://shop.example", "http://[::1]:8000/mails/", "https://bücher.example"]
)
def test_a_base_may_be_any_web_address(base: str) -> None:
    with settings.override(BASE_URL=base):
        assert base == settings.BASE_URL


def test_two_bases_have_stencils_of_their_own() -> None:
    renderer = Renderer(loader=DictLoader({"a": "<a href='/x'>{{ x }}</a>", "sheet.css": ""}))
    for base in ("https://one.example", "https://two.example", "https://one.example/"):
        with settings.override(BASE_URL=base):
            content = renderer.render(Linked()).alternatives[0].content
            assert f"{base.rstrip('/')}/x" in str(content)


def test_a_selector_sees_the_url_that_the_author_wrote() -> None:
    source = "<style>a[href^='/'] { color: red }</style><a href='{{ x }}'>Go</a>"
    assert 'style="color:red"' in html(source, x="/x")
    assert "style=" not in html(source, x="https://o.example")


def test_stencils_are_used_for_relative_links_too() -> None:
    with settings.override(BASE_URL="https://shop.example"):
        renderer = Renderer(loader=DictLoader({"a": "<a href='{{ x }}'>{{ y }}</a>", "sheet.css": ""}))
        for number in range(3):
            renderer.render(Linked(x=f"/{number}", y=f"Order {number}"))
    assert renderer.stencils.stats.hits == 2


@pytest.mark.parametrize("urls", [",,,", "a,,", " , a 1x,b", "a" * 5 + "," * 50_000])
def test_a_srcset_of_any_form_keeps_its_text(urls: str) -> None:
    assert absolute_srcset(urls, "https://shop.example").replace("https://shop.example/", "") == urls


def test_every_url_is_found() -> None:
    root = parse_html(
        "<a href=1></a><img src=2 srcset='3 1x, 4 2x'>"
        "<p style='background: url(5)'><style>a {b: url(6)}</style>"
    )
    assert [link.url for link in find_links(root)] == ["1", "2", "3", "4", "5", "6"]
