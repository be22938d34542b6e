"""Make the text part of a shape: set what no value is in, and prepare the rest."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from aerogram.plaintext import marks
from aerogram.plaintext.columns import wrap
from aerogram.plaintext.grid import Grid, lines_of
from aerogram.plaintext.layout import BREAKS, SetLine, following, join_lines, room_of, set_line, set_text
from aerogram.plaintext.link import LINK, set_link
from aerogram.plaintext.table import is_table, table_rows
from aerogram.stencil.text import (
    LINES,
    PART,
    PRE,
    URL,
    WORDS,
    Gap,
    OpenLine,
    OpenLinks,
    OpenTable,
    OpenText,
    OpenTexts,
    OpenTwins,
    TextForm,
    picker,
    run,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aerogram.plaintext.outline import Line
    from aerogram.stencil.text import Piece

__all__ = ["text_form"]

_MORE_THAN_LINKS = re.compile(f"[{marks.PRE}{marks.KEEP}{marks.TABLE_START}]")
_MANNERS = re.compile(f"[{marks.LINK_URL}{marks.LINK_END}{marks.PRE}{marks.KEEP}]")
_OPEN, _TWIN = "\x7f", "\x7f\x7f"  # no set text holds them: clean() takes them out


def text_form(lines: Sequence[Line], slot: re.Pattern[str], width: int) -> TextForm:
    """Set all of an outline that no value is in, and prepare the rest.

    Args:
        lines: the outline.
        slot: matches the placeholder of a value, its number the first group.
        width: of the text, in columns.
    """
    cutter = _Cutter(slot, width)
    set_lines = _with_twins(
        [
            SetLine(
                line.first,
                _OPEN if slot.search(line.content) else set_line(*line[:3], width),
                line.is_picture,
            )
            for line in lines
        ]
    )
    waiting = (line for line, known in zip(lines, set_lines, strict=True) if known.text in (_OPEN, _TWIN))
    # Joined as the layout joins them, the open ones (never blank here) included; then taken apart again.
    pieces: list[Piece] = []
    picture: list[Piece] = []
    between = ""
    for text in join_lines(set_lines).removesuffix("\n").split("\n"):
        if text == _TWIN:
            picture, between = cutter.pieces(next(waiting)), ""
        elif text == _OPEN:
            cut = cutter.pieces(next(waiting))
            pieces += [OpenTwins(picture, between, cut)] if picture else cut
            picture = []
        elif picture:
            between += f"{text}\n"
        else:
            pieces.append(text)
    links, texts = cutter.links(), OpenTexts(run(cutter.texts), cutter.are_close)
    outline = partial(_outline, cutter, lines)
    return TextForm(outline, list(_merged(pieces)), list(cutter.gaps), links, texts, width)


def _with_twins(lines: list[SetLine]) -> list[SetLine]:
    """Mark pictures that may say what the line behind them says, as one of both is open; open both."""
    marked = list(lines)
    for place, line in enumerate(lines):
        title = following(lines, place) if line.is_picture else None
        if title is not None and _OPEN in (line.text, lines[title].text):
            marked[place] = SetLine(line.first, _TWIN, is_picture=False)
            marked[title] = lines[title]._replace(text=_OPEN)
    return marked


def _outline(cutter: _Cutter, lines: Sequence[Line], words: Sequence[str]) -> list[Line]:
    """Fill in a whole outline, with the gaps that were found before."""
    return [line._replace(content=run(cutter.parts(line.content))(words)) for line in lines]


def _merged(pieces: list[Piece]) -> Iterator[Piece]:
    """Yield the pieces with those that are set already joined."""
    closed: list[str] = []
    for piece in pieces:
        if isinstance(piece, str):
            closed.append(piece)
            continue
        if closed:
            yield "\n".join(closed)
            closed = []
        yield piece
    if closed:
        yield "\n".join(closed)


class _Cutter:
    """Cuts the lines of one outline; ``gaps`` and ``texts`` are those found so far.

    ``texts`` are as :func:`run` takes them, with :data:`PART` between them.
    """

    def __init__(self, slot: re.Pattern[str], width: int) -> None:
        self.slot = slot
        self.width = width
        self.gaps: dict[Gap, int] = {}
        self.texts: list[str | int] = []
        self.are_close = False  # whether something may stand close behind a URL
        self._count = 0
        self._places: dict[str, int] = {}  # of texts whose links are set
        self._links: list[tuple[list[str | int], str]] = []  # label and URL, and what is behind it

    def links(self) -> OpenLinks:
        """Return the links that wait for words."""
        parts = [part for link, _ in reversed(self._links) for part in (*link, PART)]
        return OpenLinks(run(parts[:-1]), [behind for _, behind in reversed(self._links)])

    def pieces(self, line: Line) -> list[Piece]:
        """Cut a line into what stands in the text."""
        if is_table(line.content):
            return [self._table(line)]
        if _MORE_THAN_LINKS.search(line.content):
            return [OpenLine(line.first, line.rest, self._place(self.parts(line.content)), self.width)]
        return self._texts(line)

    def _texts(self, line: Line) -> list[Piece]:
        """Cut the content of a line at its breaks, as the layout does."""
        room = room_of(line.rest, self.width)
        pieces: list[Piece] = []
        ended = True
        for text in BREAKS.split(line.content):
            first = line.rest if pieces else line.first
            if text in (marks.BREAK, marks.SOFT):
                if text == marks.BREAK and ended and pieces and pieces[-1] != line.rest.rstrip():
                    pieces.append(line.rest.rstrip())
                ended = True
            elif self.slot.search(text):
                pieces.append(OpenText(first, line.rest, self._text(text), room))
                ended = False
            elif shown := set_text(text).strip(" "):
                lines = wrap(shown, room)
                pieces.append((first + lines[0]).rstrip())
                pieces += [(line.rest + one).rstrip() for one in lines[1:]]
                ended = False
        while pieces and pieces[-1] == line.rest.rstrip():
            pieces.pop()
        return pieces or [set_line(*line[:3], self.width)]  # an item with nothing in it

    def _table(self, line: Line) -> OpenTable:
        heads, rows = table_rows(line.content)
        by_line = [lines_of(row) for row in rows]
        cells = [self._text(cell.text) for lines in by_line for cells in lines for cell in cells]
        grid = Grid.of(heads, by_line)
        return OpenTable(line.first, line.rest, picker(cells), grid, room_of(line.rest, self.width))

    def _text(self, text: str) -> int:
        """Cut a text with links, and return its number."""
        place = self._places.get(text)
        if place is None:
            place = self._places[text] = self._place(self._with_links(text))
        return place

    def _place(self, parts: Sequence[str | int]) -> int:
        self.texts += [PART, *parts] if self._count else parts
        self._count += 1
        return self._count - 1

    def _with_links(self, text: str) -> list[str | int]:
        """Cut text at its placeholders and its links, of which those without any are set."""
        if marks.LINK_START not in text:
            return self.parts(text)
        parts: list[str | int] = []
        end = 0
        for link in LINK.finditer(text):
            parts += self.parts(text[end : link.start()])
            end = link.end()
            behind = "" if end == len(text) or text[end] == " " else marks.URL_END
            self.are_close = self.are_close or bool(behind)
            if self.slot.search(link[0]):
                label, url = self.parts(link[1]), self.parts(link[2], in_url=True)
                self._links.append(([*label, PART, *url], behind))
                parts.append(-len(self._links))
            else:
                parts.append(set_link(link[1], link[2], behind))
        return [*parts, *self.parts(text[end:])]

    def parts(self, content: str, *, in_url: bool = False) -> list[str | int]:
        """Cut text at its placeholders, and tell how each value must be cleaned."""
        pieces = self.slot.split(content)
        if len(pieces) == 1:
            return pieces if content else []
        parts: list[str | int] = []
        in_pre = keeps_lines = False
        is_marked = _MANNERS.search(content) is not None
        for number, piece in enumerate(pieces):
            if number % 2:
                manner = PRE if in_pre else URL if in_url else LINES if keeps_lines else WORDS
                gap = Gap(int(piece), manner)
                parts.append(self.gaps.setdefault(gap, len(self.gaps)))
                continue
            if is_marked:
                for mark in _MANNERS.findall(piece):
                    in_pre = in_pre or mark == marks.PRE
                    in_url = mark == marks.LINK_URL
                    keeps_lines = keeps_lines is not (mark == marks.KEEP)
            if piece:
                parts.append(piece)
        return parts
