"""CSS ends up in style attributes, what cannot stays and wins where it should, and nothing is fetched."""

from __future__ import annotations

import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from html import escape
from pathlib import Path

import pytest
from lxml import etree

from aerogram.conf import settings
from aerogram.exceptions import DocumentError
from aerogram.inlining import inline_css


def style_of(html: str, path: str) -> dict[str, str]:
    """Return the declarations of the style attribute of the first element that matches."""
    root = etree.fromstring(html, etree.HTMLParser())
    style = root.find(f".//{path}").get("style", "")
    return dict(part.strip().split(":", 1) for part in style.split("; ") if part)


def sheet_of(html: str) -> str:
    return "".join(style.text or "" for style in etree.fromstring(html, etree.HTMLParser()).iter("style"))


# --- the cascade ---


def test_rules_become_attributes_and_the_sheet_goes() -> None:
    html = inline_css(
        "<style>p { color: red; margin: 0 }</style><p>x</p>", css="p { color: blue; padding: 1px }"
    )
    assert html == '<p style="color:blue; margin:0; padding:1px">x</p>'


@pytest.mark.parametrize(
    ("css", "attributes", "expected"),
    [
        ("p{color:red}", "style='color:blue'", {"color": "blue"}),
        ("p{color:red !important}", "style='color:blue'", {"color": "red !important"}),
        ("p{color:red !important}", "style='color:blue !important'", {"color": "blue !important"}),
        (".a.b{color:red} .a{color:blue}", "class='a b'", {"color": "red"}),
        ("#i{color:red} .a.b.c p, .a{color:blue}", "id=i class=a", {"color": "red"}),
        ("p[class]{color:red} p{color:blue}", "class=a", {"color": "red"}),
        (".a{color:blue !important} #i{color:red}", "id=i class=a", {"color": "blue !important"}),
        (".a{margin-top:5px} p{margin:0}", "class=a", {"margin": "0", "margin-top": "5px"}),
        (".a{margin-top:5px}.a{margin:0}.a{margin-top:7px}", "class=a", {"margin": "0", "margin-top": "7px"}),
        ("p[title='a:b']{color:red}", "title='a:b'", {"color": "red"}),
    ],
)
def test_what_wins_is_what_css_says(css: str, attributes: str, expected: dict[str, str]) -> None:
    assert style_of(inline_css(f"<style>{css}</style><p {attributes}>x</p>"), "p") == expected


def test_what_stays_can_override_and_what_should_win_does() -> None:
    css = "p{color:red} b{color:red !important} @media (max-width:600px){p,i{color:blue} b{color:blue}}"
    html = inline_css(f"<style>{css}</style><p>x</p><b>x</b><i style='color:red'>x</i>")
    assert style_of(html, "p") == {"color": "red"}  # loses to the media rule
    assert style_of(html, "b") == {"color": "red !important"}  # was important, the media rule was not
    assert style_of(html, "i") == {"color": "red !important"}  # was inline, the media rule not important
    assert "p,i{color:blue !important} b{color:blue}}" in sheet_of(html)


def test_a_rule_that_should_win_does_even_beside_one_that_should_lose() -> None:
    # No attribute can stand between the two, as both are important in the sheet: dark is worth more.
    css = (
        "@media (max-width:9px){p{color:blue}} @media (prefers-color-scheme:dark){p{color:white !important}}"
    )
    html = inline_css(f"<style>{css}</style><p style='color:red'>x</p>")
    assert style_of(html, "p") == {"color": "red"}
    assert sheet_of(html).index("blue") < sheet_of(html).index("white")


def test_an_important_media_rule_beats_an_important_rule() -> None:
    css = "p{color:red !important} @media (max-width:600px){p{color:blue !important}}"
    assert style_of(inline_css(f"<style>{css}</style><p>x</p>"), "p") == {"color": "red"}


