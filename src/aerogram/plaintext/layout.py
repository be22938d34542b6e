"""Set an outline as text: links, tables and lines, once every word is known."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from aerogram.plaintext import marks
from aerogram.plaintext.table import set_table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aerogram.plaintext.outline import Line

__all__ = ["join_lines", "lay_out", "set_line"]

_LINK = re.compile(
    f"{marks.LINK_START}([^{marks.LINK_START}-{marks.LINK_END}]*){marks.LINK_URL}"
    f"([^{marks.LINK_START}-{marks.LINK_END}]*){marks.LINK_END}"
)
_MARK = re.compile("[\x00-\x09\x0b-\x1f]")
_STRAY = re.compile("[\x00-\x09\x0b-\x1f]+")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_NOT_FOR_READERS = frozenset(("javascript", "data", "vbscript", "about", "blob", "file"))
_LONGEST = 990  # octets of a line before it is cut: RFC 5322 2.1.1 has 998, and a prefix may stand before it


def lay_out(lines: Iterable[Line], width: int) -> str:
    """Return the text of an outline, wrapped at ``width`` columns (0: not wrapped)."""
    return join_lines(set_line(line.first, line.rest, line.content, width) for line in lines)


def join_lines(lines: Iterable[str]) -> str:
    """Join lines that are set, with one empty line at most between two, and a newline at the end."""
    joined: list[str] = []
    last = ""
    for line in lines:
        if line.strip("> \n") or line.strip("> ") != last.strip("> ") or line.count(">") != last.count(">"):
            joined.append(line)
            last = line
    text = "\n".join(joined).strip("\n").replace("\xa0", " ")
    return f"{text}\n" if text else ""


def set_line(first: str, rest: str, content: str, width: int) -> str:
    """Set one line of an outline, as one or more lines of text."""
    if not _MARK.search(content):
        if (width and len(content) + len(first) > width) or not content.isascii():
            return _prefixed(first, rest, _wrap(content, max(width - len(rest), 10) if width else 0))
        return (first + content).rstrip()
    room = max(width - len(rest), 10) if width else 0
    lines: list[str] = []
    for part in re.split(f"({marks.TABLE_START}[^{marks.TABLE_END}]*{marks.TABLE_END})", content):
        if part.startswith(marks.PRE):
            lines += (f"    {line}".rstrip() for line in part[1:].split(marks.BREAK))
        elif part.startswith(marks.TABLE_START):
            lines += set_table(part[1:-1], room, _set_text, _columns, _wrap)
        else:
            lines += _set_lines(part, room)
    return _prefixed(first, rest, lines)


def _prefixed(first: str, rest: str, lines: list[str]) -> str:
    if not lines:
        return first.rstrip() if ">" in first else ""
    return "\n".join([(first + lines[0]).rstrip(), *((rest + line).rstrip() for line in lines[1:])])


def _set_lines(content: str, room: int) -> list[str]:
    """Set text with line breaks in it; a break behind another leaves an empty line."""
    lines: list[str] = []
    ended = True  # whether the last line is over, so that a soft break has nothing to end
    for part in re.split(f"([{marks.BREAK}{marks.SOFT}])", content):
        if part == marks.BREAK:
            if ended and lines and lines[-1]:
                lines.append("")
            ended = True
        elif part == marks.SOFT:
            ended = True
        elif text := _set_text(part).strip(" "):
            lines += _wrap(text, room)
            ended = False
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _set_text(text: str) -> str:
    """Set the links in a text."""
    if marks.LINK_START in text:
        text = _LINK.sub(_set_link, text)
    return _STRAY.sub("", text)


def _set_link(found: re.Match[str]) -> str:
    label, url = found[1].strip(" "), found[2]
    scheme = _SCHEME.match(url)
    kind = scheme[1].lower() if scheme else ""
    shown = url
    if kind in ("mailto", "tel", "sms"):
        shown = url[len(kind) + 1 :].split("?", 1)[0]
        if kind != "mailto" and re.sub(r"\D", "", shown) == re.sub(r"\D", "", label):
            shown = label
    if not url or url.startswith("#") or kind in _NOT_FOR_READERS:
        shown = label
    shown = _STRAY.sub("", shown)
    if not label or _same(label, shown):
        text = shown
    else:
        text = f"{label}{' ' if label.endswith(':') else ': '}{shown}"
    before = " " if found[1].startswith(" ") else ""
    return before + text + (" " if found[1].endswith(" ") else "")


def _same(label: str, url: str) -> bool:
    return _bare(label) == _bare(url)


def _bare(url: str) -> str:
    return re.sub(r"^(?:https?://)?(?:www\.)?", "", url.strip().lower()).rstrip("/")


def _columns(text: str) -> int:
    """Return how many columns a text takes: wide East Asian characters two, combining ones none (UAX 11)."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(unicodedata.combining(char) > 0 for char in text)


def _wrap(text: str, width: int) -> list[str]:
    """Break a text into lines at its spaces; never inside a word, but between wide characters."""
    if not width or (len(text) <= width and text.isascii()):
        return _cut(text) if len(text) > _LONGEST // 4 else [text]
    lines: list[str] = []
    line = ""
    taken = 0
    for word in text.split(" "):
        for number, piece in enumerate(_pieces(word, width)):
            size = _columns(piece)
            space = 1 if line and not number else 0
            if line and taken + space + size > width:
                lines.append(line)
                line, taken, space = "", 0, 0
            line += " " * space + piece
            taken += space + size
    lines.append(line)
    return [part for whole in lines for part in _cut(whole)]


def _pieces(word: str, width: int) -> Iterable[str]:
    """Return what a line may be broken between: a whole word, or the characters of a long East Asian one."""
    if word.isascii() or _columns(word) <= width or "://" in word:
        return (word,)
    return re.findall(
        "[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef][\u3001\u3002\uff0c\uff01\uff1f]?|[^\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]+",
        word,
    )


def _cut(line: str) -> list[str]:
    """Cut a line that no server would take, at the last space before the limit or else where it must be."""
    parts = []
    while len(line) > _LONGEST // 4 and len(line.encode()) > _LONGEST:
        end = len(line.encode()[:_LONGEST].decode(errors="ignore"))
        end = line.rfind(" ", 1, end) if " " in line[1:end] else end
        parts.append(line[:end])
        line = line[end:].lstrip(" ")
    return [*parts, line]
