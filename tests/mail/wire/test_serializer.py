"""to_bytes: which way is taken, what both ways give, what is shared and what is refused."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from email import message_from_bytes, policy
from email.message import EmailMessage as StandardMessage
from email.message import Message
from email.mime.image import MIMEImage
from email.mime.text import MIMEText
from typing import Any

import pytest

from aerogram.exceptions import InvalidAddress, MessageError
from aerogram.mail.message import EmailAttachment, EmailMessage, EmailMultiAlternatives
from aerogram.mail.wire import parts as nodes
from aerogram.mail.wire import serializer as mime
from aerogram.mail.wire.parts import check_header_block, check_lines
from aerogram.mail.wire.recent_parts import RecentParts
from aerogram.mail.wire.serializer import to_bytes


def mail(**changes: Any) -> EmailMultiAlternatives:
    defaults = {"subject": "Hello", "body": "text", "from_email": "me@example.com", "to": ["a@x.org"]}
    return EmailMultiAlternatives(**{**defaults, **changes})


def test_a_whole_mail_as_written():
    written = to_bytes(
        mail(
            cc=["C <c@x.org>"],
            headers={"Date": "Fri, 09 Nov 2001 01:08:47 -0000", "Message-ID": "<1@x.org>", "X-A": "1"},
        )
    )
    assert written == (
        b"Subject: Hello\r\nFrom: me@example.com\r\nTo: a@x.org\r\nCc: C <c@x.org>\r\n"
        b"Date: Fri, 09 Nov 2001 01:08:47 -0000\r\nMessage-ID: <1@x.org>\r\nX-A: 1\r\n"
        b'Content-Type: text/plain; charset="utf-8"\r\nMIME-Version: 1.0\r\n'
        b"Content-Transfer-Encoding: 7bit\r\n"
        b"\r\ntext\r\n"
    )


class OwnMessage(EmailMessage):
    def message(self) -> Any:
        built = super().message()
        built["X-Own"] = "yes"
        return built


class OwnAttachment(EmailMultiAlternatives):
    def _create_attachment(self, filename: Any, content: Any, mimetype: Any = None) -> Any:
        part = super()._create_attachment(filename, content, mimetype)
        part["X-Own"] = "yes"
        return part


class OwnStep(EmailMultiAlternatives):
    def _create_message(self, msg: Any) -> Any:
        built = super()._create_message(msg)
        built["X-Own"] = "yes"
        return built


@pytest.mark.parametrize("cls", [OwnMessage, OwnAttachment, OwnStep])
def test_what_a_subclass_overrides_is_sent(cls: Any):
    message = cls("Grüße", "ü" * 2000, to=["Ünï, Cö <a@x.org>"], bcc=["b@x.org"])
    message.attach("a.txt", "x", "text/plain")
    written = to_bytes(message)
    assert b"X-Own: yes\r\n" in written
    assert written.isascii()
    check_lines(written)


def test_a_step_replaced_on_the_instance_or_the_class_is_respected(monkeypatch: pytest.MonkeyPatch):
    message = mail()
    message.message = lambda: OwnMessage("own", to=["a@x.org"]).message()  # type: ignore[method-assign] # the case
    assert b"X-Own: yes" in to_bytes(message)
    own = message.message()
    monkeypatch.setattr(EmailMessage, "message", lambda self: own)
    assert b"X-Own: yes" in to_bytes(mail())


def test_anything_with_a_message_method_can_be_written():
    class Other:
        def message(self) -> Message:
            built = StandardMessage()
            built["Subject"] = "Grüße " * 30
            built["To"] = "Ünï <a@x.org>"
            built["Bcc"] = "secret@x.org"
            built.set_content("späte Grüße\n", cte="8bit")
            return built

    written = to_bytes(Other())
    assert b"secret" not in written
    assert written.isascii()
    read = message_from_bytes(written, policy=policy.default)
    assert read["Subject"] == ("Grüße " * 30).strip() or read["Subject"] == "Grüße " * 30
    assert read["To"] == "Ünï <a@x.org>"
    assert read.get_content().splitlines() == ["späte Grüße"]


def test_without_8bit_everything_is_ascii_and_with_it_text_is_left():
    message = mail(
        body="Grüße", alternatives=[("<p>Grüße", "text/html")], attachments=[("ü.txt", "ü\n", None)]
    )
    assert to_bytes(message).isascii()
    written = to_bytes(message, eight_bit=True)
    assert written.count("Grüße".encode()) == 2
    assert written.partition(b"\r\n\r\n")[0].isascii()


def test_utf8_allows_a_local_part_beyond_ascii():
    message = mail(to=["ünï@x.org"])
    with pytest.raises(InvalidAddress):
        to_bytes(message)
    assert "To: ünï@x.org\r\n".encode() in to_bytes(message, utf8=True)
    with pytest.raises(InvalidAddress):
        to_bytes(message)


def boundaries(written: bytes) -> list[bytes]:
    return re.findall(rb'boundary="([^"]+)"', written)


def test_a_boundary_never_stands_in_the_content(monkeypatch: pytest.MonkeyPatch):
    draws = iter([7, 7, 8])
    monkeypatch.setattr(nodes.random, "getrandbits", lambda bits: next(draws))
    hostile = f"--=_0.{7:024x}\r\n--=_0.{7:024x}--"
    message = mail(alternatives=[(hostile, "text/html")])
    written = nodes.assemble(mime._node(message, False))
    assert boundaries(written) == [b"=_0.%024x" % 8]
    _, html = message_from_bytes(written).get_payload()
    assert html.get_payload(decode=True).decode() == hostile


def test_boundaries_of_nested_parts_differ_and_none_begins_another():
    attachments = [(f"{n}.bin", b"1", "x/y") for n in range(30)]
    inner = MIMEText("x")
    found = boundaries(to_bytes(mail(alternatives=[("<p>", "text/html")], attachments=[*attachments, inner])))
    assert len(found) == len(set(found)) == 2
    assert not any(a != b and b.startswith(a) for a in found for b in found)


def test_what_a_batch_shares_is_encoded_once(monkeypatch: pytest.MonkeyPatch):
    calls = []
    real = mime.encode_text
    monkeypatch.setattr(mime, "encode_text", lambda *args, **more: calls.append(1) or real(*args, **more))
    body = f"shared {id(calls)} ü"
    written = {to_bytes(mail(body=body, to=[f"a{n}@x.org"])).partition(b"\r\n\r\n")[2] for n in range(50)}
    assert len(written) == 1
    assert len(calls) <= 2


def test_a_ready_part_changed_between_sends_is_written_anew():
    image = MIMEImage(b"before", "png")
    message = mail(attachments=[image, ("a.txt", "x", "text/plain")])
    for content in (b"one", b"two", b"three"):
        image.set_payload(content.hex())
        assert content.hex().encode() in to_bytes(message)


def test_equal_looking_contents_of_different_kinds_do_not_share():
    for _ in range(3):
        plain = to_bytes(mail(attachments=[("a", "1", "application/x-a")]))
        other = to_bytes(mail(alternatives=[("a", "text/x-1")], attachments=[("a", b"1", "text/plain")]))
        assert b"application/x-a" in plain
        assert b"text/x-1" in other
        message = mail()
        message.content_subtype = "html"
        assert b"text/html" in to_bytes(message)
        assert b"text/plain" in to_bytes(mail())


def test_bytes_and_texts_of_shared_contents_are_never_compared():
    code = (
        "from aerogram.mail import EmailMessage\n"
        "from aerogram.mail.wire.serializer import to_bytes\n"
        "for content in ('a', b'a', 'a', b'a'):\n"
        "    mail = EmailMessage('s', 'b', 'a@x.org', ['b@x.org'])\n"
        "    mail.attach('a.bin', content, 'application/x')\n"
        "    print(b'a.bin' in to_bytes(mail))\n"
    )
    built = subprocess.check_output([sys.executable, "-bb", "-c", code], text=True, timeout=60)
    assert built == "True\n" * 4


def test_a_lazy_body_is_read_at_every_build():
    class Counter:
        count = 0

        def __str__(self) -> str:
            self.count += 1
            return f"count {self.count}"

    message = mail(body=Counter())
    assert [f"count {n}".encode() in to_bytes(message) for n in (1, 2, 3)] == [True] * 3


def test_the_last_four_parts_are_kept_and_no_large_one():
    parts: RecentParts[bytes] = RecentParts()
    for key in ("a", "b", "c", "d", "e"):
        parts.add(key, key.encode(), 1)
    parts.add("large", b"large", 3_000_000)
    assert [parts.get(key) for key in ("a", "b", "e", "large")] == [None, b"b", b"e", None]


def test_few_distinct_bodies_are_kept_alive():
    for n in range(300):
        to_bytes(mail(body=f"only once {n} " + "x" * 1000))
    assert sum(b"only once" in part for _, part in mime._contents._entries) <= 4


def test_threads_write_their_own_messages():
    wrong = []

    def write(n: int) -> None:
        for _ in range(100):
            written = to_bytes(mail(body=f"body {n % 3}", to=[f"a{n}@x.org"]))
            if f"To: a{n}@x.org\r\n".encode() not in written or not written.endswith(
                b"body %d\r\n" % (n % 3)
            ):
                wrong.append(written)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize(
    "block",
    [b"A: b\nC: d\r\n", b"A: b", b": b\r\n", b" A: b\r\n", b"A: b\r\n \r\n", b"A: b\0\r\n", b"A b\r\n", b""],
)
def test_a_malformed_header_block_is_refused(block: bytes):
    with pytest.raises(MessageError):
        check_header_block(block)


def test_lines_no_server_takes_are_refused():
    check_header_block(b"A: b\r\n\tc\r\nD:\r\n")
    for data in (b"a\nb", b"a\rb", b"a\0b", b"x" * 999, b"\r\n" + b"x" * 999 + b"\r\n"):
        with pytest.raises(MessageError):
            check_lines(data)
    with pytest.raises(MessageError):
        check_header_block(b"A: " + b"x" * 1000 + b"\r\n")


def test_a_type_left_out_by_hand_is_octets():
    message = mail()
    message.attachments.append(EmailAttachment("a", b"1", None))  # type: ignore[arg-type] # as old code may
    for read in (message_from_bytes(message.message().as_bytes()), message_from_bytes(to_bytes(message))):
        assert read.get_payload()[1].get_content_type() == "application/octet-stream"


def test_an_attachment_that_distinct_bodies_share_is_encoded_once(monkeypatch: pytest.MonkeyPatch):
    calls = []
    real = mime.node_of
    monkeypatch.setattr(mime, "node_of", lambda part, **more: calls.append(1) or real(part, **more))
    content = f"terms {id(calls)}".encode()
    for n in range(20):
        message = mail(body=f"Dear {n}", attachments=[("terms.pdf", content, "application/pdf")])
        assert message_from_bytes(to_bytes(message)).get_payload()[1].get_payload(decode=True) == content
    assert len(calls) == 1


def test_attachments_put_into_the_list_by_hand_are_written_as_message_writes_them():
    message = mail()
    message.attachments += [("a.txt", "text", None), ("b.bin", b"\0", "application/x")]
    for read in (message_from_bytes(message.message().as_bytes()), message_from_bytes(to_bytes(message))):
        assert [part.get_payload(decode=True) for part in read.get_payload()[1:]] == [b"text", b"\0"]


def test_a_subtype_too_long_for_a_header_is_refused():
    with pytest.raises(MessageError, match="subtype"):
        to_bytes(mail(alternatives=[("<p>", "text/" + "x" * 128)]))
