"""Messages and parts of other making: what is broken in them, and octets beyond ASCII in their headers."""

from __future__ import annotations

from email import message_from_bytes, message_from_string, policy
from email.header import decode_header, make_header
from email.message import EmailMessage as StandardMessage
from email.message import Message, MIMEPart
from email.mime.message import MIMEMessage
from email.mime.text import MIMEText
from pathlib import Path
from typing import Any

import pytest

from aerogram import Notification, Renderer
from aerogram.exceptions import BadHeaderError
from aerogram.mail import EmailMessage, EmailMultiAlternatives
from aerogram.mail.backends import filebased
from aerogram.mail.wire.serializer import to_bytes
from aerogram.testing import FaultyServer
from tests.smtp_peers import backend_for

HEAD = b"From: a@x.org\r\nSubject: in\r\nMIME-Version: 1.0\r\nContent-Type: "
BROKEN = {
    "no end": HEAD + b"multipart/mixed; boundary=b\r\n\r\npre\r\n--b\r\n\r\nhello\r\n",
    "no boundary in it": HEAD + b"multipart/mixed; boundary=b\r\n\r\njust text\r\n",
    "no boundary at all": HEAD + b"multipart/mixed\r\n\r\n--b\r\n\r\nhello\r\n--b--\r\n",
    "empty": HEAD + b"multipart/mixed; boundary=b\r\n\r\n",
    "inner without end": HEAD
    + b"multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n"
    + b"--c\r\n\r\nhello\r\n--b--\r\n",
    "encoded": HEAD
    + b"multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + b"--b\r\n\r\nhello\r\n--b--\r\n",
    "a line that is no header": b"From: a@x.org\r\nno header\r\nSubject: in\r\n\r\nbody\r\n",
    "no header at all": b"\r\njust a body\r\n",
}
EIGHT_BIT = {
    f"8 bit, {name}": raw.replace(b"hello", b"h\xc3\xa4llo").replace(b"just", b"jus\xfft")
    for name, raw in BROKEN.items()
    if b"hello" in raw or b"just" in raw
}


def enclosing(raw: Any, mimetype: str = "message/rfc822") -> EmailMessage:
    return EmailMessage("s", "b", "me@x.org", ["a@x.org"], attachments=[("in.eml", raw, mimetype)])


def written(mail: EmailMessage) -> list[bytes]:
    return [to_bytes(mail, eight_bit=True), mail.message().as_bytes(linesep="\r\n")]


@pytest.mark.parametrize("name", BROKEN | EIGHT_BIT)
@pytest.mark.parametrize("change", [bytes, lambda raw: raw.replace(b"\r\n", b"\n")])
def test_a_broken_message_is_sent_as_it_stands(name: str, change: Any):
    raw = (BROKEN | EIGHT_BIT)[name]
    mail = enclosing(change(raw))
    for each in written(mail):
        assert b"\r\n\r\n" + raw in each


@pytest.mark.parametrize("name", EIGHT_BIT)
@pytest.mark.parametrize("offers", [["PIPELINING", "8BITMIME"], []])
def test_a_broken_message_arrives_at_any_server(name: str, offers: list[str]):
    with FaultyServer(offers) as server:
        backend_for(server).send_messages([enclosing(EIGHT_BIT[name])])
        (received,) = server.messages
    if received.content.isascii():  # written anew, with the end that it lacks
        assert b"h=C3=A4llo" in received.content or b"jus=FFt" in received.content
        assert received.parameters == ()
    else:
        assert EIGHT_BIT[name] in received.content
        assert ("BODY=8BITMIME" in received.parameters) == bool(offers)


@pytest.mark.parametrize("octets", [b"a\0b\xff", b"x" * 1000 + b"\xff"])
def test_a_broken_message_that_no_server_takes_travels_as_a_file(octets: bytes):
    raw = EIGHT_BIT["8 bit, no boundary in it"] + octets
    for eight_bit in (False, True):
        part = message_from_bytes(to_bytes(enclosing(raw), eight_bit=eight_bit)).get_payload()[1]
        assert (part.get_content_type(), part.get_filename()) == ("application/octet-stream", "in.eml")
        assert part.get_payload(decode=True) == raw


