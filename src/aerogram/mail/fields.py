"""The header fields of a message: which there are, in what order, and the two that are made at each build."""

from __future__ import annotations

import secrets
import time
from email.utils import formatdate
from typing import TYPE_CHECKING

from aerogram.conf import settings
from aerogram.exceptions import InvalidAddress
from aerogram.mail.addresses import Mailbox, parse_mailbox, parse_mailbox_list
from aerogram.mail.dns_name import DNS_NAME
from aerogram.mail.headers import check_extra_headers, check_header_value

if TYPE_CHECKING:
    from aerogram.mail.message import EmailMessage

__all__ = ["Field", "header_fields"]


#: Name, decoded value, and the mailboxes of it where they are parsed already.
Field = tuple[str, str, list[Mailbox] | None]


def header_fields(message: EmailMessage, *, utf8: bool = False) -> list[Field]:
    """Return the fields of the message's own header, Bcc never among them.

    Args:
        message: left as it is; lazy values become text here, once.
        utf8: allow what only SMTPUTF8 can carry (RFC 6531).

    Raises:
        BadHeaderError: a name or value that would break or forge the message.
        InvalidAddress: a sender or recipient that is not exactly one mailbox.
    """
    extra: dict[str, Field] = {}
    if message.extra_headers:
        given = {name: str(value) for name, value in message.extra_headers.items()}
        check_extra_headers(given)
        extra = {name.lower(): (name, value, None) for name, value in given.items()}
    sender = extra.pop("from", None) or _address_field("From", [message.from_email], utf8)
    fields: list[Field] = [("Subject", str(message.subject), None), sender]
    for name, entries in (("To", message.to), ("Cc", message.cc), ("Reply-To", message.reply_to)):
        field = extra.pop(name.lower(), None) if extra else None
        if field is None and entries:
            field = _address_field(name, [entry for entry in entries if entry], utf8)
        if field is not None and field[1]:
            fields.append(field)
    if "date" not in extra:
        fields.append(("Date", _date(), None))
    if "message-id" not in extra:
        fields.append(("Message-ID", _message_id(sender), None))
    fields += extra.values()
    return fields


def _address_field(name: str, entries: list[object], utf8: bool) -> Field:
    """Make the field; one entry is one mailbox, so that the envelope has the same ones."""
    texts = [entry if type(entry) is str else str(entry) for entry in entries]
    try:
        mailboxes = [parse_mailbox(text, utf8=utf8) for text in texts]
    except InvalidAddress:
        for text in texts:
            check_header_value(name, text)  # says it better where the reason is a newline
        raise
    return name, ", ".join(texts), mailboxes


_last_date = (0, False, "")


def _date() -> str:
    """Return the time as a Date header, formatted once a second."""
    global _last_date  # one tuple, replaced whole, so that threads need no lock
    now, local = int(time.time()), bool(settings.EMAIL_USE_LOCALTIME)
    cached = _last_date
    if cached[:2] != (now, local):
        _last_date = cached = (now, local, formatdate(now, localtime=local))
    return cached[2]


def _message_id(sender: Field) -> str:
    """Return a new Message-ID on the sender's domain, or on this host's name where the sender has none.

    Receivers trust an id that belongs to the sender, and the host's name is nobody's business. The random
    part keeps ids unique across processes (RFC 5322 section 3.6.4).

    Raises:
        InvalidAddress: there is no sender.
    """
    _, value, mailboxes = sender
    mailboxes = mailboxes or parse_mailbox_list(value, utf8=True)
    domain = mailboxes[0].domain if mailboxes else ""
    if "." not in domain or domain.startswith("["):
        domain = str(DNS_NAME)
    return f"<{time.time_ns() // 1_000_000}.{secrets.token_hex(12)}@{domain}>"
