"""How wide a text is in columns, and how it is broken into lines of so many."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["columns_of", "fits", "is_simple", "wrap"]

_LONGEST = 990  # octets of a line before it is cut: RFC 5322 2.1.1 has 998, and a prefix may stand before it
_SHORT = _LONGEST // 4  # characters of a line that are never too many octets
# Latin, Greek, Cyrillic, Hebrew, punctuation and signs such as the euro: one column each, none combining.
_simple = re.compile("[ -\u02ff\u0370-\u0482\u048a-\u0590\u1e00-\u1fff\u2010-\u20cf\u2100-\u22ff]*").fullmatch
_EAST_ASIAN = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef"
_EAST_ASIAN_PIECES = re.compile(f"[{_EAST_ASIAN}][\u3001\u3002\uff0c\uff01\uff1f]*|[^{_EAST_ASIAN}]+")


def is_simple(text: str) -> bool:
    """Whether every character of the text is sure to take one column."""
    return text.isascii() or _simple(text) is not None


def columns_of(text: str) -> int:
    """Return how many columns a text takes: wide East Asian characters two, combining ones none (UAX 11)."""
    if is_simple(text):
        return len(text)
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(unicodedata.combining(char) > 0 for char in text)


def fits(text: str, width: int) -> bool:
    """Whether a text is sure to stand on one line, as :func:`wrap` would have it: the quick look."""
    size = len(text)
    return size <= width and size <= _SHORT and (2 * size <= width or is_simple(text))


def wrap(text: str, width: int) -> list[str]:
    """Break a text into lines of ``width`` columns (0: any) at its spaces, never inside a word.

    A word of East Asian characters may be broken between any two of them; a line longer than mail allows is
    cut where it must be.
    """
    if not width:
        lines = [text]
    elif is_simple(text):
        lines = [text] if len(text) <= width else _wrap_simple(text, width)
    else:
        lines = _wrap_wide(text, width)
    if len(text) > _SHORT:
        return [part for line in lines for part in _cut(line)]
    return lines


def _wrap_simple(text: str, width: int) -> list[str]:
    lines = []
    start, end = 0, len(text)
    while end - start > width:
        space = text.rfind(" ", start, start + width + 1)
        if space <= start:  # the word is longer than a line: it stands alone
            space = text.find(" ", start + width)
            if space < 0:
                break
        lines.append(text[start:space])
        start = space + 1
        while start < end and text[start] == " ":
            start += 1
    lines.append(text[start:])
    return lines


def _wrap_wide(text: str, width: int) -> list[str]:
    lines: list[str] = []
    line = ""
    taken = 0
    for word in text.split(" "):
        for number, piece in enumerate(_pieces(word, width)):
            size = columns_of(piece)
            space = 1 if line and not number else 0
            if line and taken + space + size > width:
                lines.append(line)
                line, taken, space = "", 0, 0
            line += " " * space + piece
            taken += space + size
    return [*lines, line]


def _pieces(word: str, width: int) -> Iterable[str]:
    """Return what a line may be broken between: a whole word, or the characters of a long East Asian one."""
    if columns_of(word) <= width or "://" in word:
        return (word,)
    return _EAST_ASIAN_PIECES.findall(word)


def _cut(line: str) -> list[str]:
    """Cut a line that no server would take, at the last space before the limit or else where it must be."""
    parts = []
    while len(line) > _SHORT and len(line.encode()) > _LONGEST:
        end = len(line.encode()[:_LONGEST].decode(errors="ignore"))
        space = line.rfind(" ", 1, end)
        end = space if space > 0 else end
        parts.append(line[:end])
        line = line[end:].lstrip(" ")
    return [*parts, line]
