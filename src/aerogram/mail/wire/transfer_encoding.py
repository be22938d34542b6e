"""Content as it travels: 7bit or 8bit lines, quoted-printable, or base64 (RFC 2045 section 6)."""

from __future__ import annotations

import re
from binascii import b2a_base64
from typing import NamedTuple

__all__ = [
    "Encoded",
    "encode_file",
    "encode_text",
    "escape_each",
    "is_mostly_escapes",
    "is_safe",
    "latin_in_quoted_printable",
    "to_base64",
    "to_quoted_printable",
    "with_crlf",
]

MAX_LINE_OCTETS = 998  # RFC 5322 section 2.1.1, without the CRLF
_BASE64_LINE = 76  # RFC 2045 section 6.8

# Octets that quoted-printable leaves as they are: printable ASCII but "=", white space, line ends.
_QP_PLAIN = bytes({9, 10, 13, *range(32, 127)} - {ord("=")})
_QP_ESCAPES = [b"=%02X" % octet for octet in range(256)]
_QP_LETTERS = [b"".join([_QP_ESCAPES[octet] for octet in chr(code).encode()]) for code in range(256)]
_HIGH = bytes(range(128, 256))
_QP_OCTETS = [bytes((octet,)) if octet in _QP_PLAIN else _QP_ESCAPES[octet] for octet in range(256)]
# One match is what lies between two soft line breaks: lines of at most 76 octets as many as there are, then
# the first 73 to 75 octets of a longer one, cut so that no "=XX" is torn. Each branch ends in one that always
# matches, so nothing is scanned twice.
_QP_PIECE = re.compile(
    rb"(?:.{0,77}\n)*"
    rb"(?:.{73}(?=[^\r\n]{4})(?:[^=]{2}|[^=](?==)|(?==))|.*\Z)"
)  # fmt: skip

# Whether a line ends in white space, asked from its end: twice as fast as a search for three octets.
_ends_in_white_space = re.compile(rb"\n(?<=[ \t]\r\n)").search


class Encoded(NamedTuple):
    """Content ready for the wire, and the value of Content-Transfer-Encoding that says how to read it."""

    encoding: str
    data: bytes


def encode_text(content: bytes, *, eight_bit: bool = False) -> Encoded:
    """Encode lines of text; line ends of any kind become CRLF.

    ASCII travels as it is where its lines are short enough, and everything else does with ``eight_bit``. What
    is left becomes quoted-printable, or base64 where over two fifths of it would be escapes.

    >>> encode_text(b"one\\ntwo").data
    b'one\\r\\ntwo'
    >>> encode_text("naïve".encode())
    Encoded(encoding='quoted-printable', data=b'na=C3=AFve')
    """
    data = with_crlf(content)
    if is_safe(data, eight_bit=eight_bit):
        return Encoded("7bit" if data.isascii() else "8bit", data)
    to_escape = data.translate(None, _QP_PLAIN)
    if _is_too_much(len(to_escape), len(data)):
        return Encoded("base64", to_base64(data))
    return Encoded("quoted-printable", _quoted_printable(data, to_escape, _QP_ESCAPES))


def latin_in_quoted_printable(text: str) -> bytes | None:
    """Return what :func:`encode_text` makes of a text in UTF-8, without making that.

    Most texts hold no character beyond Latin-1, and Python keeps those an octet a character: they only need
    to be copied, and each letter is escaped at once, not octet by octet.

    Returns:
        ``None`` where another character occurs, or base64 suits the text better.

    >>> latin_in_quoted_printable("naïve"), latin_in_quoted_printable("5 €")
    (b'na=C3=AFve', None)
    """
    try:
        data = with_crlf(text.encode("latin-1"))
    except UnicodeEncodeError:
        return None
    to_escape = data.translate(None, _QP_PLAIN)
    high = len(to_escape) - len(to_escape.translate(None, _HIGH))
    if _is_too_much(len(to_escape) + high, len(data) + high):
        return None
    return _quoted_printable(data, to_escape, _QP_LETTERS)


def is_mostly_escapes(data: bytes) -> bool:
    """Tell whether base64 is shorter, and as readable, as quoted-printable."""
    return _is_too_much(len(data.translate(None, _QP_PLAIN)), len(data))


def _is_too_much(escapes: int, octets: int) -> bool:
    return escapes * 5 > octets * 2


def encode_file(content: bytes) -> Encoded:
    """Encode a file so that it arrives octet for octet.

    Line ends of unencoded parts are CRLF on the wire, so only a text that has those already stays readable.
    """
    if is_safe(content) and content == with_crlf(content):
        return Encoded("7bit", content)
    return Encoded("base64", to_base64(content))


def is_safe(data: bytes, *, eight_bit: bool = False) -> bool:
    """Tell whether lines ended by CRLF can go out as they are: no NUL, none too long, ASCII or allowed."""
    if not (eight_bit or data.isascii()) or b"\0" in data:
        return False
    return not has_long_line(data)


def has_long_line(data: bytes) -> bool:
    """Tell whether a line, CRLF not counted, is over 998 octets."""
    start = 0
    while len(data) - start > MAX_LINE_OCTETS:
        start = data.rfind(b"\n", start, start + MAX_LINE_OCTETS + 2) + 1
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
    return b"\r\n".join([text[i : i + _BASE64_LINE] for i in range(0, len(text), _BASE64_LINE)])


def to_quoted_printable(data: bytes) -> bytes:
    """Encode lines ended by CRLF, each at most 76 octets afterwards.

    Whole-text replacements and one pattern take a good half of the time of ``binascii.b2a_qp``, which also
    ends soft breaks with a bare LF in a text of one line and exceeds 76 octets at trailing white space.
    """
    return _quoted_printable(data, data.translate(None, _QP_PLAIN), _QP_ESCAPES)


def escape_each(octets: bytes) -> bytes:
    """Escape what quoted-printable has to, octet by octet, and break no line: fast for a few words."""
    return b"".join([_QP_OCTETS[octet] for octet in octets])


def _quoted_printable(data: bytes, to_escape: bytes, escapes: list[bytes]) -> bytes:
    data = data.replace(b"=", b"=3D")
    to_escape = to_escape.replace(b"=", b"")
    while to_escape:
        octet = to_escape[:1]
        data = data.replace(octet, escapes[octet[0]])
        to_escape = to_escape.replace(octet, b"")
    if _ends_in_white_space(data):
        data = data.replace(b" \r\n", b"=20\r\n").replace(b"\t\r\n", b"=09\r\n")
    if data.endswith((b" ", b"\t")):
        data = data[:-1] + _QP_ESCAPES[data[-1]]
    pieces: list[bytes] = _QP_PIECE.findall(data)
    if len(pieces) > 1 and not pieces[-1]:
        pieces.pop()  # the empty match behind a last piece that reached the end
    return b"=\r\n".join(pieces)
