"""Header values as Django 5.2 writes them, for the MIME tree that ``message()`` returns."""

from __future__ import annotations

import re
from email.header import Header
from typing import TYPE_CHECKING

from aerogram.conf import settings
from aerogram.mail.address.parser import (
    Mailbox,
    escaped,
    parse_mailbox,
    parse_mailbox_list,
    parse_pair,
    reads_as,
)
from aerogram.mail.characters import check_header_value
from aerogram.mail.header.encoded_words import django_encoded_text
from aerogram.mail.header.rules import KINDS, Kind, kind_of
from aerogram.mail.header.writing import must_encode, structured_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from email.charset import Charset

_SPECIALS = re.compile(r'[][\\()<>@,:;".]')
_UNFOLDABLE_WORD = re.compile(r"[^ ]{400}")  # escapes may double it, and a line has at most 998 octets


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
    kind = KINDS.get(name) or kind_of(name)
    text = val if type(val) is str and val.isascii() and val.isprintable() else check_header_value(name, val)
    if kind is Kind.ADDRESSES:
        return name, address_list_text(text, parse_mailbox_list(text), encoding)
    if len(name) + len(text) <= 76 and text.isascii() and "=?" not in text:
        return name, text
    charset = encoding or settings.DEFAULT_CHARSET
    if kind is Kind.STRUCTURED:
        return name, structured_text(name, text, charset)
    if must_encode(text, len(name) + 2):
        return name, django_encoded_text(text, charset)
    if name.lower() == "subject" and len(text) > 76:
        return name, Header(text).encode()
    return name, text


def address_list_text(text: str, mailboxes: Sequence[Mailbox], encoding: str | Charset | None) -> str:
    """Return ``text`` itself, where every reader finds its ``mailboxes``, else the mailboxes written anew."""
    if text.isascii() and "=?" not in text and reads_as(text, len(mailboxes)):
        return text.replace("\t", " ")
    charset = encoding or settings.DEFAULT_CHARSET
    return ", ".join([_mailbox_text(mailbox, charset) for mailbox in mailboxes])


def _mailbox_text(mailbox: Mailbox, encoding: str | Charset) -> str:
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
    return _mailbox_text(mailbox, encoding)
