"""The text part of a page with gaps for its values: what is set already, and what waits for them."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from aerogram.plaintext import marks
from aerogram.plaintext.columns import wrap
from aerogram.plaintext.layout import (
    BREAKS,
    LINK,
    is_blank_line,
    join_lines,
    prefixed,
    room_of,
    set_line,
    set_link,
    set_table,
    set_text,
)
from aerogram.plaintext.table import Cell, Grid, is_table, lines_of, table_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aerogram.plaintext.outline import Line

__all__ = ["TextForm", "text_form"]

_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#34;", '"'), ("&#39;", "'"), ("&amp;", "&"))
_WORDS, _URL, _PRE = "words", "url", "pre"
_CLEANERS = {_WORDS: marks.clean, _URL: marks.clean_url, _PRE: marks.clean_pre_lines}


class Gap(NamedTuple):
    """A place for a value in the text part: which, and cleaned as what."""

    number: int
    manner: str


Parts = tuple[str | int, ...]  # text, and the numbers of gaps


class OpenLink(NamedTuple):
    """A link that waits for values."""

    label: Parts
    url: Parts


Segment = tuple[str | int | OpenLink, ...]


@dataclass(frozen=True, slots=True)
class OpenLine:
    """A line of the outline that waits for values.

    ``segments`` are the lines between its breaks (an empty one is left blank) when it holds nothing but text
    and links; the layout sets the rest from ``parts``.
    """

    first: str
    rest: str
    parts: Parts
    segments: tuple[Segment, ...]

    def set(self, words: list[str], width: int) -> str:
        """Return the line as text."""
        room = room_of(self.rest, width)
        lines: list[str] = []
        for segment in self.segments:
            text = "".join([part if isinstance(part, str) else _set(part, words) for part in segment]).strip(
                " "
            )
            if segment and not text:
                break
            if 2 * len(text) <= room or (len(text) <= room and text.isascii()):
                lines.append(text)
            else:
                lines += wrap(text, room)
        else:
            if lines:
                return prefixed(self.first, self.rest, lines)
        return set_line(self.first, self.rest, _joined(self.parts, words), width)


def _set(part: int | OpenLink, words: list[str]) -> str:
    if isinstance(part, int):
        return words[part]
    return set_link(_joined(part.label, words), _joined(part.url, words))


@dataclass(frozen=True, slots=True)
class OpenTable:
    """A table of the outline that waits for values: its lines, and where its cells stand in the columns."""

    first: str
    rest: str
    heads: int
    rows: tuple[tuple[tuple[Cell, Parts], ...], ...]
    grid: Grid
    texts: tuple[str | int | Parts, ...]  # of all cells, line by line

    def set(self, words: list[str], width: int) -> str:
        """Return the table as text."""
        texts = [
            text
            if isinstance(text, str)
            else words[text]
            if isinstance(text, int)
            else set_text(_joined(text, words))
            for text in self.texts
        ]
        lines = self.grid.set_simple(texts, room_of(self.rest, width))
        if lines is not None:
            return prefixed(self.first, self.rest, lines)
        rows = [[cell._replace(text=_joined(parts, words)) for cell, parts in row] for row in self.rows]
        return set_table(self.first, self.rest, self.heads, rows, width)


@dataclass(frozen=True, slots=True)
class TextForm:
    """The text part: text that is set already, and lines to set once their values are known."""

    lines: tuple[Line | OpenLine | OpenTable, ...]  # the whole outline
    pieces: tuple[str | OpenLine | OpenTable, ...]  # the same joined: set text between what is open
    gaps: tuple[Gap, ...]
    width: int

    def fill(self, values: Sequence[str]) -> str:
        """Return the text part with ``values`` in it."""
        words = []
        for number, manner in self.gaps:
            value = values[number]
            # Most values are plain: nothing to unescape, nothing that cleaning would change.
            if (
                "&" in value
                or not value.isascii()
                or not value.isprintable()
                or "  " in value
                or manner != _WORDS
            ):
                value = _CLEANERS[manner](_unescaped(value))
            words.append(value)
        texts = []
        for piece in self.pieces:
            if isinstance(piece, str):
                texts.append(piece)
                continue
            text = piece.set(words, self.width)
            if is_blank_line(piece.first, text):
                return self._fill_slowly(words)
            texts.append(text)
        text = "\n".join(texts).strip("\n").replace("\xa0", " ")
        return f"{text}\n" if text else ""

    def _fill_slowly(self, words: list[str]) -> str:
        """Fill in values that leave a line blank, so that the lines around it meet."""
        return join_lines(
            (
                line.first,
                set_line(*line, self.width) if isinstance(line, tuple) else line.set(words, self.width),
            )
            for line in self.lines
        )


_MORE_THAN_LINKS = re.compile(f"[{marks.PRE}{marks.TABLE_START}]")
_OPEN = "\x7f"  # no set text holds it: clean() takes it out


def text_form(lines: Sequence[Line], slot: re.Pattern[str], width: int) -> TextForm:
    """Set all of an outline that no value is in, and prepare the rest."""
    gaps: dict[Gap, int] = {}
    whole = [_opened(line, slot, gaps) if slot.search(line.content) else line for line in lines]
    opened = [line for line in whole if not isinstance(line, tuple)]
    numbers = itertools.count()
    # Joined as the layout joins them, the open ones (never blank here) included; then taken apart again.
    text = join_lines(
        (line.first, set_line(*line, width) if isinstance(line, tuple) else _OPEN) for line in whole
    )
    pieces: list[str | OpenLine | OpenTable] = []
    closed: list[str] = []
    for piece in text.removesuffix("\n").split("\n"):
        if piece != _OPEN:
            closed.append(piece)
            continue
        if closed:
            pieces.append("\n".join(closed))
            closed = []
        pieces.append(opened[next(numbers)])
    if closed:
        pieces.append("\n".join(closed))
    return TextForm(tuple(whole), tuple(pieces), tuple(gaps), width)


def _opened(line: Line, slot: re.Pattern[str], gaps: dict[Gap, int]) -> OpenLine | OpenTable:
    if not is_table(line.content):
        parts = _parts(line.content, slot, gaps)
        return OpenLine(line.first, line.rest, parts, _segments(line.content, slot, gaps))
    heads, rows = table_rows(line.content)
    by_line = [lines_of(row) for row in rows]
    return OpenTable(
        line.first,
        line.rest,
        heads,
        tuple(tuple((cell, _parts(cell.text, slot, gaps)) for cell in row) for row in rows),
        Grid.of(heads, by_line),
        tuple(_text_of(cell, slot, gaps) for lines in by_line for cells in lines for cell in cells),
    )


def _segments(content: str, slot: re.Pattern[str], gaps: dict[Gap, int]) -> tuple[Segment, ...]:
    """Cut the content of a line at its breaks as the layout does; nothing when it holds more than links."""
    if _MORE_THAN_LINKS.search(content):
        return ()
    segments: list[Segment] = []
    ended = True
    for text in BREAKS.split(content):
        if text in (marks.BREAK, marks.SOFT):
            if text == marks.BREAK and ended and segments and segments[-1]:
                segments.append(())
            ended = True
        elif slot.search(text):
            segments.append(_with_links(text, slot, gaps))
            ended = False
        elif shown := set_text(text).strip(" "):
            segments.append((shown,))
            ended = False
    while segments and not segments[-1]:
        segments.pop()
    return tuple(segments)


def _with_links(text: str, slot: re.Pattern[str], gaps: dict[Gap, int]) -> Segment:
    parts: list[str | int | OpenLink] = []
    end = 0
    for link in LINK.finditer(text):
        parts += _parts(text[end : link.start()], slot, gaps)
        if slot.search(link[0]):
            parts.append(OpenLink(_parts(link[1], slot, gaps), _parts(link[2], slot, gaps, in_url=True)))
        else:
            parts.append(set_text(link[0]))
        end = link.end()
    return (*parts, *_parts(text[end:], slot, gaps))


def _text_of(cell: Cell, slot: re.Pattern[str], gaps: dict[Gap, int]) -> str | int | Parts:
    """Return the text of a cell of one line, as far as it is known."""
    if not slot.search(cell.text):
        return set_text(cell.text)
    parts = _parts(cell.text, slot, gaps)
    return parts[0] if len(parts) == 1 else parts


def _joined(parts: Parts, words: list[str]) -> str:
    return "".join([part if isinstance(part, str) else words[part] for part in parts])


def _parts(content: str, slot: re.Pattern[str], gaps: dict[Gap, int], *, in_url: bool = False) -> Parts:
    """Cut a line at its placeholders, and tell how each value must be cleaned."""
    parts: list[str | int] = []
    pieces = slot.split(content)
    in_pre = False
    for number, piece in enumerate(pieces):
        if number % 2:
            gap = Gap(int(piece), _PRE if in_pre else _URL if in_url else _WORDS)
            parts.append(gaps.setdefault(gap, len(gaps)))
            continue
        in_pre = in_pre or marks.PRE in piece
        for mark in re.findall(f"[{marks.LINK_URL}{marks.LINK_END}]", piece):
            in_url = mark == marks.LINK_URL
        if piece:
            parts.append(piece)
    return tuple(parts)


def _unescaped(value: str) -> str:
    value = str(value)  # a Markup would escape what it is given
    if "&" in value:
        for entity, character in _ENTITIES:
            value = value.replace(entity, character)
    return value