@pytest.mark.parametrize(
    "kept",
    [
        "@media (max-width: 600px) { .a { color: red !important } }",
        "@media (prefers-color-scheme: dark) { p { color: #fff !important } }",
        "@font-face {font-family:X;src:url(https://x.example/x.woff)}",
        "@supports (display: grid) { p { color: red !important } }",
        "@keyframes k {from{opacity:0}to{opacity:1}}",
        "a:hover { color: red !important }",
        "[data-ogsc] .a { color: red !important }",
        "@import url(https://fonts.example/x.css);",
    ],
)
def test_what_no_attribute_can_hold_stays_in_the_sheet(kept: str) -> None:
    assert kept in sheet_of(inline_css(f"<style>{kept} p {{ margin: 0 }}</style><p class=a>x</p>"))


def test_sheets_for_print_and_ignored_ones_stay_as_they_are() -> None:
    sheets = "<style media=print>p{color:red}</style><style data-premailer=ignore>p{margin:0}</style>"
    html = f"<html><head>{sheets}</head><body><p>x</p></body></html>"
    written = inline_css(html)
    assert sheet_of(written) == "p{color:red}p{margin:0}"
    assert "data-premailer" not in written
    assert style_of(written, "p") == {}


@pytest.mark.parametrize(
    "broken",
    [
        "}",
        "p{color:red",
        "p{{{",
        "a[href='x{color:red}",
        "@media",
        "@media{",
        "p{:}",
        ";;;",
        "p{color}",
        "/*",
        "a,,b{color:red}",
        "\\",
        "@@@ {}",
        "p:{}",
        "..a{x:y}",
        '"',
    ],
)
def test_a_broken_rule_costs_no_other(broken: str) -> None:
    html = inline_css(f"<style>b {{ color: blue }}\n{broken}</style><b>x</b>")
    assert style_of(html, "b")["color"] == "blue"


def test_text_behind_a_style_element_is_kept() -> None:
    assert (
        inline_css("<div>a<style>p{color:red}</style>b<p>c</p></div>")
        == '<div>ab<p style="color:red">c</p></div>'
    )


def test_old_attributes_hold_plain_values_alone() -> None:
    css = (
        "td{width:calc(100% - 3px);height:10px !important;background-color:#abc;text-align:center}"
        "th{background-color:rgb(1,2,3);width:2em}"
    )
    html = inline_css(f"<style>{css}</style><table><tr><td>x</td><th>y</th></tr></table>")
    cell, head = (etree.fromstring(html, etree.HTMLParser()).find(f".//{tag}").attrib for tag in ("td", "th"))
    assert (cell.get("height"), cell["bgcolor"], cell["align"]) == ("10", "#aabbcc", "center")
    assert "width" not in cell
    assert "calc(100% - 3px)" in cell["style"]
    assert not {"bgcolor", "width"} & set(head)


def test_an_automatic_height_leaves_the_height_attribute_alone() -> None:
    sheet = "<style>img{max-width:100%;height:auto}</style>"
    assert 'height="200"' in inline_css(f'{sheet}<img src="a" alt="" height="200">')
    assert 'height="auto"' not in inline_css(f'{sheet}<img src="a" alt="">')


# --- the document around ---

MSO = (
    '<!--[if mso]><table width="600"><tr><td><![endif]-->',
    "<!--[if mso]></td></tr></table><![endif]-->",
)


@pytest.mark.parametrize(
    "doctype",
    [
        "<!doctype html>",
        '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" '
        '"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">',
    ],
)
def test_doctype_language_and_direction_survive(doctype: str) -> None:
    html = inline_css(
        f'{doctype}\n<html lang="ar" dir="rtl"><head><style>p{{color:red}}</style></head>'
        '<body dir="rtl"><p>x</p></body></html>'
    )
    assert html.startswith(doctype)
    assert '<html lang="ar" dir="rtl">' in html
    assert '<body dir="rtl">' in html


def test_an_import_behind_a_rule_stays_without_meaning() -> None:
    html = inline_css('<style>@import "a.css"; p { color: red } @import "b.css";</style><p>x</p>')
    assert "a.css" in html
    assert "b.css" not in html


def test_no_doctype_is_invented() -> None:
    assert inline_css("<html><body>x</body></html>").startswith("<html>")


