"""Blind copies that a message writes itself: in nothing that is sent or stored, whatever the message is."""

from __future__ import annotations

import email.message
import io
from email.mime.text import MIMEText
from typing import TYPE_CHECKING, Any

import pytest

from aerogram.mail import EmailMessage, EmailMultiAlternatives, get_connection
from aerogram.mail.wire.serializer import to_bytes
from aerogram.outbox.queueing import freeze
from aerogram.testing import FaultyServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HIDDEN = "hidden@example.com"
GIVEN = ("Subject", "Text", "shop@example.com", ["ann@example.com"], [HIDDEN])


def revealing(built: Any) -> Any:
    """Write the blind copies into a tree, in every way that a header may be spelled."""
    for name in ("Bcc", "bCC", "Resent-Bcc", "RESENT-BCC"):
        built._headers.append((name, HIDDEN))  # a policy may refuse the second one
    return built


class Overridden(EmailMultiAlternatives):
    def message(self) -> Any:
        return revealing(super().message())


class OverriddenStep(EmailMessage):
    def _create_message(self, msg: Any) -> Any:
        return revealing(super()._create_message(msg))


class Foreign:
    """No class of ours, which returns one tree again and again."""

    from_email, subject = "shop@example.com", "Subject"

    def __init__(self, built: Any) -> None:
        built["Subject"], built["To"] = self.subject, "ann@example.com"
        built["Message-ID"] = "<1@example.com>"
        self.built = revealing(built)

    def message(self) -> Any:
        return self.built

    def recipients(self) -> list[str]:
        return ["ann@example.com", HIDDEN]


def modern() -> email.message.EmailMessage:
    built = email.message.EmailMessage()
    built.set_content("Text")
    built.add_alternative("<p>Text", subtype="html")
    return built


def replaced() -> EmailMessage:
    mail = EmailMessage(*GIVEN)
    vars(mail)["message"] = lambda: revealing(EmailMessage(*GIVEN).message())
    return mail


MESSAGES: dict[str, Callable[[], Any]] = {
    "message() overridden": lambda: Overridden(*GIVEN),
    "a step overridden": lambda: OverriddenStep(*GIVEN),
    "with an attachment": lambda: Overridden(*GIVEN, attachments=[("a.txt", "a", "text/plain")]),
    "message() of the object": replaced,
    "foreign, compat32": lambda: Foreign(MIMEText("Text")),
    "foreign, EmailMessage": lambda: Foreign(modern()),
}


@pytest.mark.parametrize("make", MESSAGES.values(), ids=MESSAGES)
def test_blind_copies_are_written_nowhere(make: Callable[[], Any], tmp_path: Path) -> None:
    stream = io.StringIO()
    with FaultyServer() as server:
        get_connection(host=server.host, port=server.port).send_messages([make()])
        [received] = server.messages
    get_connection("aerogram.mail.backends.console.EmailBackend", stream=stream).send_messages([make()])
    get_connection("aerogram.mail.backends.filebased.EmailBackend", file_path=tmp_path).send_messages(
        [make()]
    )
    outer = EmailMessage(*GIVEN)
    outer.attach("forwarded.eml", make(), "message/rfc822")
    frozen = freeze(make())
    assert frozen is not None
    assert (frozen.recipients, tuple(received.recipients)) == (("ann@example.com", HIDDEN),) * 2
    [stored] = tmp_path.iterdir()
    for written in (
        received.content, stream.getvalue().encode(), stored.read_bytes(), frozen.content, to_bytes(outer),
    ):  # fmt: skip
        assert b"Text" in written
        assert b"bcc:" not in written.lower()
        assert HIDDEN.encode() not in written


def test_the_tree_of_the_caller_is_not_changed(tmp_path: Path) -> None:
    foreign = Foreign(MIMEText("Text"))
    to_bytes(foreign)
    get_connection("aerogram.mail.backends.filebased.EmailBackend", file_path=tmp_path).send_messages(
        [foreign]
    )
    assert foreign.built.get_all("Bcc") == [HIDDEN, HIDDEN]