@pytest.mark.parametrize("name", [name for name in BROKEN | EIGHT_BIT if "no boundary" in name])
@pytest.mark.parametrize(
    "read", [message_from_bytes, lambda raw: message_from_bytes(raw, policy=policy.default)]
)
def test_a_broken_message_object_is_sent_as_it_stands(name: str, read: Any):
    raw = (BROKEN | EIGHT_BIT)[name]
    for each in written(enclosing(read(raw))):
        assert raw in each


def test_the_file_backend_writes_a_broken_message(tmp_path: Path):
    backend = filebased.EmailBackend(file_path=str(tmp_path))
    backend.send_messages([enclosing(EIGHT_BIT["8 bit, no boundary in it"])])
    (path,) = tmp_path.iterdir()
    assert b"\n\njus\xfft text\n" in path.read_bytes()


HEADERS = {
    "utf-8": "From: Grüße <in@x.org>\r\nSubject: Grüße\r\nX-Any: ü\r\n\r\nbody ü\r\n".encode(),
    "latin-1": "From: Grüße <in@x.org>\r\nSubject: Grüße\r\nX-Any: ü\r\n\r\nbody\r\n".encode("latin-1"),
    "a date": "From: in@x.org\r\nDate: Fr, 3. März 2026\r\nSubject: x\r\n\r\nbody\r\n".encode(),
    "a trace": b"From: in@x.org\r\nReceived: from \xfc\r\nSubject: x\r\n\r\nbody\r\n",
}


@pytest.mark.parametrize("name", HEADERS)
@pytest.mark.parametrize("policy_", [policy.compat32, policy.default])
def test_octets_beyond_ascii_in_headers_survive(name: str, policy_: Any):
    raw = HEADERS[name]
    contents: list[Any] = [raw, message_from_bytes(raw, policy=policy_)]
    if name == "utf-8":
        contents.append(raw.decode())
    for content in contents:
        for each in written(enclosing(content)):
            assert raw in each
        sent = to_bytes(enclosing(content))
        if name == "utf-8":
            assert sent.isascii()
            (inner,) = message_from_bytes(sent).get_payload()[1].get_payload()
            assert str(make_header(decode_header(inner["Subject"]))) == "Grüße"
            assert str(make_header(decode_header(inner["X-Any"]))) == "ü"
            assert inner["From"].endswith("<in@x.org>")
        else:
            assert raw in sent


@pytest.mark.parametrize("policy_", [policy.compat32, policy.default])
def test_a_message_read_from_text_is_written(policy_: Any):
    text = HEADERS["utf-8"].decode()
    for each in [
        to_bytes(enclosing(message_from_string(text, policy=policy_))),
        *written(enclosing(message_from_string(text, policy=policy_))),
    ]:
        assert b"\xef\xbf\xbd" not in each
        assert "Subject: Grüße".encode() in each or b"Subject: =?utf-8?b?R3LDvMOfZQ==?=" in each


@pytest.mark.parametrize("policy_", [policy.compat32, policy.default])
def test_octets_in_a_file_name_survive(policy_: Any):
    raw = (
        "From: a@x.org\r\nSubject: x\r\nContent-Type: application/pdf\r\n"
        'Content-Disposition: attachment; filename="Grüße.pdf"\r\n\r\nx\r\n'
    ).encode()
    for content in (raw, message_from_bytes(raw, policy=policy_)):
        sent = to_bytes(enclosing(content))
        assert b"\xef\xbf\xbd" not in sent
        assert "Grüße.pdf".encode() in sent or b"Gr%C3%BC%C3%9Fe.pdf" in sent


def test_octets_in_a_tree_of_other_making_are_refused_where_they_are_no_text():
    class Other:
        def message(self) -> Message:
            return message_from_bytes(HEADERS["latin-1"])

    with pytest.raises(BadHeaderError, match="'From' contains octets that are not UTF-8"):
        to_bytes(Other())
    assert "Gr=C3=BC" not in to_bytes(enclosing(HEADERS["utf-8"]), eight_bit=True).decode()


