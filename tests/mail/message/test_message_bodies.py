"""Bodies and alternatives: charsets, transfer encodings, and which parts there are."""

from __future__ import annotations

from email import message_from_bytes
from email.charset import QP, Charset
from typing import Any, cast

import pytest

from aerogram.conf import settings
from aerogram.exceptions import BadHeaderError, MessageError
from aerogram.mail.message import EmailMessage, EmailMultiAlternatives, SafeMIMEMultipart, SafeMIMEText
from aerogram.mail.wire.serializer import to_bytes


def shape(part: Any) -> Any:
    """The tree of content types, a leaf as its type, a multipart as a pair of type and parts."""
    kind = part.get_content_type()
    return (kind, [shape(inner) for inner in part.get_payload()]) if part.is_multipart() else kind


def both(mail: EmailMessage) -> list[Any]:
    """What a reader finds in the mail, written either way."""
    return [message_from_bytes(mail.message().as_bytes()), message_from_bytes(to_bytes(mail))]


def html_mail(body: str = "text", html: str = "<p>html", **changes: Any) -> EmailMultiAlternatives:
    return EmailMultiAlternatives("s", body, to=["a@x.org"], alternatives=[(html, "text/html")], **changes)


def test_a_plain_text_is_one_part():
    mail = EmailMessage("s", "text", to=["a@x.org"])
    message = mail.message()
    assert isinstance(message, SafeMIMEText)
    assert message["Content-Type"] == 'text/plain; charset="utf-8"'
    assert message["MIME-Version"] == "1.0"
    assert [shape(read) for read in both(mail)] == ["text/plain"] * 2


def test_content_subtype_makes_the_body_html():
    mail = EmailMessage("s", "<p>", to=["a@x.org"])
    mail.content_subtype = "html"
    assert [shape(read) for read in both(mail)] == ["text/html"] * 2


def test_a_subtype_that_is_no_word_is_refused():
    mail = html_mail()
    for name in ("content_subtype", "alternative_subtype"):
        setattr(mail, name, "a/b; c")
        for build in (EmailMessage.message, to_bytes):
            with pytest.raises(MessageError, match="subtype"):
                build(mail)
        delattr(mail, name)


def test_alternatives_stand_within_mixed_when_there_are_attachments():
    mail = html_mail(attachments=[("a.bin", b"1", "application/x-a")])
    assert isinstance(mail.message(), SafeMIMEMultipart)
    expected = (
        "multipart/mixed",
        [("multipart/alternative", ["text/plain", "text/html"]), "application/x-a"],
    )
    assert [shape(read) for read in both(mail)] == [expected] * 2


@pytest.mark.parametrize(
    ("mail", "expected"),
    [
        (html_mail(body=""), ("multipart/alternative", ["text/html"])),
        (EmailMessage(attachments=[("a.bin", b"1", "x/y")]), ("multipart/mixed", ["x/y"])),
        (
            html_mail(body="", attachments=[("a.bin", b"1", "x/y")]),
            ("multipart/mixed", [("multipart/alternative", ["text/html"]), "x/y"]),
        ),
        (EmailMultiAlternatives(attachments=[("a.bin", b"1", "x/y")]), ("multipart/mixed", ["x/y"])),
        (EmailMessage(), "text/plain"),
    ],
)
def test_an_empty_body_leaves_no_empty_part(mail: EmailMessage, expected: Any):
    mail.to = ["a@x.org"]
    assert [shape(read) for read in both(mail)] == [expected] * 2


def test_subtypes_of_the_multiparts_are_the_callers():
    mail = html_mail(attachments=[("a.bin", b"1", "x/y")])
    mail.mixed_subtype, mail.alternative_subtype = "report", "parallel"
    expected = ("multipart/report", [("multipart/parallel", ["text/plain", "text/html"]), "x/y"])
    assert [shape(read) for read in both(mail)] == [expected] * 2


def test_an_alternative_may_have_parameters_and_need_not_be_text():
    mail = html_mail()
    mail.attach_alternative("BEGIN:VCALENDAR", "text/calendar; method=REQUEST")
    mail.attach_alternative(b"\0\1", "application/x-thing")
    for read in both(mail):
        calendar, thing = read.get_payload()[2:]
        assert (calendar.get_content_type(), calendar.get_param("method")) == ("text/calendar", "REQUEST")
        assert calendar.get_content_charset() == "utf-8"
        assert thing.get_payload(decode=True) == b"\0\1"


@pytest.mark.parametrize(
    ("content", "mimetype"), [(None, "text/html"), ("x", None), ("x", "html"), ("x", "a/b\nc")]
)
def test_an_alternative_needs_content_and_a_type(content: Any, mimetype: Any):
    with pytest.raises(ValueError, match=r"content and mimetype|media type"):
        EmailMultiAlternatives().attach_alternative(content, mimetype)


def test_ascii_is_7bit_and_other_text_8bit_in_what_message_returns():
    assert EmailMessage(body="plain").message()["Content-Transfer-Encoding"] == "7bit"
    assert EmailMessage(body="Grüße").message()["Content-Transfer-Encoding"] == "8bit"
    assert "Grüße".encode() in EmailMessage(body="Grüße").message().as_bytes()


