"""One mailbox: the name to show and the address to deliver to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

from aerogram.exceptions import InvalidAddress
from aerogram.mail.characters import excerpt

__all__ = ["ATEXT", "NEEDS_SMTPUTF8", "UTF8_DOT_ATOM", "Mailbox", "escaped", "refuse"]

ATEXT = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~\-"
_UTF8_ATEXT = r'[^\x00-\x20\x7f\s"(),.:;<>@\[\\\]]'
UTF8_DOT_ATOM = re.compile(rf"{_UTF8_ATEXT}+(?:\.{_UTF8_ATEXT}+)*")
_NEEDS_ESCAPE = re.compile(r'(["\\])')

NEEDS_SMTPUTF8 = (
    "the part before the @ is not ASCII, which needs a server that speaks SMTPUTF8; use an ASCII address"
)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One mailbox.

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
        local_part = self.local_part
        if not UTF8_DOT_ATOM.fullmatch(local_part):
            local_part = f'"{escaped(local_part)}"'
        return f"{local_part}@{self.domain}" if self.domain else local_part


def escaped(text: str) -> str:
    """Return ``text`` with a backslash before each quote and backslash, as a quoted-string holds them."""
    return _NEEDS_ESCAPE.sub(r"\\\1", text)


def refuse(text: str, reason: str) -> NoReturn:
    """Raise the error for a text that is not one mailbox."""
    raise InvalidAddress(f'Invalid address "{excerpt(text)[1:-1]}": {reason}')
