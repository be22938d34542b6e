from __future__ import annotations

from dataclasses import dataclass, field
from email.headerregistry import Address

import pytest

from aerogram.exceptions import InvalidAddress
from aerogram.mail.address.envelope import Envelope, envelope_of
from aerogram.mail.message import EmailMessage


@dataclass
class Message:
    """What an envelope is made of."""

    from_email: object = "sender@example.com"
    to: list = field(default_factory=list)
    cc: list = field(default_factory=list)
    bcc: list = field(default_factory=list)
    return_path: object = None

    def recipients(self):
        return [*self.to, *self.cc, *self.bcc]


def test_the_envelope_holds_bare_addresses_in_order():
    message = Message(
        "Us <us@x.org>", to=["B <b@x.org>"], cc=[Address("A", "a", "x.org")], bcc=['"c d"@x.org']
    )
    assert envelope_of(message) == Envelope("us@x.org", ("b@x.org", "a@x.org", '"c d"@x.org'))


def test_empty_recipients_are_dropped():
    assert envelope_of(Message(to=["", None, "a@x.org"], cc=[""], bcc=[None])).recipients == ("a@x.org",)


def test_a_duplicate_recipient_is_one():
    message = Message(
        to=["a@x.org", "Name <a@X.ORG>"], cc=["a@x.org"], bcc=["A@x.org", "b@é.org", "b@xn--9ca.org"]
    )
    assert envelope_of(message).recipients == ("a@x.org", "A@x.org", "b@xn--9ca.org")


def test_nobody_is_an_empty_envelope():
    assert envelope_of(Message()).recipients == ()


@pytest.mark.parametrize(
    "entry", ["a@b.c,d@e.f", "x@y.z\r\nRCPT TO:<e@e>", "a@evil.com@good.com", "@", " ", "é@x.org"]
)
@pytest.mark.parametrize("place", ["from_email", "to", "cc", "bcc", "return_path"])
def test_bad_addresses_are_refused_wherever_they_stand(place, entry):
    message = Message(to=["a@x.org"])
    setattr(message, place, entry if place in ("from_email", "return_path") else [entry])
    with pytest.raises(InvalidAddress):
        envelope_of(message)


def test_a_quoted_local_part_goes_to_its_own_domain():
    assert envelope_of(Message(to=['"x@gmail.com y"@internal'])).recipients == ('"x@gmail.com y"@internal',)


def test_addresses_beyond_ascii_ask_for_smtputf8():
    envelope = envelope_of(Message(to=["a@x.org", "é@x.org"]), utf8=True)
    assert envelope.recipients == ("a@x.org", "é@x.org")
    assert envelope.needs_smtputf8
    assert envelope_of(Message("é@x.org"), utf8=True).needs_smtputf8
    assert not envelope_of(Message(to=["a@é.org"]), utf8=True).needs_smtputf8


def test_the_return_path_is_the_sender_where_it_is_set():
    assert envelope_of(Message(return_path="Bounces <bounce+17@x.org>")).mail_from == "bounce+17@x.org"
    assert envelope_of(Message(return_path="")).mail_from == ""


def test_a_message_without_a_return_path_attribute_will_do():
    class Minimal:
        from_email = "root"

        def recipients(self):
            return ["localpartonly"]

    assert envelope_of(Minimal()) == Envelope("root", ("localpartonly",))


@pytest.mark.parametrize("entry", [b"ann@x.org", ["Ann", "ann@x.org"], 5])
def test_an_entry_of_another_type_is_refused_by_its_type(entry):
    with pytest.raises(InvalidAddress, match=f"a value of type {type(entry).__name__} was given"):
        EmailMessage("s", "b", "me@x.org", [entry]).message()
