"""`check` names what the HTML asks for and nobody will see; nothing is fetched to find out."""

from __future__ import annotations

from email.mime.image import MIMEImage
from email.mime.multipart import MIMEMultipart
from pathlib import Path
from typing import Any

import pytest

from aerogram import Notification
from aerogram.checks import Problem, check
from aerogram.checks.mail import Mail
from aerogram.checks.rules import RULES
from aerogram.checks.rules.resources import lost_resources, unused_images
from aerogram.conf import settings
from aerogram.mail import EmailMessage, EmailMultiAlternatives

HERE = Path(__file__).resolve()


def image(content_id: str) -> MIMEImage:
    part = MIMEImage(b"\x89PNG", "png")
    part["Content-ID"] = f"<{content_id}>"
    return part


def lost(html: str, *attachments: Any) -> list[tuple[str, str]]:
    """Return code and severity of each finding."""
    mail = EmailMultiAlternatives("s", "text", to=["ann@example.com"], attachments=attachments)
    mail.attach_alternative(html, "text/html")
    as_body = EmailMessage("s", html, to=["ann@example.com"], attachments=attachments)
    as_body.content_subtype = "html"
    found = list(lost_resources(Mail(mail)))
    assert list(lost_resources(Mail(as_body))) == found
    return [(each.code, each.level or RULES[each.code].level) for each in found]


@pytest.mark.parametrize(
    "html",
    [
        '<img src="cid:logo@shop">',
        "<img src=' CID:logo@shop '>",
        '<td background="cid:logo@shop">x</td>',
        "<p style=\"background: url('cid:logo@shop')\">x</p>",
        "<style>p { background: url(cid:logo@shop) }</style><p>x</p>",
        "<style>@media screen { p { background: image-set('cid:logo@shop' 1x) } }</style><p>x</p>",
        '<p style="background: URL( \\63 id:logo@shop )">x</p>',
        '<a href="cid:logo@shop">open</a>',
        '<img src="cid:logo%40shop">',
        '<img srcset="cid:logo@shop 2x">',
        "<!--[if mso]><v:fill src='cid:logo@shop' /><![endif]--><p>x</p>",
    ],
)
def test_an_image_that_nobody_attached_is_an_error(html: str) -> None:
    assert lost(html) == [("image-missing", "error")]
    assert lost(html, image("other@shop"), ("logo.png", b"1", "image/png")) == [("image-missing", "error")]
    assert lost(html, image("logo@shop")) == []
    mail = EmailMultiAlternatives("s", "t", attachments=[image("logo@shop")])
    mail.attach_alternative(html, "text/html")
    assert list(unused_images(Mail(mail))) == []


def test_an_image_inside_an_attached_multipart_is_there() -> None:
    related = MIMEMultipart("related")
    related.attach(image("logo@shop"))
    assert lost('<img src="cid:logo@shop">', related) == []


def test_each_image_is_named_once_with_what_is_there() -> None:
    mail = EmailMultiAlternatives("s", "t", to=["ann@example.com"], attachments=[image("b"), image("a")])
    mail.attach_alternative(
        '<img src="cid:x"><img src="cid:x"><img src="cid:b"><img src="cid:y">', "text/html"
    )
    first, second = (found.message for found in lost_resources(Mail(mail)))
    assert "refers to cid:x" in first
    assert "(available: a, b)" in first
    assert '"<x>"' in first
    assert "cid:y" in second


@pytest.mark.parametrize(
    "html", ["", "<p>cid:logo", '<a href="https://x.org/?q=cid:logo">x</a>', "<!-- <img src=cid:x> -->"]
)
def test_words_and_comments_show_no_image(html: str) -> None:
    assert lost(html) == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x.css", "https://fonts.example/x", "//x.example/y.css"])
def test_a_sheet_from_the_network_is_a_warning(url: str) -> None:
    warning = [("stylesheet-not-loaded", "warning")]
    assert lost(f'<link rel="stylesheet" href="{url}"><p>x</p>') == warning
    assert lost(f"<style>@import url({url}); p {{ color: red }}</style><p>x</p>") == warning
    assert lost(f"<style>@media screen {{ @IMPORT '{url}' }}</style><p>x</p>") == warning


def test_only_the_url_of_an_import_is_that_of_a_sheet() -> None:
    sheet = "@import url('//x.example/a.css') screen; p { background: url(b.png) }"
    assert lost(f"<style>{sheet}</style>") == [("stylesheet-not-loaded", "warning")]


@pytest.mark.parametrize("url", ["brand.css", "/etc/passwd", "../brand.css", "file:///etc/passwd", ""])
def test_a_sheet_from_a_file_is_an_error(url: str) -> None:
    assert lost(f'<link rel="alternate STYLESHEET" href="{url}"><p>x</p>') == [
        ("stylesheet-not-loaded", "error")
    ]


@pytest.mark.parametrize(
    "html",
    [
        "<style>p { background: url(b.png); content: '@import' } @page { margin: 0 }</style>",
        "<link rel=icon href=x.png><p>x",
        "<style>/* @import 'x.css'; */ p {}</style>",
        "<p>@import 'x'",
    ],
)
def test_other_links_and_comments_are_no_sheets(html: str) -> None:
    assert lost(html) == []


class Shop(Notification, abstract=True):
    subject = "News"
    to = ["ann@example.com"]
    html_template = "shop.html"  # declared here


def findings(tmp_path: Path, source: str) -> list[Problem]:
    (tmp_path / "shop.html").write_text(source)

    class News(Shop, name="checks_resources_news"):
        @classmethod
        def samples(cls) -> dict[str, Notification]:
            return {"one": cls(), "two": cls()}

    with settings.override(TEMPLATE_DIRS=[str(tmp_path)]):
        return check([News])


def test_check_reports_it_once_at_its_line(tmp_path: Path) -> None:
    (problem,) = findings(tmp_path, '<p>Hello</p>\n<img src="cid:logo" alt="" width="1">')
    assert (problem.code, Path(problem.file).name, problem.line) == ("image-missing", "shop.html", 2)
    assert problem.severity == "error"


def test_check_reports_what_no_template_has_at_the_declaration(tmp_path: Path) -> None:
    (problem,) = findings(tmp_path, '<p>Hello</p><img src="cid:{{ 1 + 1 }}" alt="" width="1">')
    line = HERE.read_text().splitlines().index('    html_template = "shop.html"  # declared here') + 1
    assert (problem.code, problem.file, problem.line) == ("image-missing", str(HERE), line)


def test_check_warns_of_an_import_and_of_a_link(tmp_path: Path) -> None:
    page = "<head><link rel=stylesheet href=brand.css><style>@import url(http://127.0.0.1:9/);</style></head>"
    assert [(found.code, found.severity) for found in findings(tmp_path, f"{page}<p>Hello</p>")] == [
        ("stylesheet-not-loaded", "error"),
        ("stylesheet-not-loaded", "warning"),
    ]