def test_conditional_comments_survive() -> None:
    mso = '<!--[if mso]><v:rect href="https://x.example/?a=1&amp;b=2" style="width:5px"/><![endif]-->'
    other = "<!--[if !mso]><!--><b>x</b><!--<![endif]--><![if !mso]>y<![endif]>"
    html = inline_css(f"<style>b{{color:red}}</style><div>{mso}{other}</div>")
    assert mso in html
    assert "<!--[if !mso]><!--><b" in html
    assert "<![if !mso]>y<![endif]>" in html


@pytest.mark.parametrize(
    "url",
    [
        "https://x.example/é ?q={{ x }}",
        "{{ url }}",
        "https://x.example/?a=1&b=2",
        "%20%C3%A9",
        "cid:a@b",
        "javascript:x",
        " x ",
    ],
)
def test_urls_are_what_they_were(url: str) -> None:
    html = inline_css(f'<style>a{{color:red}}</style><a href="{escape(url)}">x</a><img src="{escape(url)}">')
    root = etree.fromstring(html, etree.HTMLParser())
    assert (root.find(".//a").get("href"), root.find(".//img").get("src")) == (url, url)


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("", ""),
        ("  \n", "  \n"),
        ("<!-- only -->", "<!-- only -->"),
        ("text", "text"),
        ("a < b & c", "a &lt; b &amp; c"),
        ("<p>x", "<p>x</p>"),
        ("\ufeff<p>é€</p>", "<p>é€</p>"),
        ("<p>a</p>tail<p>b</p>", "<p>a</p>tail<p>b</p>"),
        ("<!-- a --><!-- b --><p>x</p><!-- c -->", "<!-- a --><!-- b --><p>x</p><!-- c -->"),
        (f"{MSO[0]}<p>x</p>{MSO[1]}", f"{MSO[0]}<p>x</p>{MSO[1]}"),
        ('<?xml version="1.0" encoding="latin-1"?><p>é</p>', "<p>é</p>"),
        ("<p>a\x00b\x0bc&#1;</p>", "<p>abc\ufffd</p>"),
        ("<p style='fo\x00nt:9px'>x</p>", '<p style="fo\ufffdnt:9px">x</p>'),
    ],
)
def test_fragments_and_empty_documents(html: str, expected: str) -> None:
    assert inline_css(html) == expected


def test_a_declared_charset_does_not_matter_to_text() -> None:
    html = '<html><head><meta charset="latin-1"><style>p{}</style></head><body><p>é日本</p></body></html>'
    assert "é日本" in inline_css(html)


def test_bytes_are_refused_by_name() -> None:
    with pytest.raises(TypeError, match="bytes"):
        inline_css(b"<p>x</p>")  # type: ignore[arg-type]  # the mistake under test


# --- limits ---


def test_deep_layouts_are_kept_whole() -> None:
    html = inline_css(
        "<style>p{color:red}</style>"
        + "<table><tr><td>" * 300
        + "deep"
        + "</td></tr></table>" * 300
        + "<p>after</p>"
    )
    assert "deep" in html
    assert '<p style="color:red">after</p>' in html


def test_a_document_that_would_be_cut_is_refused_with_its_size() -> None:
    with pytest.raises(DocumentError, match=r"60000 bytes.*nested too deeply"):
        inline_css("<b>" * 20_000)


def test_a_document_over_the_limit_is_refused_with_both_sizes() -> None:
    with (
        settings.override(HTML_SIZE_LIMIT=100),
        pytest.raises(DocumentError, match=r"107 bytes.*accepts 100"),
    ):
        inline_css("<p>" + "é" * 50 + "</p>")
    with pytest.raises(DocumentError, match="1000001 bytes"):
        inline_css("x" * 1_000_001)


@pytest.mark.parametrize("attribute", ["a{}=x ", "a{} ", 'a{}=">"'])
def test_an_element_with_thousands_of_attributes_is_refused(attribute: str) -> None:
    html = "<p>x</p>\n<p " + "".join(attribute.format(number) for number in range(40_000)) + ">y</p>"
    with pytest.raises(DocumentError, match=rf"{len(html)} bytes.*5,000 attributes \(line 2\)"):
        inline_css(html)


