"""Transfer encodings: 7bit or 8bit lines, quoted-printable, base64 (RFC 2045 section 6)."""

from __future__ import annotations

import re
from binascii import b2a_base64
from typing import NamedTuple

MAX_LINE_OCTETS = 998  # RFC 5322 section 2.1.1, without the CRLF
_ENCODED_LINE = 76  # RFC 2045 sections 6.7 and 6.8

# Octets that quoted-printable leaves as they are: printable ASCII but "=", white space, line ends.
_QP_PLAIN = bytes({9, 10, 13, *range(32, 127)} - {ord("=")})
_EQUALS = set(b"=")
_ESCAPES = [(bytes((octet,)), b"=%02X" % octet) for octet in range(256)]
_SHORT = 2000  # octets of a text that a person may read as it is written
# A match is the text between two soft line breaks: lines of at most 76 octets, then the first 73 to 75 octets
# of a longer one, cut so that no "=XX" is torn; or all the rest.
_QP_PIECE = re.compile(rb"(?:.{0,77}\n)*?.{73}(?=...[^\r\n])[^=]{0,2}|(?s:.+)")

# Finds a line that ends in white space, from its end: twice as fast as a search for three octets.
_ends_in_white_space = re.compile(rb"\n(?<=[ \t]\r\n)").search


class Encoded(NamedTuple):
    """Content ready for the wire, and the value of Content-Transfer-Encoding that says how to read it."""

    encoding: str
    data: bytes


def encode_text(content: bytes, *, eight_bit: bool = False) -> Encoded:
    """Encode lines of text; line ends of any kind become CRLF.

    Text whose lines are short enough stays as it is, if it is ASCII or ``eight_bit`` is true. Other text
    becomes quoted-printable, or base64 where an eighth of it would be escapes (two fifths of a short text).

    >>> encode_text("naïve".encode())
    Encoded(encoding='quoted-printable', data=b'na=C3=AFve')
    """
    data = with_crlf(content)
    if is_safe(data, eight_bit=eight_bit):
        return Encoded("7bit" if data.isascii() else "8bit", data)
    to_escape = octets_to_escape(data)
    if is_mostly_escapes(len(to_escape), len(data)):
        return Encoded("base64", to_base64(data))
    return Encoded("quoted-printable", to_quoted_printable(data, to_escape))


def is_mostly_escapes(escapes: int, octets: int) -> bool:
    """Return whether so much would be escapes that base64 is about as short, in a short text shorter."""
    return escapes * (8 if octets > _SHORT else 2.5) > octets


def octets_to_escape(data: bytes) -> bytes:
    """Return the octets that quoted-printable has to escape, in their order."""
    return data.translate(None, _QP_PLAIN)


def encode_file(content: bytes) -> Encoded:
    """Encode a file so that it arrives octet for octet.

    Line ends of unencoded parts are CRLF on the wire, so a text with others is encoded as base64.
    """
    if is_safe(content) and content == with_crlf(content):
        return Encoded("7bit", content)
    return Encoded("base64", to_base64(content))


def is_safe(data: bytes, *, eight_bit: bool = False) -> bool:
    """Return whether lines ended by CRLF can be sent as they are: no NUL, none too long, ASCII or allowed."""
    if not (eight_bit or data.isascii()) or b"\0" in data:
        return False
    return not has_long_line(data)


def has_long_line(data: bytes, limit: int = MAX_LINE_OCTETS) -> bool:
    """Return whether a line has over ``limit`` octets without its CRLF."""
    start = 0
    while len(data) - start > limit:
        start = data.rfind(b"\n", start, start + limit + 2) + 1
        if not start:
            return True
    return False


def with_crlf(content: bytes) -> bytes:
    """Return ``content`` with every line end, CRLF, CR or LF, as CRLF."""
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return content.replace(b"\n", b"\r\n")


def to_base64(content: bytes) -> bytes:
    """Encode octets in lines of 76 characters, without a line end after the last."""
    text = b2a_base64(content, newline=False)
    return b"\r\n".join([text[i : i + _ENCODED_LINE] for i in range(0, len(text), _ENCODED_LINE)])


def to_quoted_printable(data: bytes, to_escape: bytes | None = None) -> bytes:
    """Encode lines ended by CRLF, each at most 76 octets afterwards (RFC 2045 section 6.7).

    Whole-text replacements and one pattern take a good half of the time of ``binascii.b2a_qp``, which also
    ends soft breaks with a bare LF in a text of one line and exceeds 76 octets at trailing white space.
    ``to_escape`` are the octets to escape, each at least once, where the caller knows them.
    """
    data = escape(data, to_escape)
    if _ends_in_white_space(data):
        data = data.replace(b" \r\n", b"=20\r\n").replace(b"\t\r\n", b"=09\r\n")
    if data.endswith((b" ", b"\t")):
        data = data[:-1] + b"=%02X" % data[-1]
    return b"=\r\n".join(_QP_PIECE.findall(data)) if has_long_line(data, _ENCODED_LINE) else data


def escape(data: bytes, to_escape: bytes | None = None) -> bytes:
    """Escape what quoted-printable has to, and break no line; arguments as of :func:`to_quoted_printable`."""
    data = data.replace(b"=", b"=3D")
    for octet in set(octets_to_escape(data) if to_escape is None else to_escape) - _EQUALS:
        data = data.replace(*_ESCAPES[octet])
    return data
