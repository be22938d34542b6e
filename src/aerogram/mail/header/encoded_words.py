"""Text as RFC 2047 encoded-words, for what a header cannot hold in ASCII.

An encoded-word is at most 75 characters long and holds whole characters of the text. It is written in the
shorter of the "Q" and "B" encodings unless the charset prescribes one. Some readers stop at the padding of
base64, so only the last word of a sequence has any. White space belongs to the encoded text, so none is lost
or gained where two words meet.
"""

from __future__ import annotations

import codecs
from binascii import b2a_base64
from bisect import bisect_right
from email.charset import BASE64, QP, SHORTEST, Charset
from typing import TYPE_CHECKING, NamedTuple

from aerogram.exceptions import BadHeaderError
from aerogram.mail.characters import excerpt

if TYPE_CHECKING:
    from collections.abc import Callable

WORD_LIMIT = 75  # RFC 2047 section 2
LINE_LIMIT = 76  # the same, of a line with encoded-words
_LEAST_ROOM = 24  # one character of any charset in "Q", with the escape sequences of ISO-2022

# RFC 2047 section 5 (3): what may stand for itself in every place where an encoded-word may stand.
_Q_SAFE = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/ "
_Q_TABLE = [chr(octet) if octet in _Q_SAFE else f"={octet:02X}" for octet in range(256)]
_Q_TABLE[0x20] = "_"


class _HeaderCharset(NamedTuple):
    """A charset in a header: its name, its codec, and the encoding "q", "b", or "" for the shorter."""

    name: str
    codec: str
    method: str


_UTF8 = _HeaderCharset("utf-8", "utf-8", "")
_METHODS = {QP: "q", BASE64: "b", SHORTEST: ""}


def encoded_words(text: str, encoding: str | Charset = "utf-8", *, used: int = 0) -> list[str]:
    """Write ``text`` as one encoded-word or more, to be joined by white space.

    What the charset cannot express is written in UTF-8. ``used`` characters stand before the first word on
    its line; too many are taken for a line of their own. A charset without a codec raises BadHeaderError.

    >>> encoded_words("Grüße")
    ['=?utf-8?b?R3LDvMOfZQ==?=']
    """
    charset = _charset_of(encoding)
    try:
        data = text.encode(charset.codec)
    except UnicodeEncodeError:
        charset = _UTF8
        data = text.encode("utf-8")
    method = charset.method or ("b" if _b_size(data) < _q_size(data) else "q")
    size = _b_size if method == "b" else _q_size
    frame = len(charset.name) + 7
    room = min(WORD_LIMIT, LINE_LIMIT - used) - frame
    if room < _LEAST_ROOM:
        room = WORD_LIMIT - frame
    words = []
    start = 0
    while len(text) - start > room or size(text[start:].encode(charset.codec)) > room:
        end = _fitting(text, start, charset.codec, size, room)
        written = method
        while written == "b" and len(text[start:end].encode(charset.codec)) % 3:
            end -= 1
        if end == start:  # no piece is whole without padding
            written = "q"
            end = _fitting(text, start, charset.codec, _q_size, room)
        words.append(_word(text[start:end].encode(charset.codec), charset.name, written))
        start, room = end, WORD_LIMIT - frame
    return [*words, _word(text[start:].encode(charset.codec), charset.name, method)]


def _fitting(text: str, start: int, codec: str, size: Callable[[bytes], int], room: int) -> int:
    """Return the end of the longest piece from ``start`` that fits ``room``, one character at least."""
    ends = range(start + 2, min(len(text), start + room) + 1)
    return start + 1 + bisect_right(ends, room, key=lambda end: size(text[start:end].encode(codec)))


def _q_size(data: bytes) -> int:
    return len(data) + 2 * len(data.translate(None, _Q_SAFE))


def _b_size(data: bytes) -> int:
    return (len(data) + 2) // 3 * 4


def _word(data: bytes, charset: str, method: str) -> str:
    if method == "b":
        payload = b2a_base64(data, newline=False).decode("ascii")
    else:
        payload = "".join([_Q_TABLE[octet] for octet in data])
    return f"=?{charset}?{method}?{payload}?="


def _charset_of(encoding: str | Charset) -> _HeaderCharset:
    if isinstance(encoding, str) and encoding == "utf-8":  # a Charset of that name may be written otherwise
        return _UTF8
    try:
        charset = Charset(encoding) if isinstance(encoding, str) else encoding
    except Exception as error:  # Charset() has errors of its own for names it cannot read
        raise _unknown(str(encoding)) from error
    if charset.header_encoding not in _METHODS:
        return _UTF8  # a charset that has no header encoding (US-ASCII) cannot write what needs one
    name = str(charset.output_charset or "us-ascii")
    for codec in (charset.output_codec, name):
        try:
            codecs.lookup(str(codec))
        except LookupError:
            continue
        return _HeaderCharset(name, str(codec), _METHODS[charset.header_encoding])
    raise _unknown(name)


def _unknown(encoding: str) -> BadHeaderError:
    return BadHeaderError(
        f"Python knows no encoding {excerpt(encoding)} to write a header in; name a codec, as 'utf-8'"
    )
