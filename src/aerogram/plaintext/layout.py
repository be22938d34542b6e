"""Set an outline as text: links, tables and lines, once every word is known."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aerogram.plaintext import marks
from aerogram.plaintext.columns import fits, wrap
from aerogram.plaintext.table import is_table, set_rows, table_rows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aerogram.plaintext.outline import Line
    from aerogram.plaintext.table import Cell

__all__ = [
    "BREAKS",
    "LINK",
    "is_blank_line",
    "join_lines",
    "lay_out",
    "prefixed",
    "room_of",
    "set_line",
    "set_link",
    "set_table",
    "set_text",
]

LINK = re.compile(
    f"{marks.LINK_START}([^{marks.LINK_START}-{marks.LINK_END}]*){marks.LINK_URL}"
    f"([^{marks.LINK_START}-{marks.LINK_END}]*){marks.LINK_END}"
)
_MARK = re.compile("[\x00-\x09\x0b-\x1f]")
_STRAY = re.compile("[\x00-\x03\x05-\x09\x0b-\x1f]+")  # but not the mark of a break
BREAKS = re.compile(f"([{marks.BREAK}{marks.SOFT}])")
_TABLE = re.compile(f"({marks.TABLE_START}[^{marks.TABLE_END}]*{marks.TABLE_END})")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_NOT_FOR_READERS = frozenset(("javascript", "data", "vbscript", "about", "blob", "file"))


def lay_out(lines: Iterable[Line], width: int) -> str:
    """Return the text of an outline, wrapped at ``width`` columns (0: not wrapped)."""
    return join_lines((line.first, set_line(line.first, line.rest, line.content, width)) for line in lines)


def is_blank_line(first: str, text: str) -> bool:
    """Whether a set line shows nothing but the marks of the quote it is in."""
    return text.strip(" \n") == _quote(first)


def join_lines(lines: Iterable[tuple[str, str]]) -> str:
    """Join lines that are set, each with its prefix, and end with a newline.

    One empty line at most stands between two, in the quote that both are in.
    """
    joined: list[str] = []
    last = "x"  # the quote that the last line was blank in, or what no quote is
    for first, text in lines:
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
    text = "\n".join(joined).strip("\n").replace("\xa0", " ")
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
            lines += (f"    {line}".rstrip() for line in part[1:].split(marks.BREAK))
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
        text = LINK.sub(lambda found: set_link(found[1], found[2]), text)
        return _STRAY.sub("", text)
    return text


def set_link(label: str, url: str) -> str:
    """Return a link as a person writes it, label and whole URL; white space around the label stays."""
    name = label.strip(" ")
    shown = url if url.startswith(("https://", "http://")) else _shown(url, name)
    text = f"{name}{' ' if name.endswith(':') else ': '}{shown}" if name and not _same(name, shown) else shown
    if name == label:
        return text
    return f"{' ' if label.startswith(' ') else ''}{text}{' ' if label.endswith(' ') else ''}"


def _shown(url: str, label: str) -> str:
    """Return what a reader needs of a URL: nothing but the label where it leads nowhere."""
    scheme = _SCHEME.match(url)
    kind = scheme[1].lower() if scheme else ""
    if not url or url.startswith("#") or kind in _NOT_FOR_READERS:
        return label
    if kind not in ("mailto", "tel", "sms"):
        return url
    shown = url[len(kind) + 1 :].split("?", 1)[0]
    if kind != "mailto" and re.sub(r"\D", "", shown) == re.sub(r"\D", "", label):
        return label
    return shown


def _same(label: str, url: str) -> bool:
    if label == url:
        return True
    if " " in label and " " not in url:
        return False
    # A label that leaves out https://www. and the last slash is 13 characters shorter.
    return abs(len(url) - len(label)) <= 13 and _bare(label) == _bare(url)


def _bare(url: str) -> str:
    return re.sub(r"^(?:https?://)?(?:www\.)?", "", url.strip().lower()).rstrip("/")