def test_many_elements_with_many_attributes_are_read() -> None:
    html = ("<p " + " ".join(f"a{number}=x" for number in range(100)) + ">y</p>") * 1_000
    assert inline_css(html).endswith(">y</p>")


def test_a_large_text_is_kept_whole_when_the_limit_allows_it() -> None:
    with settings.override(HTML_SIZE_LIMIT=20_000_000):
        assert inline_css("<p>" + "x" * 11_000_000 + "</p><b>after</b>").endswith("<b>after</b>")


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(DocumentError, match=r"U\+D800"):
        inline_css("<p>\ud800</p>")


@pytest.mark.parametrize(
    "css", ["</style><script>alert(1)</script>", "p::after{content:'</style>'}", "<!-- x -->"]
)
def test_markup_in_a_sheet_is_refused(css: str) -> None:
    with pytest.raises(DocumentError, match="style sheet"):
        inline_css("<p>x</p>", css=css)


def test_an_escape_in_a_sheet_never_becomes_markup() -> None:
    html = inline_css(
        r"<style>p:hover{content:'\3c/style>\3cscript>x'} p{font-family:'\3c/style>\3cscript>x'}</style>"
        "<p>x</p>"
    )
    assert "<script" not in html
    assert html.count("</style") == 1


@pytest.mark.parametrize(
    "css",
    [
        "{" * 20_000,
        "p[" * 10_000,
        "@media x{" * 5_000,
        "(" * 20_000,
        "p{color:red;" * 2_000,
        "/*" * 20_000,
        "'" * 20_001,
        "a," * 3_000 + "b{x:y}",
    ],
)
def test_hostile_sheets_do_no_harm(css: str) -> None:
    assert "kept" in inline_css(f"<style>b{{color:red}}{css}</style><b>kept</b>")


# --- nothing is fetched ---


@pytest.fixture
def listening() -> Iterator[tuple[str, list[str]]]:
    hits: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hits.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"p { color: fetched }")

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", hits
    server.shutdown()
    server.server_close()


def test_no_url_and_no_file_is_opened(
    listening: tuple[str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, hits = listening
    secret = tmp_path / "secret.css"
    secret.write_text("p { color: fetched } @import url(http://127.0.0.1/);")
    monkeypatch.chdir(tmp_path)
    opened: list[str] = []
    sys.addaudithook(
        lambda event, args: (
            opened.append(str(args[0])) if event == "open" and "secret" in str(args[0]) else None
        )
    )
    sources = [
        url,
        f"{url}/a.css",
        f"//{url[7:]}/a.css",
        secret.as_uri(),
        str(secret),
        "secret.css",
        f"../{tmp_path.name}/secret.css",
    ]
    links = "".join(f'<link rel="stylesheet" href="{source}">' for source in sources)
    imports = "".join(f"@import url({source});@import '{source}' screen;" for source in sources)
    nested = f"@media screen {{ {imports} p {{ color: red }} }} @font-face {{ src: url({url}/f) }}"
    sheet = f"<style>{imports}{nested} p {{ background: url({url}/b) }}</style>"
    html = f"<html><head>{links}{sheet}</head><body><p>x</p><img src={url}/i></body></html>"
    written = inline_css(html, css=imports + nested)
    assert "fetched" not in written
    assert (hits, opened) == ([], [])


def test_importing_aerogram_loads_none_of_the_heavy_packages() -> None:
    code = (
        "import sys, aerogram, aerogram.inlining, aerogram.plaintext, aerogram.stencil;"
        "print([name for name in ('premailer', 'requests', 'cssutils', 'html2text') if name in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "[]\n"
    )


def test_a_comma_in_an_attribute_selector_is_no_separator() -> None:
    css = "a[href='x,y']{color:red} b[title='nobody,has']{color:blue} p:not(.x){margin:0}"
    html = inline_css(f"<style>{css}</style><p><a href='x,y'>x</a></p>")
    assert html == '<p style="margin:0"><a href="x,y" style="color:red">x</a></p>'
