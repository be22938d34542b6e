"""One mailbox, and how it is written: for SMTP, for a header, and as Django writes it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.header import Header
from typing import TYPE_CHECKING, NoReturn

from aerogram.exceptions import InvalidAddress
from aerogram.mail.header.encoded_words import django_encoded_text, encoded_words, shown

if TYPE_CHECKING:
    from email.charset import Charset

__all__ = [
    "ATEXT",
    "NEEDS_SMTPUTF8",
    "UTF8_DOT_ATOM",
    "Mailbox",
    "django_mailbox",
    "refuse",
    "written_local_part",
]

ATEXT = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~\-"
_UTF8_ATEXT = r'[^\x00-\x20\x7f\s"(),.:;<>@\[\\\]]'
UTF8_DOT_ATOM = re.compile(rf"{_UTF8_ATEXT}+(?:\.{_UTF8_ATEXT}+)*")
_NEEDS_ESCAPE = re.compile(r'(["\\])')
# What cannot stand in a name without quotes; white space at its ends or doubled would be lost there.
_NEEDS_QUOTES = re.compile(r'[][\\()<>@,:;".]|^ | $|  ')
_SPECIALS = re.compile(r'[][\\()<>@,:;".]')
_NAME_ROOM = 60  # characters: a word of this length fits the first line of every address header
_LONG_WORD = re.compile(rf"[^ ]{{{_NAME_ROOM + 1}}}")
_UNFOLDABLE_WORD = re.compile(r"[^ ]{400}")  # escapes may double it, and a line has at most 998 octets

NEEDS_SMTPUTF8 = (
    "the part before the @ is not ASCII, which needs a server that speaks SMTPUTF8; use an ASCII address"
)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One mailbox: a name to show and an address to deliver to.

    ``local_part`` is without quotes, ``domain`` in ASCII (A-labels) or empty for a mailbox of this host.

    >>> Mailbox("Doe, Jane", "jane", "example.com").addr_spec
    'jane@example.com'
    """

    display_name: str
    local_part: str
    domain: str

    @property
    def addr_spec(self) -> str:
        """The address as SMTP and the header write it, the local part quoted where it must be."""
        local = written_local_part(self.local_part)
        return f"{local}@{self.domain}" if self.domain else local

    def header(self, encoding: str | Charset = "utf-8", *, utf8: bool = False) -> str:
        """Write the mailbox for a header, on one line.

        Args:
            encoding: charset of encoded-words in the name.
            utf8: allow a local part beyond ASCII, which only SMTPUTF8 can carry (RFC 6531).

        Raises:
            InvalidAddress: the local part is not ASCII and ``utf8`` is false.

        >>> Mailbox("John Q. Public", "j", "x.org").header()
        '"John Q. Public" <j@x.org>'
        """
        address = self.addr_spec
        if not utf8 and not address.isascii():
            refuse(address, NEEDS_SMTPUTF8)
        name = self.display_name
        return f"{_written_name(name, encoding)} <{address}>" if name else address


def django_mailbox(mailbox: Mailbox, encoding: str | Charset) -> str:
    """Write a parsed mailbox as :func:`aerogram.mail.address.parser.sanitize_address` does."""
    name = mailbox.display_name
    if not name:
        return mailbox.addr_spec
    if not name.isascii() or "=?" in name or _UNFOLDABLE_WORD.search(name):
        written = django_encoded_text(name, encoding)
    else:
        written = name if len(name) <= 76 else Header(name).encode()
        if _SPECIALS.search(written):
            written = f'"{_escaped(written)}"'
    return f"{written} <{mailbox.addr_spec}>"


def _escaped(text: str) -> str:
    return _NEEDS_ESCAPE.sub(r"\\\1", text)


def written_local_part(local_part: str) -> str:
    """Put quotes around a local part that needs them."""
    plain = UTF8_DOT_ATOM.fullmatch(local_part)
    return local_part if plain else f'"{_escaped(local_part)}"'


def _written_name(name: str, encoding: str | Charset) -> str:
    """Write a display name so that it can be folded at its spaces, and is one mailbox for every reader."""
    if not name.isascii() or "=?" in name or _LONG_WORD.search(name):
        return " ".join(encoded_words(name, encoding, first=_NAME_ROOM))
    if _NEEDS_QUOTES.search(name) is None:
        return name
    quoted = f'"{_escaped(name)}"'
    # A quoted text is not folded, and what it hides is safest from naive readers when it is encoded.
    return quoted if len(quoted) <= _NAME_ROOM else " ".join(encoded_words(name, encoding, first=_NAME_ROOM))


def refuse(text: str, reason: str) -> NoReturn:
    """Raise the error for a text that is not one mailbox."""
    raise InvalidAddress(f'Invalid address "{shown(text)[1:-1]}": {reason}')
