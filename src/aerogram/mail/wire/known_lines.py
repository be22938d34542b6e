"""Lines of text that came up before, encoded once.

Messages made by one template differ in a few lines and have all others in common. Quoted-printable encodes
each line by itself (RFC 2045 section 6.7), so the lines of a text that are known need not be encoded again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aerogram.mail.wire.transfer_encoding import to_quoted_printable

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["KnownLines"]

_SHORT = 4096  # characters of a text that is encoded as fast as its lines are found
_SAMPLE = 6  # lines of a text that are looked for before all of them are
_FEW = 4  # one line in that many may be a text's own; with more, encoding the text as a whole is faster
_LONG = 1024  # characters of a line too long to keep
_MOST_SEEN = 16_384  # lines whose hash is remembered


class KnownLines:
    """Encodes texts line by line, and keeps the lines that several of them had.

    A text that has nothing in common with earlier ones costs a few microseconds, and leaves the hashes of
    some of its lines. Safe under threads: each step on the set and the dict is atomic, and where another
    thread has dropped a line meanwhile, the text is left to the caller.

    Args:
        limit: characters and octets that are kept; then all are dropped, and a batch that goes on soon has
            its own back.

    >>> lines = KnownLines(limit=100_000)
    >>> texts = ["Grüße aus Überlingen!\\n" * 300 + f"No. {number}\\n" for number in range(3)]
    >>> [lines.quoted_printable(text) is not None for text in texts]
    [False, True, True]
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._known: dict[str, bytes] = {}
        self._seen: set[int] = set()

    def quoted_printable(self, text: str) -> bytes | None:
        """Return ``text`` in quoted-printable, line ends as CRLF.

        ``None`` where too few of its lines are known, where base64 may suit it better, or where a line cannot
        be encoded by itself: it holds a CR, or half of a surrogate pair.
        """
        if len(text) < _SHORT or "\r" in text or not self._is_familiar(text):
            return None
        try:
            encoded = self._encoded(text.split("\n"))
        except (KeyError, UnicodeEncodeError):
            return None
        return encoded if encoded is not None and _is_readable(encoded, text) else None

    def _is_familiar(self, text: str) -> bool:
        """Tell by a few lines whether it is worth while to look for them all."""
        sample = _sample(text)
        new = [line for line in sample if line not in self._known and hash(line) not in self._seen]
        self._see(new)
        return len(new) * _FEW < len(sample)

    def _encoded(self, lines: list[str]) -> bytes | None:
        encoded: list[Any] = list(map(self._known.get, lines))
        gaps = [place for place, line in enumerate(encoded) if line is None]
        if gaps:
            unknown = {lines[gap] for gap in gaps}
            again = {line for line in unknown if len(line) <= _LONG and hash(line) in self._seen}
            self._see(unknown)
            for line in again:
                self._keep(line)
            unknown -= again
            if len(unknown) * _FEW > len(lines):
                return None
            own = {line: to_quoted_printable(line.encode()) for line in unknown}
            for gap in gaps:
                line = lines[gap]
                encoded[gap] = own[line] if line in own else self._known[line]
        return b"\r\n".join(encoded)

    def _see(self, lines: Iterable[str]) -> None:
        if len(self._seen) > _MOST_SEEN:
            self._seen.clear()
        self._seen.update(map(hash, lines))

    def _keep(self, line: str) -> None:
        if self._size > self._limit:
            self._known.clear()
            self._size = 0
        self._known[line] = encoded = to_quoted_printable(line.encode())
        self._size += len(line) + len(encoded)


def _sample(text: str) -> list[str]:
    """Return lines from all over the text, long ones not among them."""
    places = range(0, len(text), len(text) // _SAMPLE + 1)
    starts = [text.find("\n", place, place + _LONG) + 1 for place in places]
    ends = [text.find("\n", start, start + _LONG) for start in starts]
    return [text[start:end] for start, end in zip(starts, ends, strict=True) if end >= 0]


def _is_readable(encoded: bytes, text: str) -> bool:
    """Tell whether surely at most two fifths of the octets are escapes, each of which added two octets."""
    return (len(encoded) - len(text)) * 5 <= len(text) * 4
