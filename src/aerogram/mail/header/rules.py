"""What may stand in a header, and how its value is written: the rules for names and values."""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING

from aerogram.exceptions import BadHeaderError
from aerogram.mail.characters import check_header_value, excerpt

if TYPE_CHECKING:
    from collections.abc import Mapping

ADDRESS_HEADERS = frozenset({
    "from", "sender", "reply-to", "to", "cc", "bcc", "resent-from", "resent-sender", "resent-to",
    "resent-cc", "resent-bcc",
})  # fmt: skip
"""The headers that contain addresses, in lower case (RFC 5322 sections 3.6.2, 3.6.3 and 3.6.6)."""

BLIND_HEADERS = ("bcc", "resent-bcc")
"""The headers that would show blind copies, in lower case: they are never written."""

# Mailboxes, too: RFC 8098 section 2.1, and the header that mail programs took for the same before it.
_RECEIPT_HEADERS = frozenset({"disposition-notification-to", "return-receipt-to"})

DATE_HEADERS = frozenset({"date", "resent-date", "expires", "expiry-date", "deferred-delivery"})
"""The headers that contain a date (RFC 5322 section 3.3), in lower case."""

# Headers whose readers do not decode encoded-words; besides these, all that begin with one of the prefixes.
_STRUCTURED_HEADERS = frozenset({
    "archived-at", "authentication-results", "auto-submitted", "autocrypt", "content-disposition",
    "content-id", "content-location", "content-transfer-encoding", "content-type", "date",
    "dkim-signature", "feedback-id", "importance", "in-reply-to", "message-id", "mime-version",
    "precedence", "priority", "received", "received-spf", "references", "resent-date",
    "resent-message-id", "return-path", "x-auto-response-suppress", "x-priority",
})  # fmt: skip
_STRUCTURED_PREFIXES = ("list-", "arc-")
_REFUSED_EXTRA_HEADERS = {
    **dict.fromkeys(BLIND_HEADERS, "it would show the blind copies to every reader; use bcc="),
    "subject": "a message has one subject; use subject=",
    "mime-version": "it is written from the parts of the message",
}

_NAME = re.compile(r"[!-9;-~]{1,76}")
_MESSAGE_ID = re.compile(r"<[^<>@\s]+@[^<>@\s]+>|[^<>@\s]+")
_MESSAGE_ID_LIMIT = 250


class Kind(Enum):
    """How the value of a header is written."""

    ADDRESSES = "mailboxes, written anew"
    TEXT = "folded at white space, encoded where it must be"
    STRUCTURED = "folded at white space, never encoded"


#: The kinds of the headers that nearly every message has.
KINDS = {
    **dict.fromkeys(("From", "To", "Cc", "Reply-To"), Kind.ADDRESSES),
    **dict.fromkeys(("Date", "Message-ID", "MIME-Version"), Kind.STRUCTURED),
    **dict.fromkeys(("Content-Type", "Content-Transfer-Encoding"), Kind.STRUCTURED),
    "Subject": Kind.TEXT,
}


def kind_of(name: str) -> Kind:
    """Return how the value of a header is written; raise BadHeaderError if the name is not valid."""
    lowered = check_header_name(name).lower()
    if lowered in ADDRESS_HEADERS or lowered in _RECEIPT_HEADERS:
        return Kind.ADDRESSES
    is_structured = lowered in _STRUCTURED_HEADERS or lowered.startswith(_STRUCTURED_PREFIXES)
    return Kind.STRUCTURED if is_structured else Kind.TEXT


def check_header_name(name: object) -> str:
    """Return ``name`` if it can be the name of a header (RFC 5322 section 2.2), else raise BadHeaderError."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadHeaderError(
            f"Header name {excerpt(name)} is not valid: use 1 to 76 printable ASCII characters "
            f"without spaces and colons"
        )
    return name


def check_message_id(value: object) -> str:
    """Return a Message-ID given by a caller if it is one: ``<id@right>``, ASCII, at most 250 characters.

    Else raise BadHeaderError. A bare word such as ``foo`` is accepted, as by Django (ticket 9233).
    """
    text = check_header_value("Message-ID", value)
    if not text.isascii() or len(text) > _MESSAGE_ID_LIMIT or not _MESSAGE_ID.fullmatch(text):
        raise BadHeaderError(
            f"Message-ID {excerpt(text)} is not valid: write <id@right> in at most {_MESSAGE_ID_LIMIT} ASCII "
            f"characters without spaces, or omit it, and one is generated"
        )
    return text


def check_extra_headers(headers: Mapping[str, object]) -> None:
    """Check the headers that a caller gives beside a message's own fields; raise BadHeaderError.

    From, To, Cc, Reply-To, Date, Message-ID and headers of one's own may be given, each once.
    """
    seen: set[str] = set()
    for name, value in headers.items():
        lowered = check_header_name(name).lower()
        reason = _REFUSED_EXTRA_HEADERS.get(lowered)
        if lowered.startswith("content-") and lowered != "content-language":
            reason = (
                "it is written from the parts of the message; use content_subtype, encoding and attachments"
            )
        if lowered in seen:
            reason = "it is given twice, in different case"
        if reason is not None:
            raise BadHeaderError(f"Header {name!r} cannot be given in headers=: {reason}")
        if lowered == "message-id":
            check_message_id(value)
        seen.add(lowered)
