"""Folding: header lines are cut at white space, so that unfolding them gives back every character.

RFC 5322 section 2.1.1: a line should have at most 78 characters and must have at most 998. A line with
encoded-words has at most 76 (RFC 2047 section 2). A line is cut only before white space that something
follows, and nothing is put in or taken out.
"""

from __future__ import annotations

import re

from aerogram.exceptions import BadHeaderError
from aerogram.mail.header.encoded_words import LINE_LIMIT

SOFT_LIMIT = 78
HARD_LIMIT = 998

# An unclosed quote stands for itself; a pair with a backslash is one piece, so that its end is sought once.
_QUOTED = r'"[^"\\]*(?:\\.[^"\\]*)*"|\\.'
_WORD = re.compile(r"[ \t]*[^ \t]+")
_TERM = re.compile(rf'[ \t]*(?:{_QUOTED}|[^ \t"]|")+')
_ENTRY = re.compile(rf'(?:{_QUOTED}|[^,"]|"|,(?![ \t]))+,?')


def fold(name: str, value: str, *, addresses: bool = False) -> str:
    """Return ``name: value`` in lines, with CRLF between and after them.

    ``value`` is printable ASCII on one line. ``addresses`` are folded after the commas of their list, and at
    white space outside quotes if need be. A word that is too long for any line raises BadHeaderError.
    """
    line = f"{name}: {value}"
    limit = LINE_LIMIT if "=?" in value else SOFT_LIMIT
    if len(line) <= limit:
        return line + "\r\n"
    term, entries = (_TERM, _ENTRY) if addresses else (_WORD, _WORD)
    # The first word stays beside the name: some readers take a first line without a value for empty.
    first = term.match(line, len(name) + 1)
    start = first.end() if first is not None else len(line)
    if value.startswith("=?") and start > limit >= start - len(name) - 1:
        start = len(name) + 1  # the word fits a line without the name
    # A pattern that begins with white space would look at a long run of it once for each of its characters.
    end = len(line.rstrip(" \t"))
    words = [line[:start]]
    for entry in entries.findall(line, start, end):
        words += [entry] if len(entry) <= limit else term.findall(entry)
    return _lines(name, line, words, limit)


def _lines(name: str, line: str, words: list[str], limit: int) -> str:
    """Fill lines with words that carry the white space before them."""
    lines = []
    start = position = 0
    for word in words:
        end = position + len(word)
        if end - start > limit and position and word[0] in " \t" and not word.isspace():
            lines.append(line[start:position])
            start = position
        position = end
    lines.append(line[start:])  # with the white space at the end, which is no word
    if max(map(len, lines)) > HARD_LIMIT:
        raise BadHeaderError(
            f"Header {name!r} has a word that does not fit a line of {HARD_LIMIT} octets "
            f"and cannot be cut; shorten it"
        )
    return "\r\n".join(lines) + "\r\n"
