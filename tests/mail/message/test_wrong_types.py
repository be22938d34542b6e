"""Attributes of a message that are set to a wrong type are refused in a sentence when it is built."""

from __future__ import annotations

from typing import Any

import pytest

from aerogram.conf import settings
from aerogram.exceptions import AerogramError
from aerogram.mail import EmailMultiAlternatives, asend_mass_mail, get_connection, send_mail, send_mass_mail
from aerogram.mail.wire.serializer import to_bytes


def mail() -> EmailMultiAlternatives:
    made = EmailMultiAlternatives("s", "b", "a@example.com", ["b@example.com"])
    made.attach("a.txt", "x")
    made.attach_alternative("<p>", "text/html")
    return made


LISTS = ("to", "cc", "bcc", "reply_to")
SUBTYPES = ("content_subtype", "mixed_subtype", "alternative_subtype")


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        *((name, value) for name in LISTS for value in (5, b"a@b", "a@b", True, [5])),
        *(("subject", value) for value in (b"Hello", object(), len)),
        *(("attachments", value) for value in (5, "abc", b"abc", ["a.txt"], [5], [("a",)], [(1, 2, 3, 4)])),
        *(("alternatives", value) for value in (5, "abc", ["<p>"], [5], [("<p>",)], [("a", "b/c", "d")])),
        *(("extra_headers", value) for value in (5, "X-A: b", [("X-A", "b")], {"X-A": b"b"}, {"X-A": len})),
        *(("encoding", value) for value in (5, b"utf-8", ["utf-8"])),
        *((name, value) for name in SUBTYPES for value in (5, b"x", ["x"])),
    ],
)
def test_a_wrong_type_is_refused_in_a_sentence(attribute: str, value: Any) -> None:
    for build in (EmailMultiAlternatives.message, to_bytes, EmailMultiAlternatives.send):
        if attribute == "bcc" and build is to_bytes:
            continue  # no header has it; the envelope has
        made = mail()
        setattr(made, attribute, value)
        with (
            settings.override(EMAIL_URL="locmem:"),
            pytest.raises((TypeError, AerogramError), match=r"Accepted: |must be a list or tuple") as raised,
        ):
            build(made)
        assert "object at 0x" not in str(raised.value)


@pytest.mark.parametrize("connection", [5, "smtp", ["a"]])
def test_what_is_no_backend_is_refused(connection: Any) -> None:
    message = mail()
    message.connection = connection
    calls = (
        message.send,
        lambda: send_mail("s", "b", None, ["b@example.com"], connection=connection),
        lambda: send_mass_mail([mail()], connection=connection),
    )
    for send in calls:
        with pytest.raises(TypeError, match=r"connection is of type .*Accepted: a mail backend"):
            send()


@pytest.mark.parametrize("items", ["abcd", b"abcd", 5, None, mail(), ("s", "b", None, ["b@example.com"])])
async def test_what_is_no_list_of_items_is_refused_before_anything_is_sent(items: Any) -> None:
    connection = get_connection("aerogram.mail.backends.dummy.EmailBackend")
    with pytest.raises(TypeError, match=r"takes an iterable of items.* Write \[item\]"):
        send_mass_mail(items, connection=connection)
    with pytest.raises(TypeError, match="takes an iterable of items"):
        await asend_mass_mail(items, connection=connection)
