"""A queued mail is sent unchanged, by every backend."""

from __future__ import annotations

import copy
import io
import pickle
from pathlib import Path
from typing import Any

import pytest

from aerogram import mail
from aerogram.conf import settings
from aerogram.mail import EmailMultiAlternatives, get_connection
from aerogram.mail.address.envelope import envelope_of
from aerogram.mail.backends.base import BaseEmailBackend
from aerogram.mail.backends.console import EmailBackend as Console
from aerogram.mail.backends.failover import EmailBackend as Failover
from aerogram.mail.backends.smtp import EmailBackend
from aerogram.mail.wire.serializer import to_bytes
from aerogram.outbox.frozen import FrozenMessage
from aerogram.testing import Drop, FaultyServer

BDAT = ("PIPELINING", "8BITMIME", "CHUNKING")


def rich_message() -> EmailMultiAlternatives:
    message = EmailMultiAlternatives(
        "Grüße an Ann, " + "sehr " * 20 + "herzlich",
        "From here on\n.\nGrüße!\n",
        "Jürgen Müller <shop@example.com>",
        ["Ann <ann@example.com>", "bob@example.com"],
        bcc=["eve@example.com"],
        cc=["cc@example.com"],
        reply_to=["help@example.com"],
        headers={"X-Campaign": "spring", "Message-ID": "<1@example.com>"},
    )
    message.attach_alternative("<p>Grüße!</p>", "text/html")
    message.attach("a.csv", "a,b\nü", "text/csv")
    message.attach("a.pdf", b"%PDF\x00\xff", "application/pdf")
    return message


def frozen_of(message: EmailMultiAlternatives, **options: Any) -> FrozenMessage:
    sender, recipients = envelope_of(message)
    return FrozenMessage(to_bytes(message), sender, recipients, **options)


MESSAGES = {
    "rich": rich_message(),
    "plain": EmailMultiAlternatives("Hi", "From x\r\n..\n", "a@example.com", ["b@example.com"]),
    "empty": EmailMultiAlternatives("", "", "a@example.com", ["b@example.com"]),
    "html": EmailMultiAlternatives("Hi", "<p>x" * 300, "a@example.com", ["b@example.com"]),
}
MESSAGES["html"].content_subtype = "html"


@pytest.mark.parametrize("name", MESSAGES)
def test_the_tree_is_written_as_the_mail_was_queued(name: str) -> None:
    frozen = frozen_of(MESSAGES[name])
    assert frozen.message().as_bytes(linesep="\r\n") == frozen.frozen
    assert frozen.message().as_bytes() == frozen.frozen.replace(b"\r\n", b"\n")
    assert to_bytes(frozen, eight_bit=True) == frozen.frozen
    assert b"eve@" not in frozen.frozen


def test_the_attributes_are_those_of_the_message() -> None:
    given, frozen = rich_message(), frozen_of(rich_message())
    assert frozen.subject == given.subject
    assert frozen.content_subtype == "plain"
    assert frozen.body == given.body
    assert frozen.alternatives == given.alternatives
    assert [tuple(each) for each in frozen.attachments] == [tuple(each) for each in given.attachments]
    assert frozen.to == ["Ann <ann@example.com>", "bob@example.com"]
    assert (frozen.cc, frozen.bcc) == (["cc@example.com"], ["eve@example.com"])
    assert frozen.extra_headers["X-Campaign"] == "spring"
    assert frozen.extra_headers["Message-ID"] == "<1@example.com>"
    assert EmailMultiAlternatives(from_email=frozen.from_email).message()["From"] == given.message()["From"]
    assert repr(frozen).endswith("to 4 recipients>")
    assert frozen_of(MESSAGES["html"]).content_subtype == "html"
    with pytest.raises(AttributeError, match="no attribute 'colour'"):
        _ = frozen.colour
    # A copy for another process or a test holds nothing of the one that sends.
    hooked = frozen_of(given, permit_contents=lambda _: [])
    assert pickle.loads(pickle.dumps(hooked)).permit_contents is None
    assert copy.deepcopy(hooked).permit_contents is None


