"""build(): the MIME tree and the envelope of a message, its addresses read once."""

from __future__ import annotations

from typing import Any

import pytest

from aerogram.exceptions import InvalidAddress
from aerogram.mail.address import envelope
from aerogram.mail.address.envelope import Envelope
from aerogram.mail.backends.base import build
from aerogram.mail.message import EmailMessage


def mail(**changes: Any) -> EmailMessage:
    defaults: dict[str, Any] = {
        "from_email": "Me <me@x.org>",
        "to": ["Ann <ann@x.org>"],
        "bcc": ["bob@x.org"],
    }
    return EmailMessage(**{"subject": "Hello", "body": "text", **defaults, **changes})


def test_each_address_is_read_once(monkeypatch: pytest.MonkeyPatch):
    read: list[object] = []
    real = envelope.parse_mailbox
    monkeypatch.setattr(
        envelope, "parse_mailbox", lambda text, **more: read.append(text) or real(text, **more)
    )
    mime, made = build(mail(cc=["cc@x.org"], reply_to=["answers@x.org"]))
    assert made == Envelope("me@x.org", ("ann@x.org", "cc@x.org", "bob@x.org"))
    assert (mime["From"], mime["To"], mime["Cc"]) == ("Me <me@x.org>", "Ann <ann@x.org>", "cc@x.org")
    assert sorted(map(str, read)) == sorted(
        ["Me <me@x.org>", "Ann <ann@x.org>", "cc@x.org", "answers@x.org", "bob@x.org"]
    )


def test_recipients_of_a_subclass_are_those_of_the_envelope():
    class ToTheList(EmailMessage):
        def recipients(self) -> list[Any]:
            return [*super().recipients(), "archive@x.org"]

    _, made = build(ToTheList("Hello", "text", "me@x.org", ["ann@x.org"]))
    assert made.recipients == ("ann@x.org", "archive@x.org")


def test_a_message_of_a_subclass_is_built_by_itself():
    class Marked(EmailMessage):
        def message(self) -> Any:
            built = super().message()
            built["X-Own"] = "yes"
            return built

    mime, made = build(Marked("Hello", "text", "me@x.org", ["ann@x.org"]))
    assert mime["X-Own"] == "yes"
    assert made == Envelope("me@x.org", ("ann@x.org",))


def test_a_message_replaced_on_the_instance_or_the_class_is_respected(monkeypatch: pytest.MonkeyPatch):
    own = mail(subject="own").message()
    message = mail()
    message.message = lambda: own  # type: ignore[method-assign] # the case
    assert build(message)[0] is own
    monkeypatch.setattr(EmailMessage, "message", lambda self: own)
    assert build(mail())[0] is own


def test_the_return_path_is_the_sender_of_the_envelope():
    message = mail()
    message.return_path = "bounces@x.org"
    mime, made = build(message)
    assert (mime["From"], made.mail_from) == ("Me <me@x.org>", "bounces@x.org")
    message.return_path = ""
    assert build(message)[1].mail_from == ""


@pytest.mark.parametrize("place", ["to", "cc", "bcc", "reply_to"])
def test_an_entry_that_is_no_mailbox_is_refused_wherever_it_stands(place: str):
    with pytest.raises(InvalidAddress):
        build(mail(**{place: ["a@b.c, d@e.f"]}))
