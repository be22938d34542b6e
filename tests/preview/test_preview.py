"""Previews on disk are the very messages that would be sent, and one page that shows them all."""

from __future__ import annotations

import contextlib
import email
import email.policy
import html
import json
import re
from email.mime.image import MIMEImage
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aerogram import Notification
from aerogram.conf import settings
from aerogram.exceptions import OutputError, RenderError, UndefinedVariableError
from aerogram.preview import write_previews
from aerogram.preview.gallery import human_size, person
from aerogram.preview.rendered_sample import ReceivedSample, RenderedSample
from aerogram.preview.sample import slug

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000"
    "05000157a5b40a0000000049454e44ae426082"
)


@pytest.fixture(autouse=True)
def templates(tmp_path):
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "hello.html").write_text(
        "<!doctype html><html><head><title>no</title><style>p { color: red }</style></head><body>"
        '<div style="display:none">First words&zwnj;&nbsp;</div><p>Hello {{ name }}</p></body></html>'
    )
    (folder / "hello.txt").write_text("Hello {{ name }}\n")
    (folder / "broken.html").write_text("\n{{ nmae }}")
    (folder / "picture.html").write_text('<p><img src="cid:logo" alt="logo"> {{ name }}</p>')
    settings.configure(TEMPLATE_DIRS=[str(folder)], DEFAULT_FROM_EMAIL="Shop <shop@example.com>")
    return folder


class Hello(Notification, name="preview_hello"):
    """Greets somebody."""

    subject = "Hello {{ name }}"
    html_template = "hello.html"
    to = ["Ann <ann@example.com>"]
    bcc = ["archive@example.com"]
    reply_to = ["service@example.com"]
    name: str

    @classmethod
    def samples(cls):
        return {"one parcel": cls(name="Ann"), "Größe": cls(name="Jürgen")}


class TextOnly(Notification, name="preview_text_only"):
    subject = "Text"
    text_template = "hello.txt"
    to = ["ann@example.com"]
    name: str = "Ann"

    @classmethod
    def samples(cls):
        return {"plain": cls()}


class Failing(Notification, name="preview_failing"):
    subject = "Fails"
    html_template = "broken.html"
    to = ["ann@example.com"]

    @classmethod
    def samples(cls):
        return {"typo": cls()}


def parsed(path: Path) -> email.message.EmailMessage:
    return email.message_from_bytes(path.read_bytes(), policy=email.policy.default)


def content(message: email.message.EmailMessage, kind: str) -> str:
    return message.get_body((kind,)).get_content().replace("\r\n", "\n").strip()


def page_data(page: str) -> list[dict]:
    return [json.loads(text) for text in re.findall(r'class="data">(.*?)</script>', page, re.DOTALL)]


def test_every_sample_is_three_files_and_the_page_comes_last(tmp_path):
    written = write_previews(tmp_path / "out", [Hello])
    assert [path.relative_to(tmp_path / "out").as_posix() for path in written] == [
        "preview_hello/one-parcel.html",
        "preview_hello/one-parcel.txt",
        "preview_hello/one-parcel.eml",
        "preview_hello/größe.html",
        "preview_hello/größe.txt",
        "preview_hello/größe.eml",
        "index.html",
    ]
    assert all(path.is_file() for path in written)


def test_files_show_the_same_message_as_the_eml(tmp_path):
    html_file, text_file, eml_file, *_ = write_previews(tmp_path, [Hello])
    message = parsed(eml_file)
    assert message["Subject"] == "Hello Ann"
    assert message["To"] == "Ann <ann@example.com>"
    assert "Bcc" not in message
    assert content(message, "html") == html_file.read_text("utf-8").strip()
    assert content(message, "plain") == text_file.read_text("utf-8").strip()
    assert 'style="color:red"' in html_file.read_text("utf-8")


def test_files_hold_what_render_gives(tmp_path):
    html_file, text_file, *_ = write_previews(tmp_path, [Hello])
    message = Hello(name="Ann").render()
    assert html_file.read_text("utf-8") == message.alternatives[0][0]
    assert text_file.read_bytes().decode() == message.body


