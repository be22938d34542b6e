"""Compile the text part of a shape: lay out what no value is in, and prepare the rest."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from aerogram.plaintext import marks
from aerogram.plaintext.columns import wrap
from aerogram.plaintext.grid import Grid, split_row
from aerogram.plaintext.layout import (
    BREAKS,
    FormattedLine,
    caption_index,
    format_line,
    format_links,
    join_lines,
    room_of,
)
from aerogram.plaintext.link import LINK, format_link
from aerogram.plaintext.table import is_table, parse_table
from aerogram.stencil.text import (
    LINES,
    PRE,
    SEPARATOR,
    URL,
    WORDS,
    Gap,
    ImageWithCaption,
    OpenLine,
    OpenLinks,
    OpenTable,
    OpenText,
    OpenTexts,
    TextTemplate,
    formatter,
    picker,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aerogram.plaintext.outline import Line
    from aerogram.stencil.text import Piece

__all__ = ["compile_text"]

_MORE_THAN_LINKS = re.compile(f"[{marks.PRE}{marks.KEEP}{marks.TABLE_START}]")
_MODE_MARKS = re.compile(f"[{marks.LINK_URL}{marks.LINK_END}{marks.PRE}{marks.KEEP}]")
_OPEN, _IMAGE = "\x7f", "\x7f\x7f"  # no set text holds them: clean() takes them out


def compile_text(lines: Sequence[Line], placeholder: re.Pattern[str], width: int) -> TextTemplate:
    """Lay out every line of an outline that no value is in, and prepare the rest.

    Args:
        lines: the outline.
        placeholder: matches the placeholder of a value; group 1 is its number.
        width: of the text, in columns.
    """
    compiler = _Compiler(placeholder, width)
    formatted = _with_images(
        [
            FormattedLine(
                line.first,
                _OPEN if placeholder.search(line.content) else format_line(*line[:3], width),
                line.is_image,
            )
            for line in lines
        ]
    )
    waiting = (line for line, known in zip(lines, formatted, strict=True) if known.text in (_OPEN, _IMAGE))
    # Joined as the layout joins them, the open ones (never blank here) included; then split again.
    pieces: list[Piece] = []
    image: list[Piece] = []
    between = ""
    for text in join_lines(formatted).removesuffix("\n").split("\n"):
        if text == _IMAGE:
            image, between = compiler.pieces(next(waiting)), ""
        elif text == _OPEN:
            opened = compiler.pieces(next(waiting))
            pieces += [ImageWithCaption(image, between, opened)] if image else opened
            image = []
        elif image:
            between += f"{text}\n"
        else:
            pieces.append(text)
    links, texts = compiler.links(), OpenTexts(formatter(compiler.texts), compiler.are_close)
    outline = partial(_outline, compiler, lines)
    return TextTemplate(outline, list(_merged(pieces)), list(compiler.gaps), links, texts, width)


def _with_images(lines: list[FormattedLine]) -> list[FormattedLine]:
    """Mark images whose alternative text may equal the line after them, and open both."""
    marked = list(lines)
    for place, line in enumerate(lines):
        title = caption_index(lines, place) if line.is_image else None
        if title is not None and _OPEN in (line.text, lines[title].text):
            marked[place] = FormattedLine(line.first, _IMAGE, is_image=False)
            marked[title] = lines[title]._replace(text=_OPEN)
    return marked


def _outline(compiler: _Compiler, lines: Sequence[Line], words: Sequence[str]) -> list[Line]:
    """Fill in a whole outline; its gaps are those found before."""
    return [line._replace(content=formatter(compiler.parts(line.content))(words)) for line in lines]


def _merged(pieces: list[Piece]) -> Iterator[Piece]:
    """Yield the pieces, those that are laid out already joined."""
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


class _Compiler:
    """Compiles the lines of one outline; ``gaps`` and ``texts`` are those found so far.

    ``texts`` are the arguments of one :func:`formatter`, with :data:`SEPARATOR` between them.
    """

    def __init__(self, placeholder: re.Pattern[str], width: int) -> None:
        self.placeholder = placeholder
        self.width = width
        self.gaps: dict[Gap, int] = {}
        self.texts: list[str | int] = []
        self.are_close = False  # whether something may touch the end of a URL
        self._count = 0
        self._places: dict[str, int] = {}  # of texts whose links are written
        self._links: list[tuple[list[str | int], str]] = []  # label and URL, and what follows it

    def links(self) -> OpenLinks:
        """Return the links with gaps."""
        parts = [part for link, _ in reversed(self._links) for part in (*link, SEPARATOR)]
        return OpenLinks(formatter(parts[:-1]), [behind for _, behind in reversed(self._links)])

    def pieces(self, line: Line) -> list[Piece]:
        """Split a line into the pieces of the text."""
        if is_table(line.content):
            return [self._table(line)]
        if _MORE_THAN_LINKS.search(line.content):
            return [OpenLine(line.first, line.rest, self._place(self.parts(line.content)), self.width)]
        return self._texts(line)

    def _texts(self, line: Line) -> list[Piece]:
        """Split the content of a line at its breaks, as the layout does."""
        room = room_of(line.rest, self.width)
        pieces: list[Piece] = []
        ended = True
        for text in BREAKS.split(line.content):
            first = line.rest if pieces else line.first
            if text in (marks.BREAK, marks.SOFT):
                if text == marks.BREAK and ended and pieces and pieces[-1] != line.rest.rstrip():
                    pieces.append(line.rest.rstrip())
                ended = True
            elif self.placeholder.search(text):
                pieces.append(OpenText(first, line.rest, self._text(text), room))
                ended = False
            elif shown := format_links(text).strip(" "):
                lines = wrap(shown, room)
                pieces.append((first + lines[0]).rstrip())
                pieces += [(line.rest + one).rstrip() for one in lines[1:]]
                ended = False
        while pieces and pieces[-1] == line.rest.rstrip():
            pieces.pop()
        return pieces or [format_line(*line[:3], self.width)]  # an item with nothing in it

    def _table(self, line: Line) -> OpenTable:
        heads, rows = parse_table(line.content)
        by_line = [split_row(row) for row in rows]
        cells = [self._text(cell.text) for lines in by_line for cells in lines for cell in cells]
        grid = Grid.of(heads, by_line)
        return OpenTable(line.first, line.rest, picker(cells), grid, room_of(line.rest, self.width))

    def _text(self, text: str) -> int:
        """Split a text at its links, and return its number."""
        place = self._places.get(text)
        if place is None:
            place = self._places[text] = self._place(self._with_links(text))
        return place

    def _place(self, parts: Sequence[str | int]) -> int:
        self.texts += [SEPARATOR, *parts] if self._count else parts
        self._count += 1
        return self._count - 1

    def _with_links(self, text: str) -> list[str | int]:
        """Split text at its placeholders and its links; write the links that have no placeholder."""
        if marks.LINK_START not in text:
            return self.parts(text)
        parts: list[str | int] = []
        end = 0
        for link in LINK.finditer(text):
            parts += self.parts(text[end : link.start()])
            end = link.end()
            behind = "" if end == len(text) or text[end] == " " else marks.URL_END
            self.are_close = self.are_close or bool(behind)
            if self.placeholder.search(link[0]):
                label, url = self.parts(link[1]), self.parts(link[2], in_url=True)
                self._links.append(([*label, SEPARATOR, *url], behind))
                parts.append(-len(self._links))
            else:
                parts.append(format_link(link[1], link[2], behind))
        return [*parts, *self.parts(text[end:])]

    def parts(self, content: str, *, in_url: bool = False) -> list[str | int]:
        """Split text at its placeholders, with the number of the gap that each value goes to."""
        pieces = self.placeholder.split(content)
        if len(pieces) == 1:
            return pieces if content else []
        parts: list[str | int] = []
        in_pre = keeps_lines = False
        is_marked = _MODE_MARKS.search(content) is not None
        for number, piece in enumerate(pieces):
            if number % 2:
                mode = PRE if in_pre else URL if in_url else LINES if keeps_lines else WORDS
                gap = Gap(int(piece), mode)
                parts.append(self.gaps.setdefault(gap, len(self.gaps)))
                continue
            if is_marked:
                for mark in _MODE_MARKS.findall(piece):
                    in_pre = in_pre or mark == marks.PRE
                    in_url = mark == marks.LINK_URL
                    keeps_lines = keeps_lines is not (mark == marks.KEEP)
            if piece:
                parts.append(piece)
        return parts