def test_every_backend_sends_it(tmp_path: Path) -> None:
    stream = io.StringIO()
    taken: list[Any] = []

    class Own(BaseEmailBackend):
        def send_messages(self, email_messages: Any, **_: Any) -> int:
            taken.extend(each.message().as_bytes(linesep="\r\n") for each in email_messages)
            return len(email_messages)

    with FaultyServer() as server:
        smtp = EmailBackend(server.host, server.port)
        content = to_bytes(rich_message())
        frozen = FrozenMessage(content, "bounce@example.com", ["ann@example.com", "eve@example.com"])
        files = "aerogram.mail.backends.filebased.EmailBackend"
        locmem = "aerogram.mail.backends.locmem.EmailBackend"
        for backend in (
            smtp,
            Failover(mailers=[smtp]),
            Console(stream=stream),
            get_connection(files, file_path=tmp_path),
            get_connection(locmem),
            Own(),
        ):
            assert backend.send_messages([frozen]) == 1
        assert [each.content for each in server.messages] == [content] * 2
        assert {each.recipients for each in server.messages} == {("ann@example.com", "eve@example.com")}
        assert {each.mail_from for each in server.messages} == {"bounce@example.com"}
    assert taken == [content]
    plain = content.replace(b"\r\n", b"\n")
    assert next(tmp_path.iterdir()).read_bytes().startswith(plain)
    assert stream.getvalue().startswith(plain.decode())
    assert mail.outbox[-1].message().as_bytes(linesep="\r\n") == content


def test_an_address_beyond_ascii_needs_smtputf8() -> None:
    content = b"Subject: x\r\nReply-To: j\xc3\xbcrgen@example.com\r\n\r\nx\r\n"
    frozen = FrozenMessage(content, "a@example.com", ["ann@example.com"])
    with FaultyServer(("PIPELINING", "8BITMIME", "SMTPUTF8")) as server:
        assert EmailBackend(server.host, server.port).send_messages([frozen]) == 1
    assert [(each.content, "SMTPUTF8" in each.parameters) for each in server.messages] == [(content, True)]


@pytest.mark.parametrize("offers", [("PIPELINING", "8BITMIME"), (), BDAT])
def test_the_content_leaves_only_when_it_may(offers: tuple[str, ...]) -> None:
    """The question comes last of all, once for each content; a no leaves the other messages alone."""
    with FaultyServer(offers) as server:
        asked: list[tuple[str, int]] = []

        def ask(name: str, answer: bool) -> Any:
            def permit_contents(messages: Any) -> Any:
                asked.append((name, sum(each.startswith("RCPT") for each in server.commands)))
                return messages if answer else []

            message = EmailMultiAlternatives(name, "x", "a@example.com", ["ann@example.com"])
            return frozen_of(message, permit_contents=permit_contents)

        names = ("one", "two", "no", "three", "four")
        messages = [ask(name, name != "no") for name in names]
        backend = EmailBackend(server.host, server.port, chunking=True, fail_silently=True)
        assert backend.send_messages(messages) == 4
    assert [name for name, _ in asked] == list(names)
    if offers is not BDAT:  # there the content follows its commands without an answer
        assert [recipients for _, recipients in asked] == [1, 2, 3, 4, 5]
    assert [each.content.split(b"\r\n")[0].decode() for each in server.messages] == [
        "Subject: one", "Subject: two", "Subject: three", "Subject: four",
    ]  # fmt: skip
    result = messages[2].delivery.recipients["ann@example.com"]
    assert (result.status, messages[2].delivery.handed_over) == ("deferred", False)


def test_each_connection_asks_again() -> None:
    large = EmailMultiAlternatives("Hi", ("x" * 70 + "\n") * 115_000, "a@example.com", ["b@example.com"])
    with FaultyServer().on("content", Drop(reset=True), times=1) as server:
        asked = []
        frozen = frozen_of(large, permit_contents=lambda all_: asked.append(1) or all_)
        assert EmailBackend(server.host, server.port).send_messages([frozen]) == 1
    assert len(asked) == 2


def test_a_capture_takes_it() -> None:
    with settings.override(EMAIL_CAPTURE="locmem:"):
        assert EmailBackend("127.0.0.1", 1).send_messages([frozen_of(MESSAGES["plain"])]) == 1
    assert mail.outbox[-1].subject == "Hi"