def test_a_sample_is_rendered_once(tmp_path):
    class Counted(Notification, name="preview_counted"):
        subject = "Counted"
        text_template = "hello.txt"
        to = ["ann@example.com"]
        rendered: ClassVar[list[int]] = []

        def context(self):
            self.rendered.append(1)
            return {"name": len(self.rendered)}

        @classmethod
        def samples(cls):
            return {"one": cls()}

    write_previews(tmp_path, [Counted])
    assert Counted.rendered == [1]


def test_the_eml_has_crlf_lines_alone(tmp_path):
    eml = write_previews(tmp_path, [Hello])[2].read_bytes()
    assert b"\n" not in eml.replace(b"\r\n", b"")


def test_the_html_file_of_a_mail_without_html_shows_its_text(tmp_path):
    written = write_previews(tmp_path, [TextOnly])
    assert [path.name for path in written] == ["plain.html", "plain.txt", "plain.eml", "index.html"]
    assert "Hello Ann</pre>" in written[0].read_text("utf-8")
    assert "Hello Ann" in written[-1].read_text("utf-8")


def test_samples_of_one_slug_get_files_of_their_own(tmp_path):
    class Twins(TextOnly, name="preview_twins"):
        @classmethod
        def samples(cls):
            return {"One parcel": cls(name="first"), "one-parcel": cls(name="second"), "../../up": cls()}

    write_previews(tmp_path / "out", [Twins])
    folder = tmp_path / "out" / "preview_twins"
    assert sorted(path.name for path in folder.glob("*.txt")) == [
        "one-parcel-2.txt",
        "one-parcel.txt",
        "up.txt",
    ]
    assert (folder / "one-parcel-2.txt").read_text() == "Hello second"


@given(st.text(max_size=300))
def test_a_slug_is_a_safe_file_name(name):
    found = slug(name, set())
    assert found
    assert not re.search(r'[/\\:*?"<>|.\x00-\x1f\s]', found)
    assert len(found) <= 80


@given(st.lists(st.text(max_size=5), max_size=30))
def test_slugs_of_one_folder_differ(names):
    taken: set[str] = set()
    slugs = [slug(name, taken) for name in names]
    assert len(set(slugs)) == len(slugs)


def test_a_second_run_overwrites_and_removes_nothing(tmp_path):
    (tmp_path / "preview_hello").mkdir()
    mine = tmp_path / "preview_hello" / "mine.html"
    mine.write_text("keep me")
    first = write_previews(tmp_path, [Hello])
    assert write_previews(tmp_path, [Hello]) == first
    assert mine.read_text() == "keep me"


def test_a_failing_sample_is_named_and_the_others_are_written(tmp_path):
    with pytest.raises(RenderError, match="1 sample could not be rendered") as caught:
        write_previews(tmp_path, [Failing, Hello])
    assert "preview_failing, 'typo'" in str(caught.value)
    assert isinstance(caught.value.__cause__, UndefinedVariableError)
    assert (caught.value.template, caught.value.line) == ("broken.html", 2)
    assert (tmp_path / "preview_hello" / "one-parcel.eml").is_file()
    assert "could not be rendered" in (tmp_path / "index.html").read_text("utf-8")


def test_samples_that_raise_are_named(tmp_path):
    class Raising(TextOnly, name="preview_raising"):
        @classmethod
        def samples(cls):
            raise KeyError("no fixture")

    with pytest.raises(RenderError, match=r"preview_raising, 'samples\(\)': KeyError: 'no fixture'"):
        write_previews(tmp_path, [Raising])


def test_a_notification_without_samples_is_shown_as_such(tmp_path):
    class Bare(TextOnly, name="preview_bare"):
        @classmethod
        def samples(cls):
            return {}

    (page,) = write_previews(tmp_path, [Bare])
    text = page.read_text("utf-8")
    assert "preview_bare" in text
    assert "No samples yet" in text


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(OutputError, match="Use a writable folder") as caught:
        write_previews(tmp_path / "out", [Hello])
    assert str(tmp_path / "out") in str(caught.value)


