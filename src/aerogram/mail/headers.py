"""What may stand in a header, and how it is written.

Three kinds of header are written each in its way. An address list is parsed and every mailbox written anew;
text is folded at white space, or encoded (RFC 2047) where it is not ASCII, would read as an encoded-word, or
cannot be folded; a structured header (a URI, a message-id, a date, ...) is folded at white space and never
encoded, because its readers look for the very characters.
"""

from __future__ import annotations

import re
from email.header import Header
from functools import lru_cache
from typing import TYPE_CHECKING

from aerogram.exceptions import BadHeaderError
from aerogram.mail.addresses import Mailbox, django_mailbox, is_empty_group, parse_mailbox_list
from aerogram.mail.encoded_words import FORBIDDEN, encoded_words, shown
from aerogram.mail.folding import HARD_LIMIT, SOFT_LIMIT, fold, fold_address_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from email.charset import Charset

__all__ = [
    "ADDRESS_HEADERS",
    "address_header_bytes",
    "check_extra_headers",
    "check_header_name",
    "check_header_value",
    "check_message_id",
    "encode_text",
    "encoded_header_bytes",
    "forbid_multi_line_headers",
    "header_bytes",
]

#: Headers that hold addresses, in lower case (RFC 5322 sections 3.6.2, 3.6.3 and 3.6.6).
ADDRESS_HEADERS = frozenset(
    (
        "from",
        "sender",
        "reply-to",
        "to",
        "cc",
        "bcc",
        "resent-from",
        "resent-sender",
        "resent-to",
        "resent-cc",
        "resent-bcc",
    )
)

# Headers whose readers do not decode encoded-words; besides these, all that begin with one of the prefixes.
_STRUCTURED_HEADERS = frozenset(
    (
        "archived-at",
        "authentication-results",
        "auto-submitted",
        "autocrypt",
        "content-disposition",
        "content-id",
        "content-location",
        "content-transfer-encoding",
        "content-type",
        "date",
        "disposition-notification-to",
        "dkim-signature",
        "feedback-id",
        "importance",
        "in-reply-to",
        "message-id",
        "mime-version",
        "precedence",
        "priority",
        "received",
        "received-spf",
        "references",
        "resent-date",
        "resent-message-id",
        "return-path",
        "x-auto-response-suppress",
        "x-priority",
    )
)
_STRUCTURED_PREFIXES = ("list-", "arc-")
_REFUSED_EXTRA_HEADERS = {
    "bcc": "it would show the blind copies to every reader; use bcc=",
    "resent-bcc": "it would show the blind copies to every reader; use bcc=",
    "subject": "a message has one subject; use subject=",
    "mime-version": "it is written from the parts of the message",
}

_NAME = re.compile(r"[!-9;-~]{1,76}")
_MESSAGE_ID = re.compile(r"<[^<>@\s]+@[^<>@\s]+>")
_MESSAGE_ID_LIMIT = 250
_ENCODED_WORD = re.compile(r"=\?[^?\s]*+\?[bBqQ]\?[^?]*+\?=")
_SPACED_WORD = re.compile(r" *[^ ]+")
_FOLD = re.compile(r"\r?\n(?=[ \t]+[^ \t\r\n])")

_CACHED_LIMIT = 500  # characters of an address header that is kept

_ADDRESSES, _TEXT, _STRUCTURED = range(3)


@lru_cache(maxsize=512)
def _kind(name: str) -> int:
    """Check a name and tell how its header is written."""
    lowered = check_header_name(name).lower()
    if lowered in ADDRESS_HEADERS:
        return _ADDRESSES
    if lowered in _STRUCTURED_HEADERS or lowered.startswith(_STRUCTURED_PREFIXES):
        return _STRUCTURED
    return _TEXT