def test_messages_within_messages_keep_what_they_are():
    inner = EIGHT_BIT["8 bit, no boundary in it"]
    middle = HEAD + b"message/rfc822\r\n\r\n" + inner
    for each in written(enclosing(middle)):
        assert middle in each
    assert inner in to_bytes(enclosing(middle))


REPORT = (
    b"Reporting-MTA: dns; mx.example.org\r\n\r\n"
    b"Final-Recipient: rfc822; ann@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n"
)


@pytest.mark.parametrize("kind", ["message/delivery-status", "message/disposition-notification"])
def test_a_report_is_not_encoded(kind: str):
    for each in (*written(enclosing(REPORT, kind)), to_bytes(enclosing(REPORT, kind))):
        assert REPORT in each
        part = message_from_bytes(each).get_payload()[1]
        assert part.get_content_type() == kind
        assert part["Content-Transfer-Encoding"] in (None, "7bit")


@pytest.mark.parametrize("kind", ["message/global", "message/delivery-status", "message/x-any"])
def test_a_report_beyond_ascii_keeps_its_octets(kind: str):
    raw = "Subject: ü\r\n\r\nü\0\r\n".encode()
    sent = to_bytes(enclosing(raw, kind))
    assert sent.isascii()


# -- parts of the modern API --


def modern_part() -> MIMEPart:
    part = MIMEPart()
    part.set_content(b"%PDF", maintype="application", subtype="pdf", filename="Grüße und €.pdf")
    part["Content-Description"] = "späte Grüße " * 10
    return part


def parts_of(mail: EmailMessage) -> list[list[Any]]:
    wires = (to_bytes(mail), to_bytes(mail, eight_bit=True), mail.message().as_bytes())
    return [message_from_bytes(each, policy=policy.default).get_payload() for each in wires]


@pytest.mark.parametrize("way", ["argument", "attach", "list"])
def test_a_mime_part_is_attached(way: str):
    part = modern_part()
    mail = EmailMessage("s", "b", "me@x.org", ["a@x.org"], attachments=[part] if way == "argument" else ())
    if way == "attach":
        mail.attach(part)
    elif way == "list":
        mail.attachments.append(part)
    assert mail.attachments == [part]
    for body, read in parts_of(mail):
        assert body.get_content().strip() == "b"
        assert (read.get_content_type(), read.get_content()) == ("application/pdf", b"%PDF")
        assert read.get_filename() == "Grüße und €.pdf"
        assert read.is_attachment()
        assert str(read["Content-Description"]).split() == ["späte", "Grüße"] * 10


@pytest.mark.parametrize("make", [MIMEPart, StandardMessage])
def test_a_text_part_and_a_multipart_of_the_modern_api_are_attached(make: Any):
    part = make()
    part.set_content("Grüße\n", cte="8bit")
    part.add_alternative("<p>Grüße</p>\n", subtype="html")
    for _, read in parts_of(EmailMessage("s", "b", "me@x.org", ["a@x.org"], attachments=[part])):
        assert read.get_content_type() == "multipart/alternative"
        assert [form.get_content().strip() for form in read.get_payload()] == ["Grüße", "<p>Grüße</p>"]


@pytest.mark.parametrize("kind", ["modern", "parsed"])
def test_a_whole_message_among_the_attachments_is_enclosed(kind: str):
    whole = StandardMessage()
    whole["Subject"] = "Grüße"
    whole["From"] = "in@x.org"
    whole["Bcc"] = "secret@x.org"
    whole.set_content("späte Grüße\n")
    inner = whole if kind == "modern" else message_from_bytes(whole.as_bytes())
    mail = EmailMessage("s", "b", "me@x.org", ["a@x.org"], attachments=[inner])
    for _, read in parts_of(mail):
        assert read.get_content_type() == "message/rfc822"
        (enclosed,) = read.get_payload()
        assert enclosed["Subject"] == "Grüße"
        assert enclosed.get_content().split() == ["späte", "Grüße"]


