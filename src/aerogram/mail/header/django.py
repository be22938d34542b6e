"""Header values as Django 5.2 writes them, for the MIME tree that ``message()`` returns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aerogram.conf import settings
from aerogram.mail.address.parser import Mailbox, parse_mailbox, parse_mailbox_list, reads_as
from aerogram.mail.characters import check_header_value
from aerogram.mail.header.fields import header_field
from aerogram.mail.header.folding import fold
from aerogram.mail.header.rules import KINDS, Kind, kind_of
from aerogram.mail.header.writing import NAME_ROOM, encode_text, mailbox_text, structured_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from email.charset import Charset


def forbid_multi_line_headers(name: str, val: object, encoding: str | Charset | None) -> tuple[str, str]:
    """Return ``name`` and ``val`` as Django 5.2 puts them into a ``SafeMIMEText``.

    A long subject and encoded text are folded with bare newlines, in the same places as when sent.

    Args:
        name: the header's name.
        val: any object that ``str()`` accepts, which is called once. For an address header, also a mailbox in
            any form, or a list of mailboxes.
        encoding: charset of encoded-words; ``DEFAULT_CHARSET`` for None.

    Raises:
        BadHeaderError: name or value cannot be written.
        InvalidAddress: an address header contains something other than mailboxes.

    >>> forbid_multi_line_headers("Subject", "Grüße", "utf-8")
    ('Subject', '=?utf-8?b?R3LDvMOfZQ==?=')
    """
    kind = KINDS.get(name) or kind_of(name)
    if kind is Kind.ADDRESSES and not isinstance(val, str):
        val = header_field(name, val).value
    text = val if type(val) is str and val.isascii() and val.isprintable() else check_header_value(name, val)
    if kind is Kind.ADDRESSES:
        return name, address_list_text(name, text, parse_mailbox_list(text), encoding)
    if len(name) + len(text) <= 76 and text.isascii() and "=?" not in text and text == text.strip(" "):
        return name, text
    charset = encoding or settings.DEFAULT_CHARSET
    if kind is Kind.STRUCTURED:
        return name, structured_text(name, text, charset)
    written = encode_text(name, text, charset)
    return name, _folded(name, written) if "=?" in written or name.lower() == "subject" else text


def address_list_text(
    name: str, text: str, mailboxes: Sequence[Mailbox], encoding: str | Charset | None
) -> str:
    """Return ``text`` itself, where every reader finds its ``mailboxes``, else the mailboxes written anew."""
    is_read = text.isascii() and "=?" not in text and reads_as(text, len(mailboxes))
    if is_read and len(text) <= NAME_ROOM:
        return text.replace("\t", " ")
    written = _mailbox_texts(name, mailboxes, encoding or settings.DEFAULT_CHARSET)
    return text.replace("\t", " ") if is_read and "=?" not in written else written


def _mailbox_texts(name: str, mailboxes: Sequence[Mailbox], encoding: str | Charset) -> str:
    written = ", ".join([mailbox_text(mailbox, encoding) for mailbox in mailboxes])
    return _folded(name, written, addresses=True) if "=?" in written else written


def _folded(name: str, value: str, *, addresses: bool = False) -> str:
    """Fold a value as for the wire, with bare newlines."""
    line = fold(name, value, addresses=addresses)
    return line[len(name) + 1 : -2].removeprefix(" ").replace("\r\n", "\n")


def sanitize_address(addr: object, encoding: str | Charset) -> str:
    """Return one mailbox as Django 5.2 writes it in a header; a long name is folded with bare newlines.

    Args:
        addr: a mailbox in any accepted form, such as a string, or a pair of name and address.
        encoding: charset of encoded-words in the name.

    Raises:
        InvalidAddress: ``addr`` is not exactly one mailbox, or its address needs SMTPUTF8.

    >>> sanitize_address(("A name", "to@exämple.com"), "utf-8")
    'A name <to@xn--exmple-cua.com>'
    """
    return _mailbox_texts("Reply-To", [parse_mailbox(addr)], encoding)
