"""How wide a text is in columns, and how it is broken into lines of so many."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from functools import lru_cache
from itertools import accumulate

__all__ = ["columns_of", "cut", "cut_text", "fits", "is_short", "is_simple", "wrap"]

_LONGEST = 998  # octets of a line: RFC 5322 2.1.1
_ROOM = 990  # of them for the text, as a prefix may stand before it
_SHORT = _ROOM // 4  # characters of a line that are never too many octets
_COMBINING = "".join([char for char in map(chr, range(0x300, 0x1100)) if unicodedata.combining(char)])
# Alphabets from Latin to Georgian, punctuation and signs such as the euro: one column each, none combining.
_simple = re.compile(f"[^\x00-\x1f{_COMBINING}\u1100-\u1dff\u20d0-\u20ff\u2300-\U0010ffff]*").fullmatch
_is_east_asian = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]").match
_EAST_ASIAN_STOPS = "\u3001\u3002\uff0c\uff01\uff1f"  # no line begins with one


def is_simple(text: str) -> bool:
    """Whether every character of the text is sure to take one column."""
    return text.isascii() or _simple(text) is not None


def columns_of(text: str) -> int:
    """Return how many columns a text takes: wide East Asian characters two, combining ones none (UAX 11)."""
    return len(text) if is_simple(text) else sum(map(_columns_of_character, text))


@lru_cache(maxsize=16384)
def _columns_of_character(char: str) -> int:
    return 1 + (unicodedata.east_asian_width(char) in "WF") - (unicodedata.combining(char) > 0)


def is_short(size: int) -> bool:
    """Whether a line of so many characters is sure not to be too long for mail."""
    return size <= _SHORT


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
        return [part for line in lines for part in cut_text(line)]
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
        size = columns_of(word)
        space = 1 if line else 0
        parts = [(word, size)] if size <= width else _broken(word, width - taken - space, width)
        for part, columns in parts:
            if line and taken + space + columns > width:
                lines.append(line)
                line, taken, space = "", 0, 0
            line += " " * space + part
            taken += space + columns
            space = 0
    return [*lines, line]


def _broken(word: str, room: int, width: int) -> list[tuple[str, int]]:
    """Break a word between East Asian characters: what fits into ``room`` columns, then ``width`` at a time.

    Each part comes with its columns.
    """
    if "://" in word:
        return [(word, columns_of(word))]
    starts = list(accumulate(map(_columns_of_character, word), initial=0))
    parts = []
    start, end = 0, len(word)
    while start < end:
        stop = bisect_right(starts, starts[start] + room) - 1
        while start < stop < end and not _may_end(word, stop):
            stop -= 1
        if stop <= start and room == width:  # what must not be broken is longer than a line
            stop = start + 1
            while stop < end and not _may_end(word, stop):
                stop += 1
        if stop > start:
            parts.append((word[start:stop], starts[stop] - starts[start]))
            start = stop
        room = width
    return parts


def _may_end(word: str, stop: int) -> bool:
    """Whether a line may end before the character ``stop`` of a word."""
    if _is_east_asian(word[stop - 1]):
        return word[stop] not in _EAST_ASIAN_STOPS
    return _is_east_asian(word[stop]) is not None


def cut_text(text: str) -> list[str]:
    """Cut a text that no server would take as a line: at the last space in the limit, or where it must be."""
    return [text] if len(text) <= _SHORT else cut(text, _ROOM)


def cut(line: str, limit: int = _LONGEST) -> list[str]:
    """Cut a finished line into lines of ``limit`` octets at most."""
    parts = []
    while len(line) > _SHORT and len(line.encode()) > limit:
        end = len(line.encode()[:limit].decode(errors="ignore"))
        space = line.rfind(" ", 1, end)
        if space > 0 and line[:space].strip(" >"):  # a prefix alone is no line
            end = space
        parts.append(line[:end].rstrip(" "))
        line = line[end:].lstrip(" ")
    return [*parts, line]
