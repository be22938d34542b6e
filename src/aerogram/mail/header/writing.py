"""How a header is written for the wire.

Three kinds of header are written each in its way. In an address list every mailbox is written anew. Text is
folded at white space, or encoded (RFC 2047) where it is not ASCII, would read as an encoded-word, or cannot
be folded. A structured header (a URI, a message-id, a date, ...) is folded at white space and never encoded,
because its readers do not decode.
"""

from __future__ import annotations

import re
from email.header import Header
from typing import TYPE_CHECKING

from aerogram.exceptions import BadHeaderError
from aerogram.mail.address.parser import (
    NEEDS_QUOTES,
    NEEDS_SMTPUTF8,
    Mailbox,
    escaped,
    is_empty_group,
    parse_mailbox_list,
    refuse,
)
from aerogram.mail.characters import check_header_value, excerpt
from aerogram.mail.header.encoded_words import encoded_words
from aerogram.mail.header.folding import HARD_LIMIT, SOFT_LIMIT, fold
from aerogram.mail.header.rules import KINDS, Kind, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from email.charset import Charset

_ENCODED_WORD = re.compile(r"=\?[^?\s]*\?[bBqQ]\?[^?]*\?=")
_SPACED_WORD = re.compile(r" *[^ ]+")
_FOLD = re.compile(r"\r?\n(?=[ \t]+[^ \t\r\n])")
NAME_ROOM = 60  # characters; a quoted text cannot be folded
_LONGEST_ADDRESS_HEADER = len("Resent-Sender: ")
_LONG_WORD = re.compile(rf"[^ ]{{{NAME_ROOM + 1}}}")


def address_bytes(name: str, mailboxes: Iterable[Mailbox], *, utf8: bool = False) -> bytes:
    """Write a header of mailboxes; otherwise as :func:`header_bytes`."""
    value = ", ".join([mailbox_text(mailbox, utf8=utf8) for mailbox in mailboxes])
    return fold(name, value, addresses=True).encode("utf-8" if utf8 else "ascii")


def header_bytes(name: str, value: object, *, utf8: bool = False) -> bytes:
    """Write one header, complete with its CRLF, folded at 78 characters where it can be.

    ``utf8`` allows addresses beyond ASCII, which only SMTPUTF8 can carry (RFC 6531); all else is printable
    ASCII, in lines of at most 998 octets. What cannot be written raises BadHeaderError or InvalidAddress.

    >>> header_bytes("Subject", "Grüße")
    b'Subject: =?utf-8?b?R3LDvMOfZQ==?=\\r\\n'
    """
    kind = KINDS.get(name) or kind_of(name)
    text = check_header_value(name, value)
    if kind is Kind.STRUCTURED:
        return fold(name, structured_text(name, text)).encode("ascii")
    if kind is Kind.TEXT:
        return fold(name, encode_text(name, text)).encode("ascii")
    if is_empty_group(text):
        return fold(name, text).encode("ascii")
    return address_bytes(name, parse_mailbox_list(text, utf8=utf8), utf8=utf8)


def mailbox_text(mailbox: Mailbox, encoding: str | Charset = "utf-8", *, utf8: bool = False) -> str:
    """Write a mailbox for a header on one line, so that it can be folded at its spaces.

    ``encoding`` is the charset of encoded-words. A local part beyond ASCII, which only SMTPUTF8 can carry,
    raises InvalidAddress unless ``utf8``.
    """
    address, name = mailbox.addr_spec, mailbox.display_name
    if not utf8 and not address.isascii():
        refuse(address, NEEDS_SMTPUTF8)
    if not name:
        return address
    if name.isascii() and "=?" not in name and not _LONG_WORD.search(name):
        written = f'"{escaped(name)}"' if NEEDS_QUOTES.search(name) else name
        if written is name or len(written) <= NAME_ROOM:  # a quoted text cannot be folded
            return f"{written} <{address}>"
    return f"{' '.join(encoded_words(name, encoding, used=_LONGEST_ADDRESS_HEADER))} <{address}>"


def encode_text(name: str, value: str, encoding: str | Charset = "utf-8") -> str:
    """Write text for an unstructured header: as it is, or as encoded-words joined by spaces.

    It is encoded when it is not ASCII, holds ``=?`` (so that the reader sees what was written), has a word
    too long for a line, or is a subject with white space around it, which readers drop.
    """
    used = len(name) + 2
    return " ".join(encoded_words(value, encoding, used=used)) if _must_encode(name, value, used) else value


def _must_encode(name: str, value: str, used: int) -> bool:
    if not value.isascii() or "=?" in value or (name.lower() == "subject" and value != value.strip(" ")):
        return True
    if used + len(value) <= HARD_LIMIT:
        return False
    # The white space at the end stays on the last line, what stands before a word goes with the word.
    room = HARD_LIMIT - used - (len(value) - len(value.rstrip(" ")))
    return room < SOFT_LIMIT or max(map(len, _SPACED_WORD.findall(value))) > room


def stored_header_bytes(name: str, value: object) -> bytes:
    """Write a header as a MIME tree holds it: of what is encoded already, only the folds are new."""
    kind = kind_of(name)
    text = stored_text(name, value)
    if not text.isascii():
        return header_bytes(name, text)
    # Some readers, such as Python's own, keep a fold within quotes as a part of a file name.
    is_quoted = kind is Kind.STRUCTURED and len(name) + len(text) < HARD_LIMIT - 2
    return fold(name, text, addresses=is_quoted or kind is Kind.ADDRESSES).encode("ascii")


def stored_text(name: str, value: object) -> str:
    """Return the value of a header as a MIME tree holds it, without folds; octets in it are read as UTF-8.

    Other octets, and what :func:`check_header_value` refuses, raise BadHeaderError.
    """
    text = value.encode() if isinstance(value, Header) else str(value)
    try:
        text = text.encode("utf-8", "surrogateescape").decode()
    except UnicodeError:
        raise BadHeaderError(f"Header {name!r} contains octets that are not UTF-8: {excerpt(text)}") from None
    return check_header_value(name, _FOLD.sub("", text.removeprefix("\n ")))


def structured_text(name: str, text: str, encoding: str | Charset = "utf-8") -> str:
    """Return the value of a structured header unchanged, the phrase of a List-Id encoded (RFC 2919)."""
    if name.lower() == "list-id" and not text.isascii():
        phrase, separator, identifier = text.rpartition(" <")
        if separator and identifier.isascii():
            return encode_text(name, phrase, encoding) + separator + identifier
    if not text.isascii():
        raise BadHeaderError(
            f"Header {name!r} is never encoded and must be ASCII (got {excerpt(text)}); "
            f"write a URI percent-encoded, a domain in punycode"
        )
    if _ENCODED_WORD.search(text):
        raise BadHeaderError(
            f"Header {name!r} must not contain an encoded-word (got {excerpt(text)}); "
            f"write a question mark of a URI as %3F"
        )
    return text
