"""Attachments: their forms, types, names and contents."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage as StandardMessage
from email.mime.base import MIMEBase
from email.mime.image import MIMEImage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from pathlib import Path
from typing import Any

import pytest

from aerogram.exceptions import BadHeaderError, InvalidAttachment, MessageError
from aerogram.mail.message import EmailMessage, EmailMultiAlternatives
from aerogram.mail.message.attachments import clean_filename
from aerogram.mail.wire.serializer import to_bytes


def mail_with(*attachments: Any) -> EmailMessage:
    return EmailMessage("s", "body", to=["a@x.org"], attachments=attachments)


def attached(mail: EmailMessage) -> list[list[Any]]:
    """The attachments a reader finds in the mail, written either way."""
    written = (mail.message().as_bytes(), to_bytes(mail), to_bytes(mail, eight_bit=True))
    return [message_from_bytes(each, policy=policy.default).get_payload()[1:] for each in written]


def test_the_type_is_guessed_from_the_name_and_may_be_given():
    mail = EmailMessage()
    mail.attach("a.png", b"1")
    mail.attach("a.unknown-thing", b"2")
    mail.attach("a.png", b"3", "application/x-mine")
    mail.attach(None, b"4")
    mail.attach(content="5", mimetype="text/plain")
    assert [attachment.mimetype for attachment in mail.attachments] == [
        "image/png",
        "application/octet-stream",
        "application/x-mine",
        "application/octet-stream",
        "text/plain",
    ]


def test_bytes_of_a_text_type_are_decoded_and_travel_as_octets_where_they_are_no_utf8():
    mail = EmailMessage()
    mail.attach("a.txt", "naïve".encode())
    mail.attach("b.txt", b"\xff\xfe", "text/plain")
    assert mail.attachments == [
        ("a.txt", "naïve", "text/plain"),
        ("b.txt", b"\xff\xfe", "application/octet-stream"),
    ]


def test_attach_file_reads_the_file_now(tmp_path: Path):
    path = tmp_path / "report.txt"
    path.write_text("before", encoding="utf-8")
    mail = EmailMessage()
    mail.attach_file(path)
    mail.attach_file(str(path), "application/x-report")
    path.write_text("after", encoding="utf-8")
    assert mail.attachments == [
        ("report.txt", "before", "text/plain"), ("report.txt", b"before", "application/x-report"),
    ]  # fmt: skip
    with pytest.raises(FileNotFoundError):
        mail.attach_file(tmp_path / "missing")


def test_a_ready_part_is_attached_alone():
    part = MIMEText("ready")
    mail = EmailMessage(attachments=[part])
    assert mail.attachments == [part]
    for extra in ({"content": "x"}, {"mimetype": "text/plain"}):
        with pytest.raises(ValueError, match="must not be given when a MIMEBase instance is provided"):
            mail.attach(part, **extra)


def test_content_none_is_refused():
    with pytest.raises(ValueError, match=r"content must be provided\."):
        EmailMessage().attach("a.txt", None, "text/plain")
    with pytest.raises(ValueError, match="content must be provided"):
        EmailMessage().attach("a.txt")


WRONG_TYPES = [
    "plain", "a/b/c", "a/", "/b", "text/plain\r\nX: y", "text/plain; x=y", "a b/c", "té/xt", "a/b\0",
    "multipart/mixed",
]  # fmt: skip


@pytest.mark.parametrize("mimetype", WRONG_TYPES)
def test_a_wrong_type_is_refused_when_attached_and_when_built(mimetype: str):
    with pytest.raises(InvalidAttachment):
        EmailMessage().attach("a", "b", mimetype)
    mail = EmailMessage("s", "b", to=["a@x.org"])
    mail.attachments.append(("a", "b", mimetype))
    for build in (EmailMessage.message, to_bytes):
        with pytest.raises(ValueError, match=r"media type|cannot be the type"):
            build(mail)


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\y.txt", "y.txt"),
        ("a\r\nBcc: e@x.org.txt", "aBcc: e@x.org.txt"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("a\0b\x1b[2J.txt", "ab[2J.txt"),
        ("a\u2028b\u0085c", "abc"),
        (".htaccess", "htaccess"),
        ("...", "attachment"),
        ("dir/", "attachment"),
        ("\u2066\u2069", "attachment"),
        ("\ud800a.txt", "a.txt"),
        ("👩‍👩‍👧 family.jpg", "👩‍👩‍👧 family.jpg"),
        ('say "hi".txt', 'say "hi".txt'),
        ("x" * 300 + ".pdf", "x" * 251 + ".pdf"),
        ("é" * 200 + ".pdf", "é" * 125 + ".pdf"),
        ("a." + "e" * 300, "a." + "e" * 253),
        ("x" * 255, "x" * 255),
    ],
)
def test_names_keep_their_last_part_without_what_deceives(given: str, clean: str):
    assert clean_filename(given) == clean
    assert len(clean.encode()) <= 255
    for parts in attached(mail_with((given, b"1", "application/pdf"), (given, "1", "text/plain"))):
        assert [part.get_filename() for part in parts] == [clean, clean]
        assert all(part.get_content_disposition() == "attachment" for part in parts)


def test_an_attachment_without_a_name_has_no_disposition():
    for (part,) in attached(mail_with((None, b"1", "application/pdf"))):
        assert "Content-Disposition" not in part


CONTENTS = [
    b"",
    b"\n",
    b"a\nb\n",
    b"a\r\nb\r\n",
    b"a\rb",
    b"\0",
    b"From x\n.\n",
    "naïve\n".encode(),
    b"x" * 2000,
    b"x" * 2000 + b"\na\r\nb\rc\n",
    b"a \n",
]


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("mimetype", ["text/csv", "application/json", "image/png"])
def test_what_is_sent_arrives_octet_for_octet(content: bytes, mimetype: str):
    mail = mail_with(("a.x", content, mimetype))
    for written in (to_bytes(mail), to_bytes(mail, eight_bit=True)):
        part = message_from_bytes(written).get_payload()[1]
        assert part.get_content_type() == mimetype
        assert part.get_payload(decode=True) == content


def test_a_lazy_text_with_a_long_line_keeps_its_line_ends():
    class Lazy:
        def __str__(self) -> str:
            return "x" * 2000 + "\na\r\n"

    part = message_from_bytes(to_bytes(mail_with(("a.csv", Lazy(), "text/csv")))).get_payload()[1]
    assert part.get_payload(decode=True) == str(Lazy()).encode()


def test_a_large_file_arrives():
    content = bytes(range(256)) * 4 * 1024 * 5
    part = message_from_bytes(to_bytes(mail_with(("big.bin", content, None)))).get_payload()[1]
    assert part.get_payload(decode=True) == content


def test_text_for_a_type_that_is_no_text_is_utf8():
    for (part,) in attached(mail_with(("a.json", '{"€": 1}', "application/json"))):
        assert part.get_payload(decode=True) == '{"€": 1}'.encode()


@pytest.mark.parametrize("kind", ["ours", "forms", "standard", "bytes", "text"])
def test_a_message_may_be_attached_in_any_form(kind: str):
    inner = EmailMessage("Inner späte", "Grüße\n.\nFrom me", "in@x.org", ["b@x.org"])
    content: Any = {
        "ours": inner,
        "forms": EmailMultiAlternatives(
            "Inner späte", "Grüße", "in@x.org", alternatives=[("<p>Grüße", "text/html")]
        ),
        "standard": message_from_bytes(inner.message().as_bytes(), policy=policy.default),
        "bytes": inner.message().as_bytes(),
        "text": inner.message().as_bytes().decode(),
    }[kind]
    mail = mail_with(("inner.eml", content, "message/rfc822"))
    for written in (to_bytes(mail), to_bytes(mail, eight_bit=True), mail.message().as_bytes()):
        part = message_from_bytes(written, policy=policy.default).get_payload()[1]
        assert part.get_content_type() == "message/rfc822"
        assert part.get("Content-Transfer-Encoding", "7bit") in ("7bit", "8bit")
        (enclosed,) = part.get_payload()
        assert enclosed["From"] == "in@x.org"
        assert "Grüße" in enclosed.get_body().get_content()
    assert to_bytes(mail).isascii()


BREAKING = ["a\r.\rb", "\n.\n", "\r\n.\r\nMAIL FROM:<e@x.org>", "\r\r\n.", "a\nb\r"]


@pytest.mark.parametrize("text", BREAKING)
def test_no_bare_line_end_leaves_from_any_part(text: str):
    raw = f"Subject: raw\n\n{text}\n"
    ready = MIMEText("x")
    ready.set_payload(text)
    blob = MIMEBase("application", "x-blob")
    blob.set_payload(text)
    mail = EmailMultiAlternatives("s", text, to=["a@x.org"], alternatives=[(text, "text/html")])
    for attachment in (ready, blob, ("raw.eml", raw, "message/rfc822"), ("a.txt", text, "text/plain")):
        mail.attach(attachment) if isinstance(attachment, MIMEBase) else mail.attach(*attachment)
    for written in (to_bytes(mail), to_bytes(mail, eight_bit=True)):
        assert written.count(b"\r\n") == written.count(b"\r") == written.count(b"\n")
        forms, *rest = message_from_bytes(written).get_payload()
        lines = text.replace("\r\n", "\n").replace("\r", "\n")
        for part in (*forms.get_payload(), rest[0]):
            assert part.get_payload(decode=True).decode().replace("\r\n", "\n") == lines
        assert rest[3].get_payload(decode=True).decode() == text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Content-ID", "<a>\r\nBcc: e@x.org"),
        ("X-Any", "a\nBcc: e@x.org"),
        ("X-Any", "a\0b"),
        ("Content-ID", "<a b>"),
        ("Content-ID", "<a><b>"),
        ("Content-Disposition", "attachment; filename=a\rb"),
        ("X Any", "v"),
        ("X-A: b\r\nBcc", "v"),
    ],
)
def test_a_header_of_a_ready_part_that_would_break_the_message_is_refused(name: str, value: str):
    part = MIMEImage(b"1", "png")
    part[name] = value
    outer = MIMEMultipart()
    outer.attach(part)
    for attachment in (part, outer):
        for build in (EmailMessage.message, to_bytes):
            with pytest.raises(BadHeaderError):
                build(mail_with(attachment))


def test_a_signed_part_stays_as_it_is_and_is_refused_where_it_cannot():
    signed = MIMEMultipart("signed", boundary="frontier", protocol="application/pgp-signature")
    signed.attach(MIMEText("signed text\n"))
    signed.attach(MIMEBase("application", "pgp-signature"))
    mail = mail_with(signed)
    assert signed.as_bytes().partition(b"\n\n")[2].replace(b"\n", b"\r\n") in to_bytes(mail)
    signed.get_payload()[0].set_payload("x" * 999)
    with pytest.raises(MessageError, match="multipart/signed"):
        to_bytes(mail)


def test_a_part_of_the_modern_api_is_written_by_its_own_policy():
    inner = StandardMessage()
    inner["Subject"] = "Grüße"
    inner.set_content("späte Grüße\n" + "x" * 1200, cte="8bit")
    inner.add_attachment(b"1", maintype="application", subtype="pdf", filename="Grüße.pdf")
    part = message_from_bytes(to_bytes(mail_with(("a.eml", inner, "message/rfc822"))), policy=policy.default)
    (enclosed,) = part.get_payload()[1].get_payload()
    assert enclosed["Subject"] == "Grüße"
    assert enclosed.get_body().get_content().startswith("späte Grüße")
    assert [each.get_filename() for each in enclosed.iter_attachments()] == ["Grüße.pdf"]


def test_messages_nested_without_end_are_refused():
    mail = mail_with()
    mail.body = "ü"
    for _ in range(60):
        mail = mail_with(("a.eml", mail.message(), "message/rfc822"))
    with pytest.raises(MessageError, match="nested"):
        to_bytes(mail)


def test_a_newline_in_a_type_is_a_header_injection():
    forged = "plain\r\nBcc: e@x.org"
    with pytest.raises(BadHeaderError, match="Bcc"):
        mail_with(("a.txt", "b", f"text/{forged}"))
    with pytest.raises(BadHeaderError, match="Bcc"):
        EmailMultiAlternatives().attach_alternative("x", f"text/{forged}")
    mail = EmailMessage("s", "body", to=["a@x.org"])
    mail.content_subtype = forged
    for build in (EmailMessage.message, to_bytes):
        with pytest.raises(BadHeaderError, match="Bcc"):
            build(mail)


@pytest.mark.parametrize("word", ["part", "a;b", 'a"b', "a, b"])
def test_a_long_file_name_is_not_folded_within_its_quotes(word: str):
    name = f"{word} " * 20 + "x.pdf"
    mail = EmailMessage("s", "b", to=["a@x.org"], attachments=[(name, b"x", "application/pdf")])
    part = message_from_bytes(to_bytes(mail)).get_payload()[1]
    assert part.get_filename() == name
    assert part["Content-Disposition"].startswith("attachment;\r\n filename=")


def test_a_file_name_that_looks_like_an_encoded_word_is_kept_literally():
    name = "=?utf-8?q?x?=.txt"
    for parts in attached(mail_with((name, "b", "text/plain"))):
        assert [part.get_filename() for part in parts] == ["=?utf-8?q?x?=.txt"]


@pytest.mark.parametrize("path", ["report.pdf", Path("report.pdf")])
def test_a_path_among_the_attachments_is_answered_with_the_ways_to_attach(path: Any):
    with pytest.raises(
        TypeError, match=r"report\.pdf.*Accepted: \(filename, content, mimetype\).*attach_file\(\)"
    ):
        mail_with(path)
