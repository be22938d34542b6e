"""How a mailbox is written into a header: folded and safe on the wire, and as Django writes it."""

from __future__ import annotations

import re
from email.header import Header
from typing import TYPE_CHECKING

from aerogram.mail.address.mailbox import NEEDS_SMTPUTF8, Mailbox, escaped, refuse
from aerogram.mail.address.parser import parse_mailbox, parse_pair
from aerogram.mail.header.encoded_words import django_encoded_text, encoded_words

if TYPE_CHECKING:
    from email.charset import Charset

__all__ = ["django_mailbox_text", "mailbox_text", "sanitize_address"]

# What cannot stand in a name without quotes; white space at its ends or doubled would be lost there.
_NEEDS_QUOTES = re.compile(r'[][\\()<>@,:;".]|^ | $|  ')
_SPECIALS = re.compile(r'[][\\()<>@,:;".]')
_NAME_ROOM = 60  # characters: a word of this length fits the first line of every address header
_LONG_WORD = re.compile(rf"[^ ]{{{_NAME_ROOM + 1}}}")
_UNFOLDABLE_WORD = re.compile(r"[^ ]{400}")  # escapes may double it, and a line has at most 998 octets


def mailbox_text(mailbox: Mailbox, encoding: str | Charset = "utf-8", *, utf8: bool = False) -> str:
    """Write a mailbox for a header on one line, so that it can be folded at its spaces.

    Args:
        mailbox: every reader finds this one mailbox in the result.
        encoding: charset of encoded-words in the name.
        utf8: allow a local part beyond ASCII, which only SMTPUTF8 can carry (RFC 6531).

    Raises:
        InvalidAddress: the local part is not ASCII and ``utf8`` is false.

    >>> mailbox_text(Mailbox("John Q. Public", "j", "x.org"))
    '"John Q. Public" <j@x.org>'
    """
    address, name = mailbox.addr_spec, mailbox.display_name
    if not utf8 and not address.isascii():
        refuse(address, NEEDS_SMTPUTF8)
    if not name:
        return address
    if name.isascii() and "=?" not in name and not _LONG_WORD.search(name):
        written = f'"{escaped(name)}"' if _NEEDS_QUOTES.search(name) else name
        if written is name or len(written) <= _NAME_ROOM:  # a quoted text cannot be folded
            return f"{written} <{address}>"
    return f"{' '.join(encoded_words(name, encoding, first=_NAME_ROOM))} <{address}>"


def django_mailbox_text(mailbox: Mailbox, encoding: str | Charset) -> str:
    """Write a mailbox as Django 5.2 does, folded with a bare newline where the name is long."""
    name = mailbox.display_name
    if not name:
        return mailbox.addr_spec
    if not name.isascii() or "=?" in name or _UNFOLDABLE_WORD.search(name):
        written = django_encoded_text(name, encoding)
    else:
        written = name if len(name) <= 76 else Header(name).encode()
        if _SPECIALS.search(written):
            written = f'"{escaped(written)}"'
    return f"{written} <{mailbox.addr_spec}>"


def sanitize_address(addr: object, encoding: str | Charset) -> str:
    """Write one mailbox for a header as Django 5.2 does, folded with a bare newline where the name is long.

    Args:
        addr: a text, or a pair of name and address.
        encoding: charset of encoded-words in the name.

    Raises:
        InvalidAddress: not exactly one mailbox, or an address that needs SMTPUTF8.

    >>> sanitize_address(("A name", "to@exämple.com"), "utf-8")
    'A name <to@xn--exmple-cua.com>'
    """
    mailbox = parse_pair(addr) if isinstance(addr, tuple) else parse_mailbox(addr)
    return django_mailbox_text(mailbox, encoding)
