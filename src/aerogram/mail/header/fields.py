"""The header fields of a message: which there are, and in what order."""

from __future__ import annotations

import random
import time
from datetime import date, datetime
from email.utils import format_datetime, formatdate
from functools import lru_cache
from types import NoneType
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from aerogram.conf import settings
from aerogram.exceptions import BadHeaderError, InvalidAddress
from aerogram.mail.address.dns_name import DNS_NAME
from aerogram.mail.address.entries import plain_entry
from aerogram.mail.address.envelope import read_addresses
from aerogram.mail.address.parser import parse_mailbox_list
from aerogram.mail.header.rules import ADDRESS_HEADERS, DATE_HEADERS, check_extra_headers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aerogram.mail.address.envelope import Addresses
    from aerogram.mail.address.parser import Mailbox

T = TypeVar("T")


class Field(NamedTuple):
    """A header field: its name, its decoded value, and the mailboxes of it where they are read already."""

    name: str
    value: str
    mailboxes: list[Mailbox] | None = None


class Common(NamedTuple, Generic[T]):
    """The part of a header that the messages of a batch have in common, and what the rest of it needs.

    ``before_to`` follows the Subject, ``after_to`` precedes Date and Message-ID, ``further`` follows them.
    ``given`` are the names, in lower case, that ``headers=`` gives, ``domain`` is that of the Message-ID.
    """

    before_to: T
    after_to: T
    further: T
    given: frozenset[str]
    domain: str


def header_fields(subject: object, headers: Mapping[str, object], addresses: Addresses) -> list[Field]:
    """Return the fields of the message's own header, Bcc never among them; lazy values become text here."""
    common = common_fields(headers, addresses)
    fields = [Field("Subject", header_text("Subject", subject)), *common.before_to]
    if "to" not in common.given and addresses.to.mailboxes:
        fields.append(Field("To", *addresses.to))
    fields += common.after_to
    if "date" not in common.given:
        fields.append(Field("Date", new_date(settings.EMAIL_USE_LOCALTIME)))
    if "message-id" not in common.given:
        fields.append(Field("Message-ID", new_message_id(common.domain)))
    return fields + common.further


def common_fields(headers: Mapping[str, object], addresses: Addresses) -> Common[list[Field]]:
    """Return all fields but Subject, To, Date and Message-ID, and these too where ``headers`` gives them."""
    extra: dict[str, Field] = {}
    if headers:
        if not hasattr(headers, "items"):
            kind = type(headers).__name__
            raise TypeError(f'"headers" is of type {kind}. Accepted: a dict of names and values.')
        fields = [header_field(name, value) for name, value in headers.items()]
        check_extra_headers({field.name: field.value for field in fields})
        extra = {field.name.lower(): field for field in fields}
    given = frozenset(extra)
    sender = extra.pop("from", None) or Field("From", *addresses.sender)
    before_to, after_to = [sender], []
    if "to" in extra and (to := extra.pop("to")).value:
        before_to.append(to)
    for name, own in (("Cc", addresses.cc), ("Reply-To", addresses.reply_to)):
        field = extra.pop(name.lower(), None) or Field(name, *own)
        if field.value:
            after_to.append(field)
    return Common(before_to, after_to, list(extra.values()), given, _domain(sender))


def header_field(name: str, value: object) -> Field:
    """Return the field for a name and value of ``headers=``."""
    lowered = str(name).lower()
    if lowered in ADDRESS_HEADERS and not isinstance(value, str):
        entries = value if isinstance(value, list) else [plain_entry(value)]
        if isinstance(value, list) or not isinstance(entries[0], str):
            return Field(name, *read_addresses(name, entries, utf8=True))
        value = entries[0]  # a lazy text, which may hold several mailboxes
    return Field(name, _text(name, lowered, value))


def _text(name: str, lowered: str, value: object) -> str:
    if isinstance(value, datetime) and lowered in DATE_HEADERS:
        return format_datetime(value)
    if lowered in DATE_HEADERS and isinstance(value, NoneType | date | bytes | tuple | int | float):
        raise BadHeaderError(
            f"Header {name!r} was given as {type(value).__name__}. Accepted: a datetime (in UTC if it has "
            "no time zone), or a string such as 'Fri, 09 Nov 2001 01:08:47 +0100'."
        )
    if lowered == "message-id" and value is None:
        raise BadHeaderError(f"Header {name!r} was given as None: omit it, and one is generated.")
    return header_text(name, value)


def header_text(name: str, value: object) -> str:
    """Return the value of a header as text; raise BadHeaderError for bytes, and an object without a text."""
    if type(value) is str:
        return value
    if isinstance(value, bytes | bytearray | memoryview) or (
        type(value).__str__ is object.__str__ and repr(value).startswith("<")
    ):
        raise BadHeaderError(f"Header {name!r} was given as {type(value).__name__}. Accepted: a string.")
    return str(value)


def _domain(sender: Field) -> str:
    """Return the sender's domain for the Message-ID, or this host's name where the sender has none.

    Receivers trust a Message-ID on the sender's own domain, and it does not tell the name of this host.
    """
    mailboxes = sender.mailboxes or parse_mailbox_list(sender.value, utf8=True)
    if not mailboxes:
        raise InvalidAddress("The message has no sender: set from_email, or From in headers=, to an address.")
    domain = mailboxes[0].domain
    return str(DNS_NAME) if "." not in domain or domain.startswith("[") else domain


def new_date(local: bool) -> str:
    """Return the date of now, in local time or UTC."""
    return _date(int(time.time()), local)


def new_message_id(domain: str) -> str:
    """Return a Message-ID that is unique by time and 64 random bits (RFC 5322 section 3.6.4)."""
    return f"<{time.time_ns():x}.{random.getrandbits(64):016x}@{domain}>"


@lru_cache(maxsize=1)  # a batch writes many messages a second
def _date(now: int, local: bool) -> str:
    return formatdate(now, localtime=local)
