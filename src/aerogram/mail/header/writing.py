"""How a header is written.

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

from aerogram.conf import settings
from aerogram.exceptions import BadHeaderError
from aerogram.mail.address.parser import is_empty_group, parse_mailbox_list, reads_as
from aerogram.mail.characters import excerpt
from aerogram.mail.header.addresses import django_mailbox_text, mailbox_text
from aerogram.mail.header.encoded_words import django_encoded_text, encoded_words, with_short_words
from aerogram.mail.header.folding import HARD_LIMIT, SOFT_LIMIT, fold, fold_address_list
from aerogram.mail.header.rules import (
    ADDRESS_HEADERS,
    Kind,
    check_extra_headers,
    check_header_name,
    check_header_value,
    check_message_id,
    kind_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from email.charset import Charset

    from aerogram.mail.address.mailbox import Mailbox

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

_ENCODED_WORD = re.compile(r"=\?[^?\s]*\?[bBqQ]\?[^?]*\?=")
_SPACED_WORD = re.compile(r" *[^ ]+")
_FOLD = re.compile(r"\r?\n(?=[ \t]+[^ \t\r\n])")
_CACHED_LIMIT = 500  # characters of an address header that is kept


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
    kind = kind_of(name)
    if type(value) is not str:
        value = check_header_value(name, value)
    if kind is Kind.ADDRESSES:
        # What is the same in every message of a batch, as From, is written once.
        if isinstance(encoding, str) and len(value) <= _CACHED_LIMIT:
            return _cached_address_list(name, value, encoding, utf8)
        return _address_list_bytes(name, value, encoding, utf8)
    if len(name) + len(value) <= 76 and value.isascii() and value.isprintable() and "=?" not in value:
        return f"{name}: {value}\r\n".encode("ascii")
    text = check_header_value(name, value)
    if kind is Kind.STRUCTURED:
        return fold(name, _structured(name, text, encoding)).encode("ascii")
    return fold(name, encode_text(text, encoding, used=len(name) + 2)).encode("ascii")


def address_header_bytes(
    name: str, mailboxes: Iterable[Mailbox], encoding: str | Charset = "utf-8", *, utf8: bool = False
) -> bytes:
    """Write an address header from parsed mailboxes, folded after commas.

    Arguments, result and errors are those of :func:`header_bytes`.

    >>> from aerogram.mail.address.parser import parse_mailbox
    >>> address_header_bytes("To", [parse_mailbox("a@x.org"), parse_mailbox("B <b@y.org>")])
    b'To: a@x.org, B <b@y.org>\\r\\n'
    """
    kind_of(name)
    value = ", ".join([mailbox_text(mailbox, encoding, utf8=utf8) for mailbox in mailboxes])
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
    kind = kind_of(name)
    text = check_header_value(name, _FOLD.sub("", str(value)))
    if not text.isascii():
        raise BadHeaderError(f"Header {name!r} is not encoded: {excerpt(text)} is not ASCII")
    if "=?" in text and kind is not Kind.STRUCTURED:
        text = with_short_words(text, len(name) + 2)
    return (fold_address_list if kind is Kind.ADDRESSES else fold)(name, text).encode("ascii")


def _structured(name: str, text: str, encoding: str | Charset) -> str:
    """Return the value of a structured header unchanged, the phrase of a List-Id encoded (RFC 2919)."""
    if name.lower() == "list-id" and not text.isascii():
        phrase, separator, identifier = text.rpartition(" <")
        if separator and identifier.isascii():
            return encode_text(phrase, encoding, used=len(name) + 2) + separator + identifier
    if not text.isascii():
        raise BadHeaderError(
            f"Header {name!r} is never encoded and must be ASCII (got {excerpt(text)}); "
            f"write a URI percent-encoded, a domain in punycode"
        )
    if _ENCODED_WORD.search(text):
        raise BadHeaderError(
            f"Header {name!r} may not hold an encoded-word (got {excerpt(text)}); "
            f"write a question mark of a URI as %3F"
        )
    return text


def forbid_multi_line_headers(name: str, val: object, encoding: str | Charset | None) -> tuple[str, str]:
    """Return ``name`` and ``val`` as Django 5.2 puts them into a ``SafeMIMEText``.

    Long text is folded with a bare newline and a space, as ``email.header.Header`` does.

    Args:
        name: the header's name.
        val: anything that ``str()`` makes a text of; it is called once.
        encoding: charset of encoded-words; ``DEFAULT_CHARSET`` for None.

    Raises:
        BadHeaderError: name or value cannot be written.
        InvalidAddress: an address header holds something else than mailboxes.

    >>> forbid_multi_line_headers("Subject", "Grüße", "utf-8")
    ('Subject', '=?utf-8?b?R3LDvMOfZQ==?=')
    """
    kind = kind_of(name)
    text = check_header_value(name, val)
    charset = encoding or settings.DEFAULT_CHARSET
    if kind is Kind.ADDRESSES:
        return name, _sanitized_list(text, charset)
    if kind is Kind.STRUCTURED:
        return name, _structured(name, text, charset)
    if _must_encode(text, len(name) + 2):
        return name, django_encoded_text(text, charset)
    if name.lower() == "subject" and len(text) > 76:
        return name, Header(text).encode()
    return name, text


def _sanitized_list(text: str, encoding: str | Charset) -> str:
    mailboxes = parse_mailbox_list(text)
    if text.isascii() and "=?" not in text and reads_as(text, len(mailboxes)):
        return text
    return ", ".join([django_mailbox_text(mailbox, encoding) for mailbox in mailboxes])
