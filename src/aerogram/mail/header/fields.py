"""The header fields of a message: which there are, in what order, and the two that are made at each build."""

from __future__ import annotations

import random
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, NamedTuple

from aerogram.conf import settings
from aerogram.exceptions import InvalidAddress
from aerogram.mail.address.dns_name import DNS_NAME
from aerogram.mail.address.parser import Mailbox, parse_mailbox, parse_mailbox_list
from aerogram.mail.header.writing import check_extra_headers, check_header_value

if TYPE_CHECKING:
    from aerogram.mail.message.email_message import EmailMessage

__all__ = [
    "Field",
    "SharedFields",
    "address_field",
    "date_line",
    "header_fields",
    "message_id_line",
    "shared_fields",
]

#: Name, decoded value, and the mailboxes of it where they are parsed already.
Field = tuple[str, str, list[Mailbox] | None]


class SharedFields(NamedTuple):
    """The fields that the messages of a batch have in common, and what their own ones need.

    ``head`` stands between Subject and To, ``middle`` before Date and Message-ID, ``tail`` after them.
    ``given`` are the names, in lower case, that ``headers=`` gives. ``domain`` is the right side of a
    Message-ID.
    """

    head: list[Field]
    middle: list[Field]
    tail: list[Field]
    given: frozenset[str]
    domain: bytes


def header_fields(message: EmailMessage) -> list[Field]:
    """Return the fields of the message's own header, Bcc never among them.

    Args:
        message: left as it is; lazy values become text here, once.

    Raises:
        BadHeaderError: a name or value that would break or forge the message.
        InvalidAddress: a sender or recipient that is not exactly one mailbox.
    """
    for entry in message.bcc or ():  # in no header, and refused as if it were: that is told before sending
        check_header_value("Bcc", entry)
    shared = shared_fields(message)
    fields: list[Field] = [("Subject", str(message.subject), None), *shared.head]
    if "to" not in shared.given and (field := address_field("To", message.to))[1]:
        fields.append(field)
    fields += shared.middle
    if "date" not in shared.given:
        fields.append(("Date", _value(date_line(settings.EMAIL_USE_LOCALTIME)), None))
    if "message-id" not in shared.given:
        fields.append(("Message-ID", _value(message_id_line(shared.domain)), None))
    return fields + shared.tail


def _value(line: bytes) -> str:
    return line.decode("ascii").partition(": ")[2].rstrip()


def shared_fields(message: EmailMessage, *, utf8: bool = False) -> SharedFields:
    """Return all fields but Subject, To, Date and Message-ID; the last three where ``headers=`` gives them.

    Arguments and errors are those of :func:`header_fields`; ``utf8`` allows what only SMTPUTF8 can carry.
    """
    given = {name: str(value) for name, value in message.extra_headers.items()}
    check_extra_headers(given)
    extra: dict[str, Field] = {name.lower(): (name, value, None) for name, value in given.items()}
    names = frozenset(extra)
    sender = extra.pop("from", None) or address_field("From", [message.from_email or ""], utf8=utf8)
    head = [sender]
    if "to" in extra:
        head.append(extra.pop("to"))
    middle = [
        extra.pop(name.lower()) if name.lower() in extra else address_field(name, entries, utf8=utf8)
        for name, entries in (("Cc", message.cc), ("Reply-To", message.reply_to))
    ]
    return SharedFields(
        [field for field in head if field[1]],
        [field for field in middle if field[1]],
        list(extra.values()),
        names,
        _id_domain(sender),
    )


def address_field(name: str, entries: list[Any] | None, *, utf8: bool = False) -> Field:
    """Return the field of these addresses; one entry is one mailbox, so that the envelope has the same ones.

    Raises:
        TypeError: a string where a list is meant.
        BadHeaderError: an entry holds a newline.
        InvalidAddress: an entry is not exactly one mailbox.
    """
    if isinstance(entries, str):
        raise TypeError(f'"{name.lower().replace("-", "_")}" argument must be a list or tuple')
    texts = [
        entry if type(entry) is str else str(entry) for entry in entries or () if entry or name == "From"
    ]
    try:
        mailboxes = [parse_mailbox(text, utf8=utf8) for text in texts]
    except InvalidAddress:
        for text in texts:
            check_header_value(name, text)  # says it better where the reason is a newline
        raise
    return name, ", ".join(texts), mailboxes


def _id_domain(sender: Field) -> bytes:
    """Return the sender's domain for the Message-ID, or this host's name where the sender has none.

    Receivers trust an id on the sender's own domain, and the host's name is nobody's business.
    """
    _, value, mailboxes = sender
    mailboxes = mailboxes or parse_mailbox_list(value, utf8=True)
    if not mailboxes:
        raise InvalidAddress("The message has no sender: give from_email, or From in headers=, an address.")
    domain = mailboxes[0].domain
    if "." not in domain or domain.startswith("["):
        domain = str(DNS_NAME)
    return domain.encode("ascii")


_last_date = (0, False, b"")


def date_line(local: bool) -> bytes:
    """Return the Date header of now, in local time or UTC, written once a second."""
    global _last_date  # one tuple, replaced whole, so that threads need no lock
    now = int(time.time())
    cached = _last_date
    if cached[0] != now or cached[1] is not local:
        line = f"Date: {formatdate(now, localtime=local)}\r\n"
        _last_date = cached = (now, local, line.encode("ascii"))
    return cached[2]


def message_id_line(domain: bytes) -> bytes:
    """Return the header of a new Message-ID, unique by time and 64 random bits (RFC 5322 section 3.6.4)."""
    return b"Message-ID: <%x.%016x@%b>\r\n" % (time.time_ns(), random.getrandbits(64), domain)