def check_header_name(name: object) -> str:
    """Return ``name`` if it can be the name of a header (RFC 5322 section 2.2, at most 76 characters).

    Raises:
        BadHeaderError: it cannot.

    >>> check_header_name("X-Order")
    'X-Order'
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadHeaderError(
            f"Header name {shown(name)} is not valid: use 1 to 76 printable ASCII characters "
            f"without spaces and colons"
        )
    return name


def check_header_value(name: str, value: object) -> str:
    """Call ``str()`` on ``value`` once and return the text, tabs written as spaces.

    Raises:
        BadHeaderError: the text holds a newline, another control character, or half of a surrogate pair.

    >>> check_header_value("Subject", 42)
    '42'
    """
    text = str.__str__(str(value))
    if text.isascii() and text.isprintable():
        return text
    bad = FORBIDDEN.search(text)
    if bad is None:
        return text.replace("\t", " ")
    if "\n" in text or "\r" in text:
        what = "newlines"
    elif "\ud800" <= bad[0] <= "\udfff":
        what = "lone surrogates, which no charset can write"
    else:
        what = f"control characters such as {bad[0]!a}"
    raise BadHeaderError(f"Header values can't contain {what} (got {shown(text)} for header {shown(name)})")


def check_message_id(value: object) -> str:
    """Return a Message-ID given by a caller if it is one: ``<id@right>``, ASCII, at most 250 characters.

    Raises:
        BadHeaderError: it is not.

    >>> check_message_id("<17@example.com>")
    '<17@example.com>'
    """
    text = check_header_value("Message-ID", value)
    if not text.isascii() or len(text) > _MESSAGE_ID_LIMIT or not _MESSAGE_ID.fullmatch(text):
        raise BadHeaderError(
            f"Message-ID {shown(text)} is not valid: write <id@right> in at most {_MESSAGE_ID_LIMIT} ASCII "
            f"characters without spaces, or leave it out to have one made"
        )
    return text


def check_extra_headers(headers: Mapping[str, object]) -> None:
    """Check names, and what may not be set, of the headers a caller gives beside a message's own fields.

    From, To, Cc, Reply-To, Date, Message-ID and headers of one's own may be given, each once.

    Raises:
        BadHeaderError: a name is not valid, is given twice (in different case), or is the message's own.

    >>> check_extra_headers({"X-Order": "17", "Reply-To": "shop@example.com"})
    """
    seen: set[str] = set()
    for name, value in headers.items():
        _kind(name) if isinstance(name, str) else check_header_name(name)
        lowered = name.lower()
        reason = _REFUSED_EXTRA_HEADERS.get(lowered)
        if lowered.startswith("content-"):
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


def encode_text(value: str, encoding: str | Charset = "utf-8", *, used: int = 0) -> str:
    """Write text for an unstructured header: as it is, or as encoded-words joined by spaces.

    It is encoded when it is not ASCII, holds ``=?`` (so that the reader sees what was written), or has a word
    too long for a line.

    Args:
        value: checked text (:func:`check_header_value`).
        encoding: charset of the encoded-words.
        used: characters that stand before it on its first line, the name and its colon.

    >>> encode_text("plain"), encode_text("=?x?=")
    ('plain', '=?utf-8?b?PT94Pz0=?=')
    """
    if not _must_encode(value, used):
        return value
    return " ".join(encoded_words(value, encoding, first=min(75, SOFT_LIMIT - used)))


def _must_encode(value: str, used: int) -> bool:
    if not value.isascii() or "=?" in value:
        return True
    if used + len(value) <= HARD_LIMIT:
        return False
    # The white space at the end stays on the last line, what stands before a word goes with the word.
    room = HARD_LIMIT - used - (len(value) - len(value.rstrip(" ")))
    return room < SOFT_LIMIT or max(map(len, _SPACED_WORD.findall(value))) > room


def header_bytes(name: str, value: str, encoding: str | Charset = "utf-8", *, utf8: bool = False) -> bytes:
    """Write one header, complete with its CRLF, folded at 78 characters where it can be.

    Args:
        name: decides how the value is written: as addresses, as structured tokens, or as text.
        value: the text a reader should see.
        encoding: charset of encoded-words.
        utf8: allow addresses beyond ASCII, which only SMTPUTF8 can carry.

    Returns:
        Printable ASCII and CRLF (besides such addresses); no line is longer than 998 octets.

    Raises:
        BadHeaderError: name or value cannot be written.
        InvalidAddress: an address header holds something else than mailboxes.

    >>> header_bytes("Subject", "Grüße")
    b'Subject: =?utf-8?b?R3LDvMOfZQ==?=\\r\\n'
    """
    kind = _kind(name)
    if type(value) is not str:
        value = check_header_value(name, value)
    if kind == _ADDRESSES:
        # What is the same in every message of a batch, as From, is written once.
        write = (
            _address_list_bytes if len(value) <= _CACHED_LIMIT and isinstance(encoding, str) else _uncached
        )
        return write(name, value, encoding, utf8)
    if len(name) + len(value) <= 76 and value.isascii() and value.isprintable() and "=?" not in value:
        return f"{name}: {value}\r\n".encode("ascii")
    text = check_header_value(name, value)
    if kind == _STRUCTURED:
        return fold(name, _structured(name, text, encoding)).encode("ascii")
    return fold(name, encode_text(text, encoding, used=len(name) + 2)).encode("ascii")


def address_header_bytes(
    name: str, mailboxes: Iterable[Mailbox], encoding: str | Charset = "utf-8", *, utf8: bool = False
) -> bytes:
    """Write an address header from parsed mailboxes, folded after commas.

    Arguments, result and errors are those of :func:`header_bytes`.

    >>> from aerogram.mail.addresses import parse_mailbox
    >>> address_header_bytes("To", [parse_mailbox("a@x.org"), parse_mailbox("B <b@y.org>")])
    b'To: a@x.org, B <b@y.org>\\r\\n'
    """
    _kind(name)
    value = ", ".join([mailbox.header(encoding, utf8=utf8) for mailbox in mailboxes])
    return fold_address_list(name, value).encode("utf-8" if utf8 else "ascii")


def _address_list_bytes(name: str, value: str, encoding: str | Charset, utf8: bool) -> bytes:
    text = check_header_value(name, value)
    if is_empty_group(text):
        return fold(name, text).encode("ascii")
    return address_header_bytes(name, parse_mailbox_list(text, utf8=utf8), encoding, utf8=utf8)


@lru_cache(maxsize=1024)
def _cached_address_list(name: str, value: str, encoding: str, utf8: bool) -> bytes:
    return _address_list_bytes(name, value, encoding, utf8)


def encoded_header_bytes(name: str, value: str) -> bytes:
    """Write a header whose value is encoded already, as ``message()`` returns it; only its folds are new.

    Raises:
        BadHeaderError: name or value would break the header block, or the value is not ASCII.

    >>> encoded_header_bytes("Subject", "=?utf-8?q?J=C3=B6rg?=\\n =?utf-8?q?_a?=")
    b'Subject: =?utf-8?q?J=C3=B6rg?= =?utf-8?q?_a?=\\r\\n'
    """
    kind = _kind(name)
    text = check_header_value(name, _FOLD.sub("", str(value)))
    if not text.isascii():
        raise BadHeaderError(f"Header {name!r} is not encoded: {shown(text)} is not ASCII")
    return (fold_address_list if kind == _ADDRESSES else fold)(name, text).encode("ascii")


def _structured(name: str, text: str, encoding: str | Charset) -> str:
    """Return the value of a structured header unchanged, the phrase of a List-Id encoded (RFC 2919)."""
    if name.lower() == "list-id" and not text.isascii():
        phrase, separator, identifier = text.rpartition(" <")
        if separator and identifier.isascii():
            return encode_text(phrase, encoding, used=len(name) + 2) + separator + identifier
    if not text.isascii():
        raise BadHeaderError(
            f"Header {name!r} is never encoded and must be ASCII (got {shown(text)}); "
            f"write a URI percent-encoded, a domain in punycode"
        )
    if _ENCODED_WORD.search(text):
        raise BadHeaderError(
            f"Header {name!r} may not hold an encoded-word (got {shown(text)}); "
            f"write a question mark of a URI as %3F"
        )
    return text


def forbid_multi_line_headers(name: str, val: object, encoding: str | Charset | None) -> tuple[str, str]:
    """Return ``name`` and ``val`` as Django 5.2 puts them into a ``SafeMIMEText``.

    Long text is folded with a bare newline and a space, as ``email.header.Header`` does.

    Args:
        name: the header's name.
        val: anything that ``str()`` makes a text of; it is called once.
        encoding: charset of encoded-words; UTF-8 for None.

    Raises:
        BadHeaderError: name or value cannot be written.
        InvalidAddress: an address header holds something else than mailboxes.

    >>> forbid_multi_line_headers("Subject", "Grüße", "utf-8")
    ('Subject', '=?utf-8?b?R3LDvMOfZQ==?=')
    """
    kind = _kind(name) if isinstance(name, str) else check_header_name(name)
    text = check_header_value(name, val)
    charset = encoding or "utf-8"
    if kind == _ADDRESSES:
        return name, _sanitized_list(text, charset)
    if kind == _STRUCTURED:
        return name, _structured(name, text, charset)
    if _must_encode(text, len(name) + 2):
        return name, "\n ".join(encoded_words(text, charset, first=76))
    if name.lower() == "subject" and len(text) > 76:
        return name, Header(text).encode()
    return name, text


def _sanitized_list(text: str, encoding: str | Charset) -> str:
    mailboxes = parse_mailbox_list(text)
    if text.isascii() and "=?" not in text:
        return text
    return ", ".join([django_mailbox(mailbox, encoding) for mailbox in mailboxes])
