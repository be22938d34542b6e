"""Set an outline as text: links, tables and lines, once every word is known."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from aerogram.plaintext import marks
from aerogram.plaintext.columns import cut, cut_text, fits, is_short, wrap
from aerogram.plaintext.grid import set_rows
from aerogram.plaintext.link import LINK, apart, set_link
from aerogram.plaintext.table import is_table, table_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aerogram.plaintext.outline import Line
    from aerogram.plaintext.table import Cell

__all__ = [
    "BREAKS",
    "SetLine",
    "finished",
    "following",
    "is_blank_line",
    "join_lines",
    "lay_out",
    "prefixed",
    "room_of",
    "set_line",
    "set_table",
    "set_text",
]

_MARK = re.compile("[\x00-\x09\x0b-\x1f]")
_STRAY = re.compile("[\x00-\x03\x05-\x09\x0b-\x1f]+")  # but not the mark of a break
BREAKS = re.compile(f"([{marks.BREAK}{marks.SOFT}])")
_TABLE = re.compile(f"({marks.TABLE_START}[^{marks.TABLE_END}]*{marks.TABLE_END})")


def lay_out(lines: Iterable[Line], width: int) -> str:
    """Return the text of an outline, wrapped at ``width`` columns (0: not wrapped)."""
    return join_lines(
        [
            SetLine(first, set_line(first, rest, content, width), is_picture)
            for first, rest, content, is_picture in lines
        ]
    )


class SetLine(NamedTuple):
    """A line of an outline that is set: the prefix of its first line, and its text, prefixes included."""

    first: str
    text: str
    is_picture: bool


def is_blank_line(first: str, text: str) -> bool:
    """Whether a set line shows nothing but the marks of the quote it is in."""
    return text.strip(" \n") == _quote(first)


def following(lines: Sequence[SetLine], place: int) -> int | None:
    """Return where the line stands that may say what the picture in line ``place`` has said."""
    for later in range(place + 1, len(lines)):
        if not is_blank_line(lines[later].first, lines[later].text):
            is_title = lines[later].first == lines[place].first and not lines[later].is_picture
            return later if is_title else None
    return None


def join_lines(lines: Sequence[SetLine]) -> str:
    """Join lines that are set, and end with a newline.

    One empty line at most stands between two, in the quote that both are in. A picture that says what the
    line behind it says is left out.
    """
    repeated: set[int] = set()
    for place, line in enumerate(lines):
        title = following(lines, place) if line.is_picture else None
        if title is not None and lines[title].text == line.text:
            repeated.update(range(place, title))  # the title stands where the picture did
    joined: list[str] = []
    last = "x"  # the quote that the last line was blank in, or what no quote is
    for place, (first, text, _) in enumerate(lines):
        if place in repeated:
            continue
        quote = _quote(first)
        blank = text.strip(" \n") == quote
        if last != "x" and len(quote) < len(last):
            joined[-1] = last = quote
        if not blank:
            joined.append(text)
            last = "x"
        elif last == "x":
            joined.append(quote)
            last = quote
    return finished("\n".join(joined))


def finished(text: str) -> str:
    """Return set lines as the text that is sent: no line longer than mail allows, a newline at the end."""
    text = text.strip("\n").replace("\xa0", " ")
    lines = text.split("\n")
    if not is_short(max(map(len, lines))):
        text = "\n".join([part for line in lines for part in cut(line)])
    return f"{text}\n" if text else ""


def _quote(first: str) -> str:
    return first[: first.rfind(">") + 1] if ">" in first else ""


def set_line(first: str, rest: str, content: str, width: int) -> str:
    """Set one line of an outline, as one or more lines of text."""
    room = room_of(rest, width)
    if not _MARK.search(content):
        if fits(content, room):
            return (first + content).rstrip()
        return prefixed(first, rest, wrap(content, room))
    if is_table(content):
        return set_table(first, rest, *table_rows(content), width)
    lines: list[str] = []
    for part in _TABLE.split(content):
        if part.startswith(marks.PRE):
            lines += (
                f"    {piece}".rstrip() for line in part[1:].split(marks.BREAK) for piece in cut_text(line)
            )
        elif part.startswith(marks.TABLE_START):
            lines += set_table("", "", *table_rows(part), room).split("\n")
        else:
            lines += _set_lines(part, room)
    return prefixed(first, rest, lines)


def set_table(first: str, rest: str, heads: int, rows: list[list[Cell]], width: int) -> str:
    """Set a table that is a line of an outline."""
    rows = [
        [cell._replace(text=set_text(cell.text)) if marks.LINK_START in cell.text else cell for cell in row]
        for row in rows
    ]
    lines = set_rows(heads, rows, room_of(rest, width))
    return prefixed(first, rest, lines)


def room_of(rest: str, width: int) -> int:
    """Return the columns that a prefix leaves of ``width``, 0 for any number."""
    return max(width - len(rest), 10) if width else 0


def prefixed(first: str, rest: str, lines: list[str]) -> str:
    """Return lines with a prefix before the first and another before the rest."""
    if not lines:
        return first.rstrip() if ">" in first else ""
    if not first and not rest:
        return "\n".join([line.rstrip() for line in lines])
    return "\n".join([(first + lines[0]).rstrip(), *[(rest + line).rstrip() for line in lines[1:]]])


def _set_lines(content: str, room: int) -> list[str]:
    """Set text with line breaks in it; a break behind another leaves an empty line."""
    content = content.replace(marks.KEEP, "")
    lines: list[str] = []
    ended = True  # whether the last line is over, so that a soft break has nothing to end
    for part in BREAKS.split(content):
        if part == marks.BREAK:
            if ended and lines and lines[-1]:
                lines.append("")
            ended = True
        elif part == marks.SOFT:
            ended = True
        elif text := set_text(part).strip(" "):
            lines += wrap(text, room)
            ended = False
    while lines and not lines[-1]:
        lines.pop()
    return lines


def set_text(text: str) -> str:
    """Set the links in a text."""
    if marks.LINK_START in text:
        text = LINK.sub(lambda found: set_link(found[1], found[2], marks.URL_END), text)
        return _STRAY.sub("", apart(text))
    return text
