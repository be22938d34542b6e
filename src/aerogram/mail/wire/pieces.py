"""Texts made of constants and values, whose constants are encoded for the wire once for all such texts.

Quoted-printable may break a line anywhere by ``=`` and CRLF, and a reader takes the break out again (RFC
2045 section 6.7, rule 5). So every piece is encoded by itself, from the first column of a line, with a break
before and after each value; only the values are left to encode for a message.
"""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING

from aerogram.mail.message.attachments import EmailAlternative
from aerogram.mail.wire.transfer_encoding import (
    escape,
    is_mostly_escapes,
    octets_to_escape,
    to_quoted_printable,
    with_crlf,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Constants", "TemplatedAlternative"]

_BREAK = b"=\r\n"
_ROOM = 75  # octets of a line that leave room for the = of a break


class Constants:
    """The constant pieces of many texts: one before each value, and one after the last.

    >>> page = Constants(["<p>Grüße, ", "!</p>"])
    >>> page.join(["Zoë"]), page.quoted_printable(["Zoë"])
    ('<p>Grüße, Zoë!</p>', b'<p>Gr=C3=BC=C3=9Fe, =\\r\\nZo=C3=AB=\\r\\n!</p>')
    """

    def __init__(self, pieces: Sequence[str]) -> None:
        self._pieces = tuple(pieces)
        source = "".join(pieces).encode(errors="replace")
        self._octets, self._escapes = len(source), len(octets_to_escape(source))

    def join(self, values: Sequence[str]) -> str:
        """Return the text with ``values`` between the pieces."""
        parts = [""] * (2 * len(values) + 1)
        parts[::2] = self._pieces
        parts[1::2] = values
        return "".join(parts)

    def quoted_printable(self, values: Sequence[str]) -> bytes | None:
        """Return the encoded text, or ``None`` where it must be encoded as a whole."""
        joined = "<".join(values)  # encoded together
        if self._encoded is None or "\n" in joined or "\r" in joined:
            return None
        try:
            data = joined.encode()
        except UnicodeEncodeError:  # a lone surrogate: encoding the whole text says where
            return None
        to_escape = octets_to_escape(data)
        if is_mostly_escapes(self._escapes + len(to_escape), self._octets + len(data)):
            return None
        encoded = escape(data, to_escape).split(b"<") if values else []
        if len(encoded) != len(values):  # one of them has a < of its own
            return None
        parts = [b""] * (2 * len(values) + 1)
        parts[::2] = self._encoded
        parts[1::2] = [value if len(value) <= _ROOM else _broken(value) for value in encoded]
        return b"".join(parts)

    def alternative(self, values: Sequence[str], mimetype: str) -> TemplatedAlternative:
        """Return the text as a form of a message's body."""
        alternative = TemplatedAlternative(self.join(values), mimetype)
        alternative.quoted_printable = partial(self.quoted_printable, values)
        return alternative

    @cached_property
    def _encoded(self) -> tuple[bytes, ...] | None:
        """The pieces encoded, with the breaks; ``None`` where another encoding suits them better."""
        whole = "".join(self._pieces)
        if "\r" in whole:
            return None
        *inner, last = [with_crlf(piece.encode()) for piece in self._pieces]
        # One octet more, so that white space at the end of a piece does not count as the end of a line.
        encoded = [to_quoted_printable(piece + b"X")[:-1] for piece in inner]
        encoded = [piece if piece[-2:] in (b"", b"\r\n") else piece + _BREAK for piece in encoded]
        encoded.append(to_quoted_printable(last))
        return (encoded[0], *(_BREAK + piece for piece in encoded[1:]))


class TemplatedAlternative(EmailAlternative):
    """A form of the body that a template made; copies and pickles of it are plain alternatives."""

    quoted_printable: Callable[[], bytes | None]

    def __reduce__(self) -> tuple[type[EmailAlternative], tuple[object, str]]:
        return EmailAlternative, (self.content, self.mimetype)


def _broken(value: bytes) -> bytes:
    """Break an encoded value into lines without tearing an escape."""
    lines = []
    start = 0
    while len(value) - start > _ROOM:
        escape = value.rfind(b"=", start + _ROOM - 2, start + _ROOM)
        end = start + _ROOM if escape < 0 else escape
        lines.append(value[start:end])
        start = end
    return _BREAK.join([*lines, value[start:]])