@pytest.mark.parametrize("body", ["ä" * 500, "x" * 999, "short\n" + "€" * 333])
def test_a_line_over_998_octets_makes_quoted_printable(body: str):
    mail = EmailMessage("s", body, to=["a@x.org"])
    assert mail.message()["Content-Transfer-Encoding"] == "quoted-printable"
    for written in (mail.message().as_bytes(), to_bytes(mail), to_bytes(mail, eight_bit=True)):
        assert max(map(len, written.splitlines())) <= 998
        read = message_from_bytes(written).get_payload(decode=True).decode()
        assert read.rstrip("\r\n").replace("\r\n", "\n") == body


@pytest.mark.parametrize("body", ["ä" * 499, "x" * 998, "€" * 332 + "\n" + "€" * 332])
def test_lines_of_998_octets_need_no_encoding(body: str):
    assert EmailMessage(body=body).message()["Content-Transfer-Encoding"] in ("7bit", "8bit")
    assert f"\r\n\r\n{body}".replace("\n", "\r\n").replace("\r\r", "\r").encode() in to_bytes(
        EmailMessage("s", body, to=["a@x.org"]), eight_bit=True
    )


def test_from_at_a_line_start_stays():
    mail = EmailMessage("s", "From the future\nFrom here", to=["a@x.org"])
    message = mail.message()
    for text in (message.as_bytes().decode(), message.as_string(), to_bytes(mail).decode()):
        assert ">From" not in text
        assert text.count("\nFrom ") == 2


def test_as_bytes_and_as_string_take_djangos_arguments():
    message = EmailMessage("s", "a\nb", to=["a@x.org"]).message()
    assert message.as_bytes(unixfrom=False, linesep="\r\n").endswith(b"\r\n\r\na\r\nb")
    assert message.as_string(linesep="\r\n").endswith("\r\n\r\na\r\nb")
    assert message.as_bytes(True).startswith(b"From ")


def test_encoding_may_be_a_name():
    mail = EmailMessage("Sübject", "Firstname Sürname is a great guy.", to=["Sü <a@x.org>"])
    mail.encoding = "iso-8859-1"
    for read in both(mail):
        assert read.get_content_charset() == "iso-8859-1"
        assert read.get_payload(decode=True).strip() == "Firstname Sürname is a great guy.".encode(
            "iso-8859-1"
        )
        assert read["Subject"].startswith("=?iso-8859-1?")


@pytest.mark.parametrize(
    ("encoding", "body"),
    [("iso-8859-1", "5 €"), ("ascii", "é"), ("rot13", "a"), ("no\xe9", "a"), ("x\ud800", "a")],
)
def test_an_encoding_that_cannot_write_the_text_is_refused(encoding: str, body: str):
    for arguments in ({"body": body}, {"attachments": [("a.txt", body, "text/plain")]}):
        mail = EmailMessage(**arguments)
        mail.encoding = encoding
        with pytest.raises(MessageError, match="utf-8"):
            mail.message()


def test_the_type_of_an_alternative_may_be_a_lazy_text():
    mail = EmailMultiAlternatives("s", "b", to=["a@x.org"])

    class Lazy:
        def __str__(self) -> str:
            return "text/html"

    mail.attach_alternative("<p>", cast("str", Lazy()))
    assert mail.alternatives == [("<p>", "text/html")]
    assert b"Content-Type: text/html" in to_bytes(mail)


def test_encoding_may_be_a_charset_object():
    charset = Charset("utf-8")
    charset.body_encoding = QP
    mail = html_mail("Grüße", "<p>Grüße", attachments=[("a.txt", "Grüße", "text/plain")])
    mail.encoding = charset
    message = mail.message()
    forms, attached = message.get_payload()
    for part in (*forms.get_payload(), attached):
        assert part["Content-Transfer-Encoding"] == "quoted-printable"
        assert "Grüße" in part.get_payload(decode=True).decode()
    for read in both(mail):
        assert [part.get_content_charset() for part in read.walk() if not part.is_multipart()] == [
            "utf-8"
        ] * 3


def test_the_charset_of_the_settings_is_asked_when_the_message_is_built():
    mail = EmailMessage("s", "é", to=["a@x.org"])
    with settings.override(DEFAULT_CHARSET="iso-8859-15"):
        assert [read.get_content_charset() for read in both(mail)] == ["iso-8859-15"] * 2
    assert mail.message().get_content_charset() == "utf-8"


def test_a_body_that_no_charset_can_write_is_refused_with_its_place():
    for build in (EmailMessage.message, to_bytes):
        with pytest.raises(MessageError, match=r"U\+DCC3\) at character 2"):
            build(EmailMessage("s", "ab\udcc3", to=["a@x.org"]))
        with pytest.raises(MessageError, match="bytes"):
            build(EmailMessage("s", b"bytes", to=["a@x.org"]))


def test_a_charset_may_be_named_in_upper_case():
    assert SafeMIMEText("é", "plain", "UTF-8")["Content-Transfer-Encoding"] == "8bit"
    assert SafeMIMEText("é" * 600, "plain", "UTF-8")["Content-Transfer-Encoding"] == "quoted-printable"


def test_a_text_part_made_by_hand_checks_its_headers():
    part = SafeMIMEText("x")
    with pytest.raises(BadHeaderError):
        part["Subject"] = "a\nb"
    part["Subject"] = "Grüße"
    assert part["Subject"] == "=?utf-8?b?R3LDvMOfZQ==?="
    with pytest.raises(BadHeaderError):
        SafeMIMEMultipart(encoding="utf-8")["X-A"] = "a\rb"
