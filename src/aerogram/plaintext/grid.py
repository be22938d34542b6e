"""Tables in columns, or cell by cell if they are too wide."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, islice, zip_longest
from typing import TYPE_CHECKING, Any

from aerogram.plaintext import marks
from aerogram.plaintext.table import Cell
from aerogram.plaintext.width import ROOM, columns_of, is_simple, wrap

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence, Set

_GAP = "  "
_NARROWEST = 16  # a column is not wrapped to fewer columns than this

_Row = list[tuple[int, int, list[str]]]  # first column, column behind the last and lines of each cell
_Kind = tuple[tuple[str, int], ...]  # alignment and span of each cell of a line


def arrange(heads: int, rows: list[list[Cell]], ruled: Sequence[int] = ()) -> tuple[Grid, list[str]]:
    """Return the grid of a table whose first ``heads`` rows are headings, and the texts of its cells.

    A rule is drawn under the headings, and above the ``ruled`` rows. In the grid and the texts, each line of
    a cell, which ends at the mark of a break, is a cell of its own.
    """
    columns: list[list[int]] = [[] for _ in range(max(sum(cell.span for cell in row) for row in rows))]
    spanning: list[tuple[int, int, int]] = []
    full_width: dict[int, str] = {}
    centered: list[tuple[int, int, int]] = []
    kinds: dict[_Kind, int] = {}
    lines: list[int] = []
    counts: list[int] = []
    texts: list[str] = []
    for row in rows:
        kind = tuple([cell[:2] for cell in row])
        parts = list(zip_longest(*[cell.text.split(marks.BREAK) for cell in row], fillvalue=""))
        for line in parts:
            column = 0
            for number, (align, span) in enumerate(kind, len(texts)):
                if span == 1:
                    columns[column].append(number)
                elif span == len(columns):
                    full_width[number] = align
                else:
                    spanning.append((number, column, column + span))
                if align == "c":
                    centered.append((number, column, column + span))
                column += span
            texts += line
        lines += [kinds.setdefault(kind, len(kinds))] * len(parts)
        counts.append(len(parts))
    starts = list(accumulate(counts, initial=0))
    rules = {starts[row] for row in (heads, *ruled) if row}
    form, above = _form(list(kinds), lines, rules)
    return Grid(
        columns, spanning, full_width, centered, list(kinds), lines, counts, heads, rules, form, above
    ), texts


def _form(kinds: Sequence[_Kind], lines: Sequence[int], rules: Set[int]) -> tuple[str, list[int]]:
    """Return ``Grid.form`` and ``Grid.ruled``."""
    forms = []
    above = []
    cell = 0
    for number, line in enumerate([*lines, None]):
        if number in rules:
            forms.append("%-*s")
            above.append(cell)
        if line is not None:
            forms.append(_GAP.join([f"%{'' if align == 'r' else '-'}*s" for align, _ in kinds[line]]))
            cell += len(kinds[line])
    return "\n".join(forms), above[::-1]


@dataclass(frozen=True, slots=True)
class Grid:
    """The arrangement of a table's cells, independent of their text, which is one line each.

    Cells are numbered from left to right, line by line.
    """

    columns: Sequence[Sequence[int]]  # for each column the cells that are in this column alone
    spanning: Sequence[tuple[int, int, int]]  # cells over some: number, first column, column behind the last
    full_width: Mapping[int, str]  # by the number of each cell over all columns, its alignment
    centered: Sequence[tuple[int, int, int]]  # centered cells, in the same form
    kinds: Sequence[_Kind]  # each once, though many lines have it
    lines: Sequence[int]  # for each line the number of its kind
    rows: Sequence[int]  # for each row how many lines it has
    heads: int  # rows that are headings
    rules: Set[int]  # the numbers of the lines that have a rule above them, the end of the table included
    form: str  # ``%`` makes the table of it: of the width and the text of each cell and rule
    ruled: Sequence[int]  # the cells that have a rule above them, the last one first

    def format(self, texts: Sequence[str], width: int) -> list[str]:
        """Return a table as lines of at most ``width`` columns (0 for any number), some padded at the end."""
        simple = is_simple("".join(texts))
        sizes = list(map(len if simple else columns_of, texts))
        widths = self._widths(sizes)
        total = _total(widths)
        if total > (width or ROOM):
            return self._wrapped(texts, sizes, widths, width)
        pieces = {cell: wrap(texts[cell], width) for cell in self.full_width if sizes[cell] > total}
        begin_left = [len(lines) == 1 or self.full_width[cell] == "l" for cell, lines in pieces.items()]
        if simple and all(begin_left):
            return self._filled(texts, widths, pieces)
        return self._padded(texts, widths, pieces)

    def _widths(self, sizes: Sequence[int]) -> list[int]:
        """Return the width of each column; a cell that spans several widens the last of them if necessary."""
        widths = [max(map(sizes.__getitem__, column), default=0) for column in self.columns]
        for number, start, end in self.spanning:
            if sizes[number]:
                widths[end - 1] += max(0, sizes[number] - _total(widths[start:end]))
        return widths

    def _filled(self, texts: Sequence[str], widths: list[int], pieces: dict[int, list[str]]) -> list[str]:
        """Format cells whose characters are one column wide, all at once by ``%``.

        ``pieces`` are the lines of those that are too long; only one that begins at the left has several.
        """
        filled = list(texts)
        for cell, parts in pieces.items():
            filled[cell] = "\n".join(parts)
        for cell, start, end in self.centered:
            filled[cell] = " " * ((_total(widths[start:end]) - len(filled[cell])) // 2) + filled[cell]
        rooms = [_rooms(kind, widths) for kind in self.kinds]
        arguments: list[Any] = [None] * (2 * len(filled))
        arguments[::2] = [room for kind in self.lines for room in rooms[kind]]
        arguments[1::2] = filled
        for cell in self.ruled:
            arguments[2 * cell : 2 * cell] = 0, _rule(widths)
        return (self.form % tuple(arguments)).split("\n")

    def _wrapped(self, texts: Sequence[str], sizes: list[int], widths: list[int], width: int) -> list[str]:
        """Format a table that is too wide by wrapping its widest column, or cell by cell."""
        widest = max(range(len(widths)), key=widths.__getitem__)
        widths[widest] -= _total(widths) - (width or ROOM)
        if widths[widest] < _NARROWEST or len(self.rows) == 1:
            return self._cell_by_cell(texts, width)
        rooms = dict.fromkeys(self.columns[widest], widths[widest])
        rooms.update(
            (number, _total(widths[start:end]))
            for number, start, end in self.spanning
            if start <= widest < end
        )
        pieces = {number: wrap(texts[number], room) for number, room in rooms.items() if sizes[number] > room}
        if any(columns_of(part) > rooms[number] for number, parts in pieces.items() for part in parts):
            return self._cell_by_cell(texts, width)
        total = _total(widths)
        pieces.update((cell, wrap(texts[cell], width)) for cell in self.full_width if sizes[cell] > total)
        return self._padded(texts, widths, pieces)

    def _padded(self, texts: Sequence[str], widths: list[int], pieces: dict[int, list[str]]) -> list[str]:
        """Format cells one by one; ``pieces`` are the lines of those that are wrapped, by number."""
        lines: list[str] = []
        number = 0
        for count, line in enumerate(self.lines, 1):
            kind = self.kinds[line]
            rooms = _rooms(kind, widths)
            parts = [pieces.get(cell) or [texts[cell]] for cell in range(number, number + len(rooms))]
            number += len(rooms)
            for row in zip_longest(*parts, fillvalue=""):
                cells = [
                    _aligned(text, align, room)
                    for text, (align, _), room in zip(row, kind, rooms, strict=True)
                ]
                lines.append(_GAP.join(cells))
            if count in self.rules:
                lines.append(_rule(widths))
        return lines

    def _cell_by_cell(self, texts: Sequence[str], width: int) -> list[str]:
        """Format each cell as a paragraph, or as a line that begins with the heading of its column."""
        rows = list(self._cells(texts))
        names = self._names(rows)
        lines: list[str] = []
        for row in rows[self.heads if names else 0 :]:
            filled = [(names.get(start, "") * (end == start + 1), cell) for start, end, cell in row if cell]
            if names and _is_total(row):
                filled = [(" ".join(filled[0][1]), filled[1][1])]
            cells = [
                [
                    part.rstrip()
                    for line in ([f"{name}: {' '.join(cell)}"] if name else cell)
                    for part in wrap(line, width)
                ]
                for name, cell in filled
            ]
            apart = not names and (len(rows) == 1 or any(len(cell) > 1 for cell in cells))
            for cell in cells:
                lines += ["", *cell] if apart and lines and lines[-1] else cell
            if cells:
                lines.append("")
        return lines[:-1]

    def _names(self, rows: list[_Row]) -> dict[int, str]:
        """Return the headings of each column; none if a heading would be above no cell."""
        body = [row for row in rows[self.heads :] if not _is_total(row)]
        used = {start for row in body for start, end, cell in row if cell and end == start + 1}
        names: dict[int, list[str]] = {column: [] for column in used}
        for row in rows[: self.heads]:
            for start, end, cell in row:
                if cell and used.isdisjoint(range(start, end)):
                    return {}
                for column in used.intersection(range(start, end)):
                    names[column] += cell
        return {column: " ".join(words) for column, words in names.items()} if self.heads else {}

    def _cells(self, texts: Sequence[str]) -> Iterator[_Row]:
        """Yield each row as its cells: their columns, and their lines with text."""
        remaining = iter(texts)
        kinds = map(self.kinds.__getitem__, self.lines)
        for count in self.rows:
            row = list(islice(kinds, count))
            lines = [list(islice(remaining, len(kind))) for kind in row]
            ends = list(accumulate((span for _, span in row[0]), initial=0))
            cells = [[text for text in cell if text.strip()] for cell in zip(*lines, strict=True)]
            yield list(zip(ends, ends[1:], cells, strict=False))


def _is_total(row: _Row) -> bool:
    """Return whether a row is a label over several columns and its value."""
    filled = [end - start for start, end, cell in row if cell]
    return len(filled) == 2 and filled[0] > 1


def _rooms(kind: _Kind, widths: list[int]) -> list[int]:
    """Return the number of columns of each cell in a line."""
    rooms = []
    column = 0
    for _, span in kind:
        rooms.append(widths[column] if span == 1 else _total(widths[column : column + span]))
        column += span
    return rooms


def _total(widths: list[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _rule(widths: list[int]) -> str:
    return _GAP.join(["-" * size for size in widths]).rstrip()


def _aligned(text: str, align: str, room: int) -> str:
    """Return a text padded to ``room`` columns."""
    space = max(room - columns_of(text), 0)
    before = {"l": 0, "r": space, "c": space // 2}[align]
    return " " * before + text + " " * (space - before)
