"""The layout of an outline as text: links, tables and lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aerogram.plaintext import marks
from aerogram.plaintext.grid import arrange
from aerogram.plaintext.link import format_links
from aerogram.plaintext.table import parse_table
from aerogram.plaintext.width import ROOM, FormattedLine, columns_of, cut, join_lines, wrap

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aerogram.plaintext.outline import Line

_MARK = re.compile("[\x00-\x09\x0b-\x1f]")
_TABLE = re.compile(f"({marks.TABLE_START}[^{marks.TABLE_END}]*{marks.TABLE_END})")


def lay_out(lines: Iterable[Line], width: int) -> str:
    """Return the text of an outline, wrapped at ``width`` columns (0 for no wrapping)."""
    return join_lines(
        [
            FormattedLine(first, format_line(first, rest, content, width), is_image)
            for first, rest, content, is_image in lines
        ]
    )


def format_line(first: str, rest: str, content: str, width: int) -> str:
    """Return one line of an outline as one or more lines of text."""
    room = room_of(rest, width)
    if not _MARK.search(content):
        return prefixed(first, rest, wrap(content, room))
    if content.startswith(marks.HEAD):
        return prefixed(first, rest, _underlined(_format_text(content[1:], room), room))
    lines: list[str] = []
    for part in _TABLE.split(content):
        if part.startswith(marks.PRE):
            texts = format_links(part[1:]).split(marks.BREAK)
            lines += [f"    {piece}" for text in texts for piece in cut(text, ROOM)]
        elif part.startswith(marks.TABLE_START):
            grid, texts = arrange(*parse_table(part))
            lines += grid.format(list(map(format_links, texts)), room)
        else:
            lines += _format_text(part, room)
    return prefixed(first, rest, lines)


def _underlined(lines: list[str], room: int) -> list[str]:
    """Return the lines of a heading with a line under them."""
    longest = max(map(columns_of, lines), default=0)
    return [*lines, "-" * min(longest, room or longest)] if lines else []


def room_of(rest: str, width: int) -> int:
    """Return the columns of ``width`` that a prefix leaves (0 for any number)."""
    return max(width - len(rest), 10) if width else 0


def prefixed(first: str, rest: str, lines: list[str]) -> str:
    """Return lines with one prefix before the first and another before the rest."""
    if not lines:
        return first.rstrip() if ">" in first else ""
    if not first:
        return lines[0].rstrip() if len(lines) == 1 else "\n".join([line.rstrip() for line in lines])
    return "\n".join([(first + lines[0]).rstrip(), *[(rest + line).rstrip() for line in lines[1:]]])


def _format_text(content: str, room: int) -> list[str]:
    """Return text with line breaks in it as lines; a break behind another leaves an empty line."""
    lines: list[str] = []
    for between in content.replace(marks.KEEP, "").replace(marks.KEEP_SPACES, "").split(marks.BREAK):
        texts = [format_links(text).strip(" ") for text in between.split(marks.SOFT)]
        lines += [line for text in texts if text for line in wrap(text, room)]
        if not texts[-1] and lines and lines[-1]:
            lines.append("")
    while lines and not lines[-1]:
        lines.pop()
    return lines
