"""Text as RFC 2047 encoded-words, for what a header cannot hold in ASCII.

An encoded-word is at most 75 characters long and holds whole characters of the text. It is written in the
shorter of the "Q" and "B" encodings unless the charset prescribes one. Some readers stop at the padding of
base64, so only the last word of a sequence has any. White space belongs to the encoded text, so none is lost
or gained where two words meet.
"""

from __future__ import annotations

import codecs
import re
from binascii import b2a_base64
from bisect import bisect_right
from email.charset import BASE64, QP, SHORTEST, Charset
from email.header import decode_header, make_header
from typing import TYPE_CHECKING, NamedTuple

from aerogram.exceptions import BadHeaderError
from aerogram.mail.characters import excerpt

if TYPE_CHECKING:
    from collections.abc import Callable

WORD_LIMIT = 75  # RFC 2047 section 2
LINE_LIMIT = 76  # the same, of a line with encoded-words
_LEAST_ROOM = 24  # one character of any charset in "Q", with the escape sequences of ISO-2022
_ENCODED_WORD = r"=\?[^?\s]{1,40}\?[bBqQ]\?[^?\s]+\?="
_SEQUENCE = re.compile(rf"(?<![^ ]){_ENCODED_WORD}(?: +{_ENCODED_WORD})*(?![^ ])")

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
    """Write ``text`` as encoded-words, to be joined by white space.

    Args:
        text: characters without controls; white space is kept as it is.
        encoding: a charset's name or an ``email.charset.Charset``; what it cannot express
            is written in UTF-8.
        used: characters before the first word on its line; too many are taken for a line of their own.

    Returns:
        One word at least, each at most 75 characters long.

    Raises:
        BadHeaderError: Python knows no codec of that name.

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


def with_short_words(value: str, used: int) -> str:
    """Cut anew the sequences that hold a word which is too long, ``used`` characters before the value."""

    def cut(sequence: re.Match[str]) -> str:
        words = sequence[0].split()
        before = used if sequence.start() == 0 and used < LINE_LIMIT - _LEAST_ROOM else 0
        if max(before + 1 + len(words[0]), *map(len, words)) <= LINE_LIMIT:
            return sequence[0]
        try:
            text = str(make_header(decode_header(sequence[0])))
            return " ".join(encoded_words(text, words[0][2:].partition("?")[0], used=before))
        except (ValueError, LookupError):
            return sequence[0]  # not one of ours; a reader may know its charset

    return _SEQUENCE.sub(cut, value)


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
