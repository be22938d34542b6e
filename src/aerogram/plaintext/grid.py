"""Tables in columns, or cell by cell where there is no room for that."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from aerogram.plaintext import marks
from aerogram.plaintext.columns import columns_of, is_simple, wrap
from aerogram.plaintext.table import Cell

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_GAP = "  "
_NARROWEST = 16  # a column is not wrapped to fewer columns than this
_WIDEST = 990  # columns of a table that is not wrapped: no line of mail is longer

_Kind = tuple[tuple[str, int], ...]  # alignment and span of each cell of a line


def format_rows(heads: int, rows: list[list[Cell]], width: int) -> list[str]:
    """Return a table as lines.

    Args:
        heads: the number of rows that are headings.
        rows: cells whose links are written already, with the marks of breaks in their texts.
        width: columns of text, 0 for any number.
    """
    by_line = [split_row(row) for row in rows]
    texts = [cell.text for lines in by_line for line in lines for cell in line]
    return Grid.of(heads, by_line).format(texts, width)


def split_row(row: list[Cell]) -> list[list[Cell]]:
    """Return a row as rows of one line each."""
    texts = [cell.text.split(marks.BREAK) for cell in row]
    return [
        [
            cell._replace(text=lines[number] if number < len(lines) else "")
            for cell, lines in zip(row, texts, strict=True)
        ]
        for number in range(max(map(len, texts)))
    ]


@dataclass(frozen=True, slots=True)
class Grid:
    """The arrangement of a table's cells, one line of text each, whatever their texts are.

    Cells are numbered from left to right, line by line.
    """

    columns: tuple[tuple[int, ...], ...]  # for each column the cells that are in no other
    spanning: tuple[tuple[int, int, int], ...]  # other cells: number, first column, column behind the last
    notes: tuple[int, ...]  # cells over all columns
    kinds: tuple[_Kind, ...]
    lines: tuple[int, ...]  # for each line the number of its kind
    rows: tuple[int, ...]  # for each row how many lines it has
    heads: int  # rows that are headings

    @classmethod
    def of(cls, heads: int, rows: list[list[list[Cell]]]) -> Grid:
        """Return the grid of rows that are split into lines."""
        lines = [line for row in rows for line in row]
        columns: list[list[int]] = [[] for _ in range(max(sum(cell.span for cell in line) for line in lines))]
        spanning = []
        notes = []
        number = 0
        for line in lines:
            column = 0
            for cell in line:
                if cell.span == 1:
                    columns[column].append(number)
                elif cell.span == len(columns):
                    notes.append(number)
                else:
                    spanning.append((number, column, column + cell.span))
                column += cell.span
                number += 1
        kinds: dict[_Kind, int] = {}
        numbers = [kinds.setdefault(tuple([cell[:2] for cell in line]), len(kinds)) for line in lines]
        return cls(
            tuple(map(tuple, columns)),
            tuple(spanning),
            tuple(notes),
            tuple(kinds),
            tuple(numbers),
            tuple(map(len, rows)),
            heads,
        )

    def format(self, texts: Sequence[str], width: int) -> list[str]:
        """Return a table as lines of at most ``width`` columns (0 for any number)."""
        room = width or _WIDEST
        simple = is_simple("".join(texts))
        sizes = list(map(len if simple else columns_of, texts))
        widths = self._widths(sizes)
        total = _total(widths)
        if total > room:
            return self._wrapped(texts, sizes, widths, width)
        if self.notes and any(sizes[note] > total for note in self.notes):
            return self._padded(texts, widths, {note: wrap(texts[note], width) for note in self.notes})
        return self._filled(texts, widths) if simple else self._padded(texts, widths, {})

    def _widths(self, sizes: Sequence[int]) -> list[int]:
        """Return the width of each column; a cell over several widens the last of them if need be."""
        widths = [max(map(sizes.__getitem__, column), default=0) for column in self.columns]
        for number, start, end in self.spanning:
            if sizes[number]:
                widths[end - 1] += max(0, sizes[number] - _total(widths[start:end]))
        return widths

    def _filled(self, texts: Sequence[str], widths: list[int]) -> list[str]:
        """Format cells that fit and whose characters take one column each, all at once by ``%``."""
        if any(align == "c" for kind in self.kinds for align, _ in kind):
            rooms = [room for kind in self.lines for room in _rooms(self.kinds[kind], widths)]
            texts = [
                _aligned(text, len(text), align, room) if align == "c" else text
                for text, (align, room) in zip(texts, rooms, strict=True)
            ]
        forms = [
            _GAP.join([f"%{'' if align == 'r' else '-'}{room}s" for align, room in _rooms(kind, widths)])
            for kind in self.kinds
        ]
        form = "\n".join([forms[kind] for kind in self.lines])
        lines = [line.rstrip() for line in (form % tuple(texts)).split("\n")]
        return self._ruled(lines, sum(self.rows[: self.heads]), widths)

    def _wrapped(self, texts: Sequence[str], sizes: list[int], widths: list[int], width: int) -> list[str]:
        """Format a table that is too wide by wrapping its widest column, or cell by cell."""
        widest = max(range(len(widths)), key=widths.__getitem__)
        widths[widest] -= _total(widths) - (width or _WIDEST)
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
        pieces.update((note, wrap(texts[note], width)) for note in self.notes if sizes[note] > total)
        return self._padded(texts, widths, pieces)

    def _padded(self, texts: Sequence[str], widths: list[int], pieces: dict[int, list[str]]) -> list[str]:
        """Format cells one by one; ``pieces`` are the lines of those that are wrapped, by number."""
        rooms = [list(_rooms(kind, widths)) for kind in self.kinds]
        lines: list[str] = []
        number = rule = 0
        for line, kind in enumerate(self.lines):
            parts = [
                pieces.get(number + place) or [texts[number + place]] for place in range(len(rooms[kind]))
            ]
            number += len(parts)
            for place in range(max(map(len, parts))):
                row = [part[place] if place < len(part) else "" for part in parts]
                cells = [
                    _aligned(text, columns_of(text), align, room)
                    for text, (align, room) in zip(row, rooms[kind], strict=True)
                ]
                lines.append(_GAP.join(cells).rstrip())
            if line + 1 == sum(self.rows[: self.heads]):
                rule = len(lines)
        return self._ruled(lines, rule, widths)

    def _ruled(self, lines: list[str], above: int, widths: list[int]) -> list[str]:
        if above:
            lines.insert(above, _GAP.join(["-" * size for size in widths]))
        return lines

    def _cell_by_cell(self, texts: Sequence[str], width: int) -> list[str]:
        """Format each cell as a paragraph, or as a line that begins with the heading of its column."""
        rows = list(self._cells(texts))
        heads = self.heads if any(map(any, rows[self.heads :])) else 0
        names = [" ".join(cell) for cell in rows[0]] if heads else []
        if any(span != 1 for _, span in self.kinds[self.lines[0]]):
            names = []
        lines: list[str] = []
        for row in rows[heads:]:
            named = len(names) == len(row)
            cells = []
            for number, cell in enumerate(row):
                if not cell:
                    continue
                if heads:
                    name = f"{names[number]}: " if named and names[number] else ""
                    cell = [name + " ".join(cell)]
                cells.append([part.rstrip() for line in cell for part in wrap(line, width)])
            apart = not heads and (len(rows) == 1 or any(len(cell) > 1 for cell in cells))
            for cell in cells:
                lines += ["", *cell] if apart and lines and lines[-1] else cell
            if cells:
                lines.append("")
        return lines[:-1]

    def _cells(self, texts: Sequence[str]) -> Iterator[list[list[str]]]:
        """Yield each row as its cells, and each of them as its lines that hold text."""
        remaining = iter(texts)
        kinds = iter(self.lines)
        for count in self.rows:
            lines = [list(islice(remaining, len(self.kinds[kind]))) for kind in islice(kinds, count)]
            yield [[text for text in cell if text.strip()] for cell in zip(*lines, strict=True)]


def _rooms(kind: _Kind, widths: list[int]) -> Iterator[tuple[str, int]]:
    """Yield the alignment of each cell of a line, and the columns it has."""
    column = 0
    for align, span in kind:
        yield align, _total(widths[column : column + span])
        column += span


def _total(widths: list[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _aligned(text: str, size: int, align: str, room: int) -> str:
    """Return a text of ``size`` columns with spaces to the width of ``room`` columns."""
    space = max(room - size, 0)
    before = {"l": 0, "r": space, "c": space // 2}[align]
    return " " * before + text + " " * (space - before)
