"""Lines of text: their width in columns, wrapping, and joining."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from aerogram.plaintext import marks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_LONGEST = 998  # octets of a line: RFC 5322, section 2.1.1
ROOM = 990  # octets of a line without its prefix
SHORT = ROOM // 4  # characters that are never too many octets
_COMBINING = "".join([char for char in map(chr, range(0x300, 0x1100)) if unicodedata.combining(char)])
# Alphabets from Latin to Georgian, punctuation and signs such as the euro: one column each, none combines.
_simple = re.compile(f"[^\x00-\x1f\u034f{_COMBINING}\u1100-\u1dff\u20d0-\u20ff\u2300-\U0010ffff]*").fullmatch
_is_east_asian = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]").match
_EAST_ASIAN_STOPS = "\u3001\u3002\uff0c\uff01\uff1f"  # no line may begin with one


def is_simple(text: str) -> bool:
    """Return whether every character is known to take one column."""
    # The second says whether all is Latin-1, faster than any pattern.
    return text.isascii() or len(text.encode("latin-1", "ignore")) == len(text) or _simple(text) is not None


def columns_of(text: str) -> int:
    """Return the columns of a text: two for wide East Asian characters, none for combining ones (UAX 11)."""
    return len(text) if is_simple(text) else sum(map(_columns_of_character, text))


def _columns_of_character(char: str) -> int:
    return 1 + (unicodedata.east_asian_width(char) in "WF") - (unicodedata.combining(char) > 0)


def wrap(text: str, width: int) -> list[str]:
    """Break a text at its spaces into lines of ``width`` columns, 0 for as many as mail allows.

    A word of East Asian characters may be broken between any two of them.
    """
    if len(text) <= width and len(text) <= SHORT and text.isascii():
        return [text]
    measure = len if is_simple(text) else columns_of
    if not width or measure(text) <= width:
        return cut(text, ROOM)
    if measure is len and text[0] != " " and "  " not in text:
        lines = _wrap_simple(text.rstrip(" "), width)
    else:
        lines = _wrap_words(text, width, measure)
    return lines if len(text) <= SHORT else [part for line in lines for part in cut(line, ROOM)]


def _wrap_simple(text: str, width: int) -> list[str]:
    """Break a simple text, whose words have single spaces between them."""
    lines = []
    start = 0
    while len(text) - start > width:
        end = text.rfind(" ", start, start + width + 1)
        if end < 0:  # a word that is longer than a line
            end = text.find(" ", start)
        if end < 0:
            break
        lines.append(text[start:end])
        start = end + 1
    return [*lines, text[start:]]


def _wrap_words(text: str, width: int, measure: Callable[[str], int]) -> list[str]:
    lines: list[str] = []
    line = ""
    taken = 0
    for word in text.rstrip(" ").split(" "):
        size = measure(word)
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
    """Return the parts of a word broken at ``room`` columns, then at ``width``, and the columns of each."""
    if "://" in word:
        return [(word, columns_of(word))]
    starts = list(accumulate(map(_columns_of_character, word), initial=0))
    parts = []
    start, end = 0, len(word)
    while start < end:
        stop = bisect_right(starts, starts[start] + room) - 1
        while start < stop < end and not _may_end(word, stop):
            stop -= 1
        if stop <= start and room == width:  # an unbreakable part is longer than a line
            stop = start + 1
            while stop < end and not _may_end(word, stop):
                stop += 1
        if stop > start:
            parts.append((word[start:stop], starts[stop] - starts[start]))
            start = stop
        room = width
    return parts


def _may_end(word: str, stop: int) -> bool:
    """Return whether a line may end before the character ``stop`` of a word."""
    if _is_east_asian(word[stop - 1]):
        return word[stop] not in _EAST_ASIAN_STOPS
    return _is_east_asian(word[stop]) is not None


def cut(line: str, limit: int = _LONGEST) -> list[str]:
    """Cut a line into lines of at most ``limit`` octets, at spaces where there are any."""
    parts = []
    while len(line) > SHORT and len(line.encode()) > limit:
        end = len(line.encode()[:limit].decode(errors="ignore"))
        space = line.rfind(" ", 1, end)
        if space > 0 and line[:space].strip(" >"):  # a prefix alone is no line
            end = space
        parts.append(line[:end].rstrip(" "))
        line = line[end:].lstrip(" ")
    return [*parts, line]


class FormattedLine(NamedTuple):
    """A line of an outline as text."""

    first: str  # the prefix of its first line
    text: str  # all its lines with their prefixes
    is_image: bool


def join_lines(lines: Sequence[FormattedLine]) -> str:
    """Join lines, and end with a newline.

    At most one empty line separates two, in the quote that both are in. An image whose caption is the same is
    left out.
    """
    repeated: set[int] = set()
    for index, line in enumerate(lines):
        if line.is_image and (caption := _caption(lines, index)):
            repeated.update(range(index, caption))
    joined: list[str] = []
    blank: str | None = None  # the quote of the last line, if that is empty
    last = ""  # the quote of the last line that is not
    for index, (first, text, _) in enumerate(lines):
        if index in repeated:
            continue
        quote = _quote(first) if first else ""
        if text and text.strip(" \n") != quote:
            if blank is not None and len(quote) < len(blank):
                joined[-1] = quote
            joined.append(text)
            blank, last = None, quote
        elif blank is None:
            joined.append(quote)
            blank = quote
        elif len(blank) < len(quote) <= len(last):  # html2text ends a list with a line of no quote
            joined[-1] = blank = quote
    if blank is not None:
        joined.pop()
    return finish("\n".join(joined))


def _caption(lines: Sequence[FormattedLine], image: int) -> int | None:
    """Return the index of the line that repeats the alternative text in line ``image``.

    It begins with the same, as a line of its own or as the label of a link.
    """
    first, text, _ = lines[image]
    for index in range(image + 1, len(lines)):
        line = lines[index]
        if line.text.strip(" \n") != _quote(line.first):
            is_same = line.text.startswith(text) and line.text[len(text) :][:1] in ("", "\n", ":")
            return index if is_same and line.first == first and not line.is_image else None
    return None


def _quote(first: str) -> str:
    return first[: first.rfind(">") + 1]


def finish(text: str) -> str:
    """Return lines as the text that is sent: none longer than mail allows, a newline at the end."""
    text = text.strip("\n").replace("\xa0", " ").replace(marks.FOOT, "-- ")
    if max(map(len, text.split("\n"))) > SHORT:
        text = "\n".join([part for line in text.split("\n") for part in cut(line)])
    return f"{text}\n" if text else ""