def test_an_unwritable_folder_is_named():
    with pytest.raises(OutputError, match="/proc/"):
        write_previews("/proc/no-such-place", [Hello])


def test_all_notifications_of_the_settings_are_the_default(tmp_path, monkeypatch):
    (tmp_path / "mails_for_previews.py").write_text(
        "from aerogram import Notification\n"
        "class FromSettings(Notification):\n"
        "    subject = 'Hi'\n"
        "    text_template = 'hello.txt'\n"
        "    to = ['ann@example.com']\n"
        "    name: str = 'Ann'\n"
        "    @classmethod\n"
        "    def samples(cls):\n"
        "        return {'one': cls()}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    # Classes that other tests left in this process may not render here.
    with settings.override(NOTIFICATION_MODULES=["mails_for_previews"]), contextlib.suppress(RenderError):
        write_previews(tmp_path / "out")
    assert (tmp_path / "out" / "from_settings" / "one.eml").is_file()


# ---- the page ------------------------------------------------------------------------------------------


def test_the_page_names_people_headers_and_size(tmp_path):
    page = write_previews(tmp_path, [Hello])[-1].read_text("utf-8")
    text = html.unescape(page)
    for fact in (
        "Ann <ann@example.com>",
        "archive@example.com",
        "service@example.com",
        "Shop <shop@example.com>",
    ):
        assert fact in text
    assert "Greets somebody." in page
    assert "Message-ID" in page
    assert "of 102 KB" in page
    assert "First words Hello Ann" in page


def test_the_page_links_the_eml_relatively(tmp_path):
    page = write_previews(tmp_path, [Hello])[-1].read_text("utf-8")
    assert 'href="preview_hello/one-parcel.eml"' in page
    assert 'href="preview_hello/gr%C3%B6%C3%9Fe.eml"' in page


def test_the_page_loads_nothing(tmp_path):
    page = write_previews(tmp_path, [Hello])[-1].read_text("utf-8")
    assert not re.search(r'<(?:script|link|img|iframe)[^>]*\b(?:src|href)="(?!data:)', page)
    assert "default-src 'none'" in page


def test_markup_in_values_is_inert_on_the_page(tmp_path):
    class Hostile(Notification, name="preview_hostile"):
        """<script>alert('doc')</script>"""

        subject = "<script>alert('subject')</script>"
        text_template = "hello.txt"
        html_template = "hello.html"
        to = ["\"</title><script>alert('to')</script>\" <ann@example.com>"]
        name: str = "</script><script>alert('name')</script>"
        attachments = [("<script>.txt", "x", "text/plain")]

        @classmethod
        def samples(cls):
            return {"</h2><script>alert('sample')</script>": cls()}

    page = write_previews(tmp_path, [Hostile])[-1].read_text("utf-8")
    assert "<script>alert(" not in page
    assert (
        page.count("<script") == page.count("</script>") == 3
    )  # the data, the files of findings, the page's own


def test_site_name_is_the_title(tmp_path):
    with settings.override(SITE_NAME="Orchard & Sons"):
        page = write_previews(tmp_path, [Hello])[-1].read_text("utf-8")
    assert "<title>Orchard &amp; Sons \u2013 Mail previews</title>" in page


def test_inline_images_and_attachments_are_in_the_page(tmp_path):
    class Picture(Notification, name="preview_picture"):
        subject = "Picture"
        html_template = "picture.html"
        to = ["ann@example.com"]
        name: str = "Ann"

        @property
        def attachments(self):
            image = MIMEImage(PIXEL, "png")
            image.add_header("Content-ID", "<logo>")
            return [image, ("bill.pdf", b"%PDF-1.4", "application/pdf"), ("big.bin", b"x" * 1_500_000, "a/b")]

        @classmethod
        def samples(cls):
            return {"one": cls()}

    page = write_previews(tmp_path, [Picture])[-1].read_text("utf-8")
    (data,) = page_data(page)
    assert data["inline"]["logo"].startswith("data:image/png;base64,iVBOR")
    assert 'download="bill.pdf"' in page
    assert "application/pdf, 8 bytes" in page
    assert 'download="big.bin"' not in page
    assert "a/b, 1.4 MB" in page
    assert "cut here" in data["raw"]


# ---- what an inbox shows -------------------------------------------------------------------------------


def rendered(body: str, *, is_html: bool = False) -> RenderedSample:
    from aerogram.mail import EmailMessage

    message = EmailMessage("s", body, "a@example.com", ["b@example.com"])
    if is_html:
        message.content_subtype = "html"
    return RenderedSample(message)


def test_a_mail_of_html_alone_has_no_text():
    mail = rendered("<p>Hi</p>", is_html=True)
    assert (mail.html, mail.text, mail.attachments) == ("<p>Hi</p>", None, [])


@pytest.mark.parametrize(
    ("body", "preheader"),
    [
        ("<head><title>T</title><style>a{}</style></head><p>One</p><p>two</p>", "One two"),
        ("<script>x</script>Seen", "Seen"),
        ("<div>Pre\u200c\u00a0\u200c\u00a0</div>body", "Pre body"),
        ("<p>a &amp; b</p>", "a & b"),
        ("", ""),
        ("<p>" + "word " * 4000, ("word " * 28).strip()),
    ],
)
def test_preheader_is_the_first_words_a_reader_gets(body, preheader):
    assert rendered(body, is_html=True).preheader.strip() == preheader


def test_preheader_of_a_text_mail_is_its_beginning():
    assert rendered("Dear Ann,\n\nthank you").preheader == "Dear Ann, thank you"


def test_inline_images_get_no_paperclip():
    from aerogram.mail import EmailMultiAlternatives

    def sample(html: str, *more: str) -> RenderedSample:
        mail = EmailMultiAlternatives("Hi", "text", "a@example.com", ["b@example.com"])
        mail.attach_alternative(html, "text/html")
        logo = MIMEImage(b"\x89PNG\r\n\x1a\n", "png")
        logo["Content-ID"] = "<logo@x.example>"
        mail.attach(logo)
        for name in more:
            mail.attach(name, "text", "text/plain")
        return RenderedSample(mail)

    inline = sample("<img src='cid:logo@x.example'>")
    assert not inline.has_attachments
    assert not ReceivedSample(inline.raw, ["b@example.com"]).has_attachments
    assert sample("<img src='cid:logo@x.example'>", "a.txt").has_attachments
    assert sample("<p>text</p>").has_attachments


def test_an_attached_message_is_one_attachment():
    from aerogram.mail import EmailMessage

    inner = EmailMessage("inner", "text", "a@example.com", ["b@example.com"])
    outer = EmailMessage("outer", "text", "a@example.com", ["b@example.com"])
    outer.attach("mail.eml", inner.message(), "message/rfc822")
    (found,) = RenderedSample(outer).attachments
    assert found.content_type == "message/rfc822"
    assert b"Subject: inner" in found.content


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("Ann Lee <a@example.com>", "Ann Lee"),
        ('"Lee, Ann" <a@example.com>', "Lee, Ann"),
        ("a@example.com", "a@example.com"),
        ("<a@example.com>", "a@example.com"),
    ],
)
def test_an_inbox_names_a_person_by_name(address, name):
    assert person(address) == name


def test_sizes_are_for_people():
    assert [human_size(size) for size in (0, 1023, 1024, 104_448, 5_000_000)] == [
        "0 bytes",
        "1023 bytes",
        "1.0 KB",
        "102.0 KB",
        "4.8 MB",
    ]


def test_samples_that_are_not_a_dict_are_named_in_their_place(tmp_path):
    class Listed(Hello, name="preview_listed"):
        @classmethod
        def samples(cls):
            return [cls(name="Ann")]

    with pytest.raises(RenderError, match=r"Listed\.samples\(\) returned a list\. Accepted: a dict of names"):
        write_previews(tmp_path, [Listed])
