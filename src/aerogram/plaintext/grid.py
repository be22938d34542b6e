"""How the cells of a table stand in columns, and what becomes of them where there is no room for that."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from aerogram.plaintext import marks
from aerogram.plaintext.columns import columns_of, is_simple, wrap
from aerogram.plaintext.table import Cell

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Grid", "lines_of", "set_rows"]

_GAP = "  "
_NARROWEST = 16  # a column is not wrapped to fewer columns than this
_WIDEST = 990  # columns of a table that is not wrapped: no line of mail is longer


def set_rows(heads: int, rows: list[list[Cell]], width: int) -> list[str]:
    """Set rows in columns of together ``width`` at most (0: any), else cell by cell.

    The text of the cells is set already, but for its breaks.
    """
    by_line = [lines_of(row) for row in rows]
    texts = [cell.text for lines in by_line for line in lines for cell in line]
    return Grid.of(heads, by_line).set(texts, width)


def lines_of(row: list[Cell]) -> list[list[Cell]]:
    """Return a row as rows of one line each."""
    for cell in row:
        if marks.BREAK in cell.text:
            break
    else:
        return [row]
    texts = [cell.text.split(marks.BREAK) for cell in row]
    return [
        [
            Cell(cell.align, cell.span, lines[number] if number < len(lines) else "")
            for cell, lines in zip(row, texts, strict=True)
        ]
        for number in range(max(map(len, texts)))
    ]


@dataclass(frozen=True, slots=True)
class Grid:
    """How the cells of a table stand, one line each, whatever is in them.

    ``columns`` has for each column the numbers of the cells that are in it alone, ``spanning`` those of the
    others with the first column they take and the one behind the last, ``notes`` those that take all columns.
    ``kinds`` has the alignments and spans of lines, ``lines`` for each line the number of its kind, and
    ``rows`` for each row of how many lines it is; the first ``heads`` rows are headings.
    """

    columns: tuple[tuple[int, ...], ...]
    spanning: tuple[tuple[int, int, int], ...]
    notes: tuple[int, ...]
    kinds: tuple[tuple[tuple[str, int], ...], ...]
    lines: tuple[int, ...]
    rows: tuple[int, ...]
    heads: int

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
        kinds: dict[tuple[tuple[str, int], ...], int] = {}
        numbers = [
            kinds.setdefault(tuple([(cell.align, cell.span) for cell in line]), len(kinds)) for line in lines
        ]
        return cls(
            tuple(map(tuple, columns)),
            tuple(spanning),
            tuple(notes),
            tuple(kinds),
            tuple(numbers),
            tuple(map(len, rows)),
            heads,
        )

    def set(self, texts: Sequence[str], width: int) -> list[str]:
        """Set cells in columns of together ``width`` at most (0: any), else cell by cell."""
        room = width or _WIDEST
        simple = is_simple("".join(texts))
        if (
            simple and len(self.lines) == 1 and not (self.spanning or self.heads)
        ):  # as wide as what stands in it
            line = _GAP.join(texts)
            if len(line) <= room:
                return [line.rstrip()]
        sizes = list(map(len if simple else columns_of, texts))
        widths = self._widths(sizes)
        total = _total(widths)
        if total > room:
            widest = max(range(len(widths)), key=widths.__getitem__)
            widths[widest] -= total - room
            if widths[widest] < _NARROWEST or len(self.rows) == 1:
                return self._cell_by_cell(texts, width)
            return self._wrapped(texts, sizes, widths, widest, width)
        if self.notes and any(sizes[note] > total for note in self.notes):
            return self._padded(texts, sizes, widths, {note: wrap(texts[note], width) for note in self.notes})
        return self._formed(texts, widths) if simple else self._padded(texts, sizes, widths, {})

    def _widths(self, sizes: Sequence[int]) -> list[int]:
        """Return the width of each column; a cell over several stretches the last of them when it must."""
        widths = [max(map(sizes.__getitem__, column), default=0) for column in self.columns]
        for number, start, end in self.spanning:
            if sizes[number]:
                widths[end - 1] += max(0, sizes[number] - _total(widths[start:end]))
        return widths

    def _formed(self, texts: Sequence[str], widths: list[int]) -> list[str]:
        """Set cells that fit and whose characters all take one column."""
        if any(align == "c" for kind in self.kinds for align, _ in kind):
            places = (place for number in self.lines for place in _places(self.kinds[number], widths))
            texts = [
                _aligned(text, len(text), align, room) if align == "c" else text
                for text, (align, room) in zip(texts, places, strict=True)
            ]
        forms = [_form(kind, widths) for kind in self.kinds]
        form = "\n".join([forms[number] for number in self.lines])
        lines = [line.rstrip() for line in (form % tuple(texts)).split("\n")]
        return self._ruled(lines, sum(self.rows[: self.heads]), widths)

    def _wrapped(
        self, texts: Sequence[str], sizes: list[int], widths: list[int], widest: int, width: int
    ) -> list[str]:
        """Set cells whose widest column is too wide by wrapping what stands in it."""
        rooms = [(number, widths[widest]) for number in self.columns[widest]]
        rooms += [
            (number, _total(widths[start:end]))
            for number, start, end in self.spanning
            if start <= widest < end
        ]
        pieces = {number: wrap(texts[number], room) for number, room in rooms if sizes[number] > room}
        if any(columns_of(piece) > room for number, room in rooms for piece in pieces.get(number, ())):
            return self._cell_by_cell(texts, width)
        total = _total(widths)
        pieces.update((note, wrap(texts[note], width)) for note in self.notes if sizes[note] > total)
        return self._padded(texts, sizes, widths, pieces)

    def _padded(
        self, texts: Sequence[str], sizes: list[int], widths: list[int], pieces: dict[int, list[str]]
    ) -> list[str]:
        """Set cells one by one; ``pieces`` are those of the cells that are wrapped, by number."""
        places = [list(_places(kind, widths)) for kind in self.kinds]
        lines: list[str] = []
        number = 0
        above = sum(self.rows[: self.heads])
        rule = 0
        for line, kind in enumerate(self.lines):
            cells = range(number, number + len(places[kind]))
            number = cells.stop
            if pieces and not pieces.keys().isdisjoint(cells):
                parts = [pieces.get(cell) or [texts[cell]] for cell in cells]
                rows = [
                    [part[place] if place < len(part) else "" for part in parts]
                    for place in range(max(map(len, parts)))
                ]
                measured = [[(text, columns_of(text)) for text in row] for row in rows]
            else:
                measured = [[(texts[cell], sizes[cell]) for cell in cells]]
            lines += [
                _GAP.join(
                    [_aligned(*cell, *place) for cell, place in zip(row, places[kind], strict=True)]
                ).rstrip()
                for row in measured
            ]
            if line + 1 == above:
                rule = len(lines)
        return self._ruled(lines, rule, widths)

    def _ruled(self, lines: list[str], above: int, widths: list[int]) -> list[str]:
        if above:
            lines.insert(above, _GAP.join(["-" * size for size in widths]))
        return lines

    def _cell_by_cell(self, texts: Sequence[str], width: int) -> list[str]:
        """Set a table that is too wide: a paragraph for each cell, or a line with the name of its column."""
        rows = list(self._cells(texts))
        heads = self.heads if self.heads < len(rows) else 0
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
        """Yield each row as its cells, and each of them as the lines of it that hold text."""
        following = iter(texts)
        kinds = iter(self.lines)
        for count in self.rows:
            lines = [list(islice(following, len(self.kinds[kind]))) for kind in islice(kinds, count)]
            yield [[text for text in cell if text.strip()] for cell in zip(*lines, strict=True)]


def _form(kind: tuple[tuple[str, int], ...], widths: list[int]) -> str:
    """Return what sets a line when it is given its cells by ``%``, those in the middle set already."""
    return _GAP.join([f"%{'' if align == 'r' else '-'}{room}s" for align, room in _places(kind, widths)])


def _places(kind: tuple[tuple[str, int], ...], widths: list[int]) -> Iterator[tuple[str, int]]:
    """Yield for each cell of a line its alignment and the room it has."""
    column = 0
    for align, span in kind:
        yield align, widths[column] if span == 1 else _total(widths[column : column + span])
        column += span


def _total(widths: list[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _aligned(text: str, size: int, align: str, room: int) -> str:
    """Return a text of ``size`` columns with the spaces that make it ``room`` columns wide."""
    space = room - size
    if space <= 0:
        return text
    if align == "l":
        return text + " " * space
    before = space if align == "r" else space // 2
    return " " * before + text + " " * (space - before)
