"""A text made of constants and values, whose constants are encoded for the wire once for all such texts.

Quoted-printable may break a line anywhere by ``=`` and CRLF, and a reader takes the break out again (RFC
2045 section 6.7, rule 5). So every piece is encoded by itself, from the first column of a line, with a break
before and behind each value; only the values are left to encode for a message.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

from aerogram.mail.wire.transfer_encoding import (
    escape_each,
    is_mostly_escapes,
    to_quoted_printable,
    with_crlf,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Constants", "PiecedText"]

_BREAK = b"=\r\n"
_ROOM = 75  # octets of a line that leave room for the = of a break
_plain = re.compile(rf"[\t -<>-~]{{,{_ROOM}}}").fullmatch  # what needs no escape


class Constants:
    """The constant pieces of many texts: one before each value, and one behind the last.

    >>> page = Constants(["<p>Grüße, ", "!</p>"]).filled(["Ann"])
    >>> page, page.quoted_printable()
    ('<p>Grüße, Ann!</p>', b'<p>Gr=C3=BC=C3=9Fe, =\\r\\nAnn=\\r\\n!</p>')
    """

    def __init__(self, pieces: Sequence[str]) -> None:
        self.pieces = tuple(pieces)
        self._length = sum(map(len, self.pieces))

    def filled(self, values: Sequence[str]) -> PiecedText:
        """Return the text with ``values`` between the pieces."""
        text = PiecedText("".join(_interleaved(self.pieces, values, "")))
        text.constants, text.values = self, values
        return text

    def quoted_printable(self, values: Sequence[str]) -> bytes | None:
        """Return the encoded text; ``None`` where it should not, or cannot, be encoded piece by piece."""
        if self._encoded is None or sum(map(len, values)) > self._length // 2:
            return None
        try:
            return b"".join(_interleaved(self._encoded, [_encoded_value(value) for value in values], b""))
        except UnicodeEncodeError:  # half of a surrogate pair: refused by whoever encodes the whole text
            return None

    @cached_property
    def _encoded(self) -> tuple[bytes, ...] | None:
        """The pieces encoded, with the breaks; ``None`` where another encoding suits them better."""
        whole = "".join(self.pieces)
        if "\r" in whole or is_mostly_escapes(whole.encode()):
            return None
        *inner, last = [with_crlf(piece.encode()) for piece in self.pieces]
        encoded = [_open_ended(piece) for piece in inner]
        encoded = [piece if piece[-2:] in (b"", b"\r\n") else piece + _BREAK for piece in encoded]
        encoded.append(to_quoted_printable(last))
        return (encoded[0], *(_BREAK + piece for piece in encoded[1:]))


class PiecedText(str):
    """A text that remembers its pieces; what is made from it, copies and pickles too, is a plain ``str``."""

    __slots__ = ("constants", "values")

    constants: Constants
    values: Sequence[str]

    def quoted_printable(self) -> bytes | None:
        """Return the text in quoted-printable, if that is the encoding for it and its pieces allow it."""
        return None if self.isascii() else self.constants.quoted_printable(self.values)

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str.__str__(self),)


def _open_ended(data: bytes) -> bytes:
    """Encode a piece that goes on: its last line has room for a break, its last white space stays."""
    return to_quoted_printable(data + b"X")[:-1]


def _encoded_value(value: str) -> bytes:
    if _plain(value):
        return value.encode()
    data = with_crlf(value.encode())
    if len(data) <= _ROOM and b"\n" not in data:
        escaped = escape_each(data)
        if len(escaped) <= _ROOM:
            return escaped
    return _open_ended(data)


def _interleaved(pieces: Sequence[Any], values: Sequence[Any], empty: Any) -> list[Any]:
    parts = [empty] * (len(pieces) + len(values))
    parts[::2] = pieces
    parts[1::2] = values
    return parts
