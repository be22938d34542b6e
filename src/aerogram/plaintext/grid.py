"""Tables in columns, or cell by cell where there is no room for that."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, islice, zip_longest
from typing import TYPE_CHECKING

from aerogram.plaintext import marks
from aerogram.plaintext.columns import ROOM, columns_of, is_simple, wrap
from aerogram.plaintext.table import Cell

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence, Set

_GAP = "  "
_NARROWEST = 16  # a column is not wrapped to fewer columns than this

_Row = list[tuple[int, int, list[str]]]  # first column, column behind the last and lines of each cell
_Kind = tuple[tuple[str, int], ...]  # alignment and span of each cell of a line


def arrange(heads: int, rows: list[list[Cell]], ruled: Sequence[int] = ()) -> tuple[Grid, list[str]]:
    """Return the grid of a table whose first ``heads`` rows are headings, and the texts of its cells.

    There is a rule under the headings, and above the ``ruled`` rows.

    Both count the lines of a cell, which marks of breaks separate, as cells of their own.
    """
    columns: list[list[int]] = [[] for _ in range(max(sum(cell.span for cell in row) for row in rows))]
    spanning: list[tuple[int, int, int]] = []
    full_width: list[int] = []
    lines: list[_Kind] = []
    counts: list[int] = []
    texts: list[str] = []
    for row in rows:
        kind = tuple([cell[:2] for cell in row])
        parts = list(zip_longest(*[cell.text.split(marks.BREAK) for cell in row], fillvalue=""))
        for line in parts:
            column = 0
            for number, (_, span) in enumerate(kind, len(texts)):
                if span == 1:
                    columns[column].append(number)
                elif span == len(columns):
                    full_width.append(number)
                else:
                    spanning.append((number, column, column + span))
                column += span
            texts += line
        lines += [kind] * len(parts)
        counts.append(len(parts))
    starts = list(accumulate(counts, initial=0))
    rules = {starts[row] for row in (heads, *ruled) if row}
    kinds = set(lines)
    is_centered = any(align == "c" for kind in kinds for align, _ in kind)
    return Grid(columns, spanning, full_width, lines, kinds, is_centered, counts, heads, rules), texts


@dataclass(frozen=True, slots=True)
class Grid:
    """The arrangement of a table's cells, one line of text each, whatever their texts are.

    Cells are numbered from left to right, line by line.
    """

    columns: Sequence[Sequence[int]]  # for each column the cells that are in no other
    spanning: Sequence[tuple[int, int, int]]  # other cells: number, first column, column behind the last
    full_width: Sequence[int]  # cells over all columns
    lines: Sequence[_Kind]
    kinds: Set[_Kind]
    is_centered: bool  # whether a cell is
    rows: Sequence[int]  # for each row how many lines it has
    heads: int  # rows that are headings
    rules: Set[int]  # the numbers of the lines that have a rule above them, the end of the table included

    def format(self, texts: Sequence[str], width: int) -> list[str]:
        """Return a table as lines of at most ``width`` columns (0 for any number)."""
        simple = is_simple("".join(texts))
        sizes = list(map(len if simple else columns_of, texts))
        widths = self._widths(sizes)
        total = _total(widths)
        if total > (width or ROOM):
            return self._wrapped(texts, sizes, widths, width)
        pieces = {cell: wrap(texts[cell], width) for cell in self.full_width if sizes[cell] > total}
        if simple and not pieces and not self.is_centered:
            return self._filled(texts, widths)
        return self._padded(texts, widths, pieces)

    def _widths(self, sizes: Sequence[int]) -> list[int]:
        """Return the width of each column; a cell over several widens the last of them if need be."""
        widths = [max(map(sizes.__getitem__, column), default=0) for column in self.columns]
        for number, start, end in self.spanning:
            if sizes[number]:
                widths[end - 1] += max(0, sizes[number] - _total(widths[start:end]))
        return widths

    def _filled(self, texts: Sequence[str], widths: list[int]) -> list[str]:
        """Format cells that fit and whose characters take one column each, all at once by ``%``."""
        forms = {}
        for kind in self.kinds:
            rooms = _rooms(kind, widths)
            forms[kind] = _GAP.join([f"%{'' if align == 'r' else '-'}{room}s" for align, room in rooms])
        lines = [forms[kind] for kind in self.lines]
        for number in sorted(self.rules, reverse=True):
            lines.insert(number, _rule(widths))
        return [line.rstrip() for line in ("\n".join(lines) % tuple(texts)).split("\n")]

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
        for count, kind in enumerate(self.lines, 1):
            rooms = list(_rooms(kind, widths))
            parts = [pieces.get(cell) or [texts[cell]] for cell in range(number, number + len(rooms))]
            number += len(rooms)
            for row in zip_longest(*parts, fillvalue=""):
                cells = [_aligned(text, align, room) for text, (align, room) in zip(row, rooms, strict=True)]
                lines.append(_GAP.join(cells).rstrip())
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
        """Return the words above each column; none if some of them would be above no cell."""
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
        """Yield each row as its cells: their columns, and their lines that hold text."""
        remaining = iter(texts)
        kinds = iter(self.lines)
        for count in self.rows:
            row = list(islice(kinds, count))
            lines = [list(islice(remaining, len(kind))) for kind in row]
            ends = list(accumulate((span for _, span in row[0]), initial=0))
            cells = [[text for text in cell if text.strip()] for cell in zip(*lines, strict=True)]
            yield list(zip(ends, ends[1:], cells, strict=False))


def _is_total(row: _Row) -> bool:
    """Return whether a row holds a label over several columns, and its value."""
    filled = [end - start for start, end, cell in row if cell]
    return len(filled) == 2 and filled[0] > 1


def _rooms(kind: _Kind, widths: list[int]) -> Iterator[tuple[str, int]]:
    """Yield the alignment of each cell of a line, and the columns it has."""
    column = 0
    for align, span in kind:
        yield align, widths[column] if span == 1 else _total(widths[column : column + span])
        column += span


def _total(widths: list[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _rule(widths: list[int]) -> str:
    return _GAP.join(["-" * size for size in widths]).rstrip()


def _aligned(text: str, align: str, room: int) -> str:
    """Return a text with spaces to the width of ``room`` columns."""
    space = max(room - columns_of(text), 0)
    before = {"l": 0, "r": space, "c": space // 2}[align]
    return " " * before + text + " " * (space - before)