def test_an_image_of_the_modern_api_that_the_html_shows_is_related():
    image = MIMEPart()
    image.set_content(b"\x89PNG", maintype="image", subtype="png", disposition="inline", cid="<logo@x.org>")
    mail = EmailMultiAlternatives("s", "b", "me@x.org", ["a@x.org"], attachments=[image])
    mail.attach_alternative('<img src="cid:logo@x.org">', "text/html")
    for wire in (to_bytes(mail), mail.message().as_bytes()):
        read = message_from_bytes(wire, policy=policy.default)
        assert read.get_content_type() == "multipart/related"
        assert read.get_payload()[1].get_content() == b"\x89PNG"


def test_a_part_that_would_forge_headers_is_refused():
    part = Message()
    part["X-Any"] = "a\nBcc: e@x.org"
    for build in (EmailMessage.message, to_bytes):
        with pytest.raises(BadHeaderError):
            build(EmailMessage("s", "b", "me@x.org", ["a@x.org"], attachments=[part]))


def test_a_part_with_more_arguments_is_refused():
    with pytest.raises(ValueError, match="must not be given"):
        EmailMessage().attach(modern_part(), b"x")


def test_a_notification_attaches_a_mime_part():
    class Report(Notification):
        subject = "s"
        text_template = "report.txt"
        to = ("a@x.org",)
        attachments = (modern_part(),)

    from jinja2 import DictLoader

    message = Renderer(loader=DictLoader({"report.txt": "b"})).render(Report())
    assert message_from_bytes(to_bytes(message)).get_payload()[1].get_content_type() == "application/pdf"


def test_a_broken_message_beside_a_part_arrives():
    broken = message_from_string(BROKEN["no boundary in it"].decode())
    mail = EmailMessage("s", "b", "me@x.org", ["a@x.org"])
    mail.attachments += [MIMEText("x"), ("in.eml", broken, "message/rfc822")]
    for each in written(mail):
        assert b"just text" in each


FORGED = ["v\nX-Evil: 1", "v\r\nX-Evil: 1", "=?utf-8?q?=0D=0AX-Evil:_1?=", "=?utf-8?b?ClgtRXZpbDogMQ==?="]


@pytest.mark.parametrize("name", ["Content-Disposition", "Content-Type", "X-Note"])
@pytest.mark.parametrize("value", FORGED)
@pytest.mark.parametrize("kind", [MIMEPart, Message])
def test_no_header_of_a_part_forges_another(name: str, value: str, kind: type[Message]):
    part = kind(policy=policy.default if kind is MIMEPart else policy.compat32)
    part.set_payload("text")
    part.set_raw(name, f"attachment; filename={value}" if name == "Content-Disposition" else value)
    part.set_raw("Subject", "in")
    for mail in (EmailMessage("s", "b", "me@x.org", ["a@x.org"], attachments=[part]), enclosing(part)):
        for write in (to_bytes, lambda mail: mail.message().as_bytes()):
            try:
                lines = write(mail).splitlines()
            except BadHeaderError:
                continue
            assert not any(line.startswith(b"X-Evil") for line in lines)


def test_a_message_that_is_enclosed_shows_no_blind_copies():
    for inner in (MIMEText("text"), StandardMessage()):
        inner["Subject"], inner["Bcc"] = "in", "hidden@x.org"
        for content in (inner, MIMEMessage(inner)):
            mail = EmailMessage("s", "b", "me@x.org", ["a@x.org"])
            mail.attach(*(("in.eml", inner, "message/rfc822") if content is inner else (content,)))
            assert b"hidden" not in to_bytes(mail)
            assert b"Subject: in" in to_bytes(mail)
        assert inner["Bcc"] == "hidden@x.org"
    assert b"hidden" in to_bytes(enclosing(b"Bcc: hidden@x.org\r\n\r\na file that is attached"))
