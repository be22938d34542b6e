"""What the rules find and leave alone, beyond the examples of ``docs/checks.md``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aerogram import Notification
from aerogram.checks import Problem, check
from aerogram.checks.mail import Mail
from aerogram.checks.rules import MAIL_RULES
from aerogram.conf import settings
from aerogram.mail import EmailMultiAlternatives

LIGHT = "<p style='color: #eee; background: #000'>x</p>"
BLACK = "<p style='color: #000; background: #000'>x</p>"
BLACK_TABLE = "<table bgcolor='#000000' role=presentation><tr><td>black</td></tr></table>"
HACKS = "<p style='*zoom: 1; _height: 1px; mso-foo: 1; -webkit-bar: 2; --brand: red'>x</p>"
TRACK = "<p>Order 12</p><a href=https://shop.dev/o/12>Track</a>"
DARK = "<style>@media screen and (prefers-color-scheme: dark) {%s}</style>"
SCHEMES = "<meta name='color-scheme' content='light dark'>"
DARK_PAGE = DARK % "body {background: #111 !important}" + "<p>x <a href=https://shop.dev/>y</a></p>"
IMAGE = "<img src='https://shop.test.dev/a.png' alt='' width='%s'>"


def found(html: str, *, page: str = "", text: str | None = None, subject: str = "Hello") -> set[str]:
    """Return the codes of what is found in a message."""
    message = EmailMultiAlternatives(subject, text or "Hello", "shop@shop.dev", ["ann@shop.dev"])
    message.attach_alternative(html, "text/html")
    mail = Mail(message, page=page, has_own_text=text is not None)
    return {finding.code for rule in MAIL_RULES for finding in rule(mail) if finding.level != "info"}


def test_an_address_without_a_domain_is_found_wherever_it_stands() -> None:
    message = EmailMultiAlternatives(
        "Hello",
        "Hello",
        "root",
        ["Ann <ann>", "b@shop.dev"],
        cc=["Cy <cy>"],
        bcc=["d@localhost"],
        reply_to=["e"],
    )
    findings = [each for rule in MAIL_RULES for each in rule(Mail(message)) if each.code == "no-domain"]
    assert [each.declaration for each in findings] == ["from_email", "to", "cc", "reply_to"]


@pytest.mark.parametrize(
    ("html", "code", "expected"),
    [
        (BLACK_TABLE, "contrast", True),
        ("<div style='background: #000 url(https://shop.dev/a.png)'>on an image</div>", "contrast", False),
        ("<div style='background: linear-gradient(#000, #111)'>black</div>", "contrast", False),
        ("<p style='display: none; color: #fff'>hidden</p>", "contrast", False),
        ("<p style='color: rgba(0, 0, 0, .4)'>pale</p>", "contrast", True),
        ("<td style='font-size: 0'><p style='font-size: 16px; color: #aaa'>pale</p>", "contrast", True),
        ("<p style='visibility: hidden'><b style='visibility: visible; color: #aaa'>x</b>", "contrast", True),
        ("<p style='color: transparent'>hidden</p>", "contrast", False),
        ("<p hidden style='display: block; color: #aaa'>pale</p>", "contrast", True),
        ("<p style='color: hsl(0, 0%, 60%)'>pale</p>", "contrast", True),
        ("<font color=#999999>pale</font>", "contrast", True),
        ("<h1 style='color: #949494; font-size: 32px'>large</h1>", "contrast", False),
        ("<p style='color: #949494'>small</p>", "contrast", True),
        ("<div style='color: #fff; background: #000'><p>white on black</p></div>", "contrast", False),
        ("<style>p {color: #aaa !important}</style><p style='color: #000'>pale</p>", "contrast", True),
        ("<style>p {color: #aaa}</style><p style='color: #000'>black</p>", "contrast", False),
        (DARK % "p {color: #111 !important}" + LIGHT, "contrast-dark", True),
        (DARK % "p {display: none !important}" + BLACK, "contrast-dark", False),
        (DARK % "p {color: #111}" + LIGHT, "contrast-dark", False),
        (BLACK, "contrast-dark", False),
        (DARK_PAGE, "contrast-dark", True),
        (SCHEMES + DARK_PAGE,
         "contrast-dark", False),
        (SCHEMES + DARK % "p {background: #eee !important}" + "<p>x</p>", "contrast-dark", True),
        (SCHEMES + DARK % "i {margin: 0}" + "<p style='color: #000'>x</p>", "contrast-dark", True),
        ("<table style='margin: 0 auto' role=presentation><tr><td>x</table>", "table-margin", False),
        ("<table style='margin: 0 auto 20px' role=presentation><tr><td>x</table>", "table-margin", True),
        ("<table style='margin-top: -1px' role=presentation><tr><td>x</table>", "table-margin", True),
        ("<table><tr><th>a</th></tr></table>", "table-role", False),
        ("<table role=none><tr><td>a</td></tr></table>", "table-role", False),
        ("<table><tr><td><table><tr><th>a</th></tr></table></td></tr></table>", "table-role", True),
        ("<a name=top></a><a id=x></a><a>x</a>", "link-empty", False),
        ("<a href=https://shop.dev/ aria-label=Shop></a>", "link-empty", False),
        ("<a href=https://shop.dev/><b> </b></a>", "link-empty", True),
        ("<img src=https://shop.dev/p.gif width=1 height=1>", "image-alt", False),
        ("<img src=https://shop.dev/p.gif style='display: none'>", "image-width", False),
        (IMAGE % "600", "image-only", True),
        (IMAGE % "60" + "<p>Code 123456</p>", "image-only", False),
        (IMAGE % "600" + "<p>Here is a mail that has quite enough words to be read</p>", "image-only", False),
        ("<a href=http://127.0.0.1:8000/x>x</a>", "link-local", True),
        ("<a href=http://192.168.1.4/x>x</a>", "link-local", True),
        ("<a href=https://localhost.shop.dev/x>x</a>", "link-local", False),
        ("<a href=https://www.yourdomain.com/x>x</a>", "link-placeholder", True),
        ("<a href=https://notexample.com/x>x</a>", "link-placeholder", False),
        ("<a href=mailto:ann@example.com>x</a>", "link-placeholder", False),
        ("<a href=http://example.com/x>x</a>", "link-http", True),
        (HACKS, "css-unknown", False),
        ("<p style='widht: 3px'>x</p>", "css-unknown", True),
        ("<p style='color: #333; ; margin: 0;'>x</p>", "css-unread", False),
        ("<p style='color: {{ color }}; {{ more }}'>x</p>", "css-unread", False),
        ("<p>Words</p><table role=presentation><tr><td>Words</td></tr></table>", "content-moved", False),
        ("Words <table role=presentation><tr><td>x</td></tr></table>", "content-moved", False),
    ],
)  # fmt: skip
def test_a_rule_on_html(html: str, code: str, expected: bool) -> None:
    assert (code in found(html)) == expected


@pytest.mark.parametrize(
    "page",
    [
        "<table><tr><td>a</td></tr>\nLost words\n<tr><td>b</td></tr></table>",
        "<table><div>Lost words</div><tr><td>b</td></tr></table>",
        "<p>Before</p><table><!-- x --><tbody>Lost words<tr><td>b</td></tr></tbody></table>",
    ],
)
def test_content_that_the_parser_moves(page: str) -> None:
    assert "content-moved" in found("<p>x</p>", page=page)


@pytest.mark.parametrize(
    ("html", "text", "disagrees"),
    [
        ("<p>Total: 25 EUR</p>", "Total: 20 EUR", True),
        ("<p>Total: €1,234.50</p>", "Total: EUR 1234.50", False),
        (TRACK, "Order 12\nTrack: https://shop.dev/o/12\n", False),
        (TRACK, "Order 12. Track it on our site.", True),
        ("<p>Your order shipped with coupon SPRING inside</p>", "Your order shipped", True),
        ("<p>Click the button to begin</p>", "Open the link to begin", False),
        ("<p>Hello</p>" + IMAGE % 300, "Hello", False),
    ],
)  # fmt: skip
def test_parts_that_disagree(html: str, text: str, disagrees: bool) -> None:
    assert ("parts-disagree" in found(html, text=text)) == disagrees


@pytest.mark.parametrize(
    ("subject", "is_shouted"),
    [
        ("BUY IT NOW", True),
        ("IMPORTANT", True),
        ("FAQ", False),
        ("Your IBM PC", False),
        ("123 456", False),
        ("ÉTÉ À BORDEAUX", True),
        ("注文の確認 です", False),
    ],
)
def test_a_subject_in_capitals(subject: str, is_shouted: bool) -> None:
    assert ("subject-capitals" in found("<p>Hello</p>", subject=subject)) == is_shouted


def problems(tmp_path: Path, files: dict[str, str], *kinds: dict[str, Any]) -> list[Problem]:
    """Return what is found in notifications with these attributes."""
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with settings.override(TEMPLATE_DIRS=[str(tmp_path)]):
        return check([type(f"Kind{number}", (Base,), kind) for number, kind in enumerate(kinds)])


class Base(Notification, abstract=True):
    subject = "Hello"
    to = ["ann@shop.dev"]

    @classmethod
    def samples(cls) -> dict[str, Notification]:
        return {"one": cls()}


def test_a_shared_rule_is_unused_if_nobody_uses_it(tmp_path: Path) -> None:
    files = {
        "brand.css": ".a {color: #333333}\n.b {color: #333333}\n.c {color: #333333}\n",
        "a.html": "<p class='a'>x</p>",
        "b.html": "<p class='b'>x</p>",
    }
    kinds = [
        {"__module__": __name__, "css": "brand.css", "html_template": name} for name in ("a.html", "b.html")
    ]
    (problem,) = problems(tmp_path, files, *kinds)
    assert (problem.code, Path(problem.file).name, problem.line) == ("css-unused", "brand.css", 3)


def test_a_finding_in_an_included_template_is_at_its_line(tmp_path: Path) -> None:
    files = {"a.html": "{% include 'b.html' %}", "b.html": "<p>x</p>\n\n<a href='/x'>x</a>"}
    (problem,) = problems(tmp_path, files, {"__module__": __name__, "html_template": "a.html"})
    assert (problem.code, Path(problem.file).name, problem.line) == ("link-relative", "b.html", 3)


FOUR_LINKS = """<style>#outlook a {padding: 0}</style>
<a href="https://shop.dev/">Shop</a>
<a href="{{ '#terms' }}">Terms</a>
%s
<a href="https://shop.dev/2">Two</a><p id=terms>x</p>"""
TABLES = "<table><tr><td>{{ 'one' }}</td></tr></table>\n<table role=none><tr><td>x</td></tr></table>\n"


@pytest.mark.parametrize(
    ("source", "code", "line"),
    [
        (FOUR_LINKS % '<a href="">Nowhere</a>', "link-dead", 4),
        (FOUR_LINKS % '<a href="#">Nowhere</a>', "link-dead", 4),
        (FOUR_LINKS % "<a class=x href=''>Nowhere</a>", "link-dead", 4),
        (FOUR_LINKS % "<a href=\"{{ '#' }}\">Nowhere</a>", "link-dead", 4),
        (FOUR_LINKS % "<a href=\"{{ '' }}\">{{ 'No' }}where</a>", "link-dead", 4),
        ("<p>x</p>\n<img alt='' width=2 src=''>", "link-dead", 2),
        (TABLES, "table-role", 1),
        (TABLES.replace("<table>", "<table role=none>") + TABLES[:-1], "table-role", 3),
        (
            "{% for n in [1, 2] %}<p>{{ n }}</p><table role=none><tr><td>x</td></tr></table>{% endfor %}\n"
            "<table>\n<tr><td>&lsquo;Some\nwords&rsquo; here</td></tr></table>",
            "table-role",
            2,
        ),
        ("<p>a</p>\n<p style='color: #aaa'>We&rsquo;ll say <b>it</b></p>\n<p>b</p>", "contrast", 2),
    ],
)
def test_a_finding_is_at_the_line_of_its_element(tmp_path: Path, source: str, code: str, line: int) -> None:
    found = problems(tmp_path, {"a.html": source}, {"__module__": __name__, "html_template": "a.html"})
    assert [(Path(each.file).name, each.line) for each in found if each.code == code] == [("a.html", line)]


@pytest.mark.parametrize(
    ("source", "is_found"),
    [
        ("<style>p {color: {{ color }}}</style><p>x</p>", True),
        ("<p style='margin: 0; color: {{ color | upper }}'>x</p>", True),
        ("{% for each in [color] %}<p style='color: {{ each }}'>x</p>{% endfor %}", True),
        ("{% set brand = color %}<p style='color: {{ brand }}'>x</p>", True),
        ("<p style='color: {{ '#333333' if color else '#222222' }}'>x</p>", False),
        ("{% set colors = {'red': '#333333'} %}<p style='color: {{ colors[color] }}'>x</p>", False),
        ("<style>p {color: #333333}</style><p>{{ color }}</p>", False),
        ("<p style='color: #333333' title='{{ color }}'>x</p>", False),
        ("<p style='width: {{ color | length }}%'>x</p>", False),
    ],
)
def test_values_in_css(tmp_path: Path, source: str, is_found: bool) -> None:
    kind = {
        "__module__": __name__,
        "html_template": "a.html",
        "__annotations__": {"color": "str"},
        "color": "red",
    }
    assert (
        "value-in-css" in {each.code for each in problems(tmp_path, {"a.html": source}, kind)}
    ) == is_found


@pytest.mark.parametrize(
    ("sheet", "level"),
    [
        ("@media screen {@font-face {font-family: x}} p:hover {color: red}", "warning"),
        ("@media screen {@media (max-width: 3px) {p {color: red}}}", "warning"),
        ("@media (max-width: 3px) {p[class=x] {color: red}}", "warning"),
        ("[data-ogsc] p {color: red} @media (max-width: 3px) {p {color: red}}", "warning"),
        (":root {color-scheme: light dark} @media (max-width: 3px) {p {color: red}}", "info"),
        ("@media (max-width: 3px) {p {color: red}}</style><style>[data-ogsc] p {color: red}", None),
        ("p[class=x]:hover {color: red}", None),
        ("@font-face {font-family: x} @media screen {p::before {content: '[x]'}}", None),
        ("@keyframes x {from {color: red} to {color: blue}} @media screen {p {color: red}}", None),
    ],
)
def test_a_style_that_gmail_drops(tmp_path: Path, sheet: str, level: str | None) -> None:
    kind = {"__module__": __name__, "html_template": "a.html"}
    (tmp_path / "a.html").write_text(f"<p>x</p>\n<style>\n{sheet}</style>")
    with settings.override(TEMPLATE_DIRS=[str(tmp_path)]):
        each = [
            (one.severity, one.line)
            for one in check([type("Kind", (Base,), kind)], level="info")
            if one.code == "style-dropped"
        ]
    assert each == ([] if level is None else [(level, 3)])


@pytest.mark.parametrize(
    ("selector", "is_found"),
    [
        (".buton", True),
        ("h2", True),
        ("#outlook a", False),
        (".ExternalClass, .ExternalClass p", False),
        ("u + .body .card", False),
        ("h4, h5, h6", False),
        ("img", False),
        ("a img", False),
    ],
)
def test_a_rule_for_one_program_or_a_reset_may_apply_to_nothing(
    tmp_path: Path, selector: str, is_found: bool
) -> None:
    files = {"a.html": f"<style>{selector} {{color: red}}</style><p>x</p>"}
    found = problems(tmp_path, files, {"__module__": __name__, "html_template": "a.html"})
    assert ("css-unused" in {each.code for each in found}) == is_found
