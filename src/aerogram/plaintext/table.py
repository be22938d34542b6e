"""Tables in text: which rows of HTML read as a table, and how their cells stand in columns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from aerogram.plaintext import marks
from aerogram.plaintext.columns import columns_of, is_simple, wrap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from aerogram.document import Element

__all__ = ["Cell", "Grid", "grid_of", "is_table", "lines_of", "set_rows", "table_rows"]

_NEVER_IN_CELLS = frozenset(
    ("table", "ul", "ol", "dl", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "hr")
)
_ONLY_IN_DATA = frozenset(("p", "div", "center", "section", "article"))
_ALIGNED = re.compile(r"text-align\s*:\s*(right|end|center)", re.IGNORECASE)
_GAP = "  "
_NARROWEST = 16  # a column is not wrapped to fewer columns than this


class Cell(NamedTuple):
    """What stands in a cell: its alignment (l, r, c), how many columns it takes, and its text."""

    align: str
    span: int
    text: str  # lines with the mark of a break between them


def grid_of(rows: Sequence[Element], inline: Callable[[Element], str]) -> str | None:
    """Write rows of a table as one run for the layout, or return ``None`` when they only arrange the page.

    A table is one whose cells are lines of text, two of them at least side by side. What the cells say does
    not matter, only whether they are blank.
    """
    table = [[cell for cell in row if cell.tag in ("td", "th")] for row in rows]
    if max((len(cells) for cells in table), default=0) < 2:
        return None
    has_heads = any(cell.tag == "th" for cells in table for cell in cells)
    if not all(_is_line(cell, has_heads) for cells in table for cell in cells):
        return None
    written: list[list[tuple[str, int, str]]] = []
    heads = 0
    for cells in table:
        texts = [inline(cell) for cell in cells]
        if not any(texts):
            continue
        if has_heads and heads == len(written) and all(cell.tag == "th" for cell in cells):
            heads += 1
        written.append([(_align(cell), _span(cell), text) for cell, text in zip(cells, texts, strict=True)])
    written = _without_blank_columns(written)
    if max((sum(bool(text) for *_, text in cells) for cells in written), default=0) < 2:
        return None
    if len(written) == 1 and all(marks.LINK_START in text for *_, text in written[0] if text):
        return None  # buttons, or the names of other places: each reads better on a line of its own
    lines = [
        marks.CELL.join(f"{align}{span}{marks.SPEC}{text}" for align, span, text in cells)
        for cells in written
    ]
    return f"{marks.TABLE_START}{heads}{marks.ROW}{marks.ROW.join(lines)}{marks.TABLE_END}"


def _without_blank_columns(rows: list[list[tuple[str, int, str]]]) -> list[list[tuple[str, int, str]]]:
    """Take out the columns that only keep their neighbours apart."""
    used: set[int] = set()
    for cells in rows:
        column = 0
        for _, span, text in cells:
            if text and span == 1:
                used.add(column)
            column += span
    kept = []
    for cells in rows:
        column = 0
        left = []
        for align, span, text in cells:
            width = sum(place in used for place in range(column, column + span))
            if width or text:
                left.append((align, max(width, 1), text))
            column += span
        kept.append(left)
    return kept


def _is_line(cell: Element, has_heads: bool) -> bool:
    if cell.get("rowspan", "1") != "1":
        return False
    never = _NEVER_IN_CELLS if has_heads else _NEVER_IN_CELLS | _ONLY_IN_DATA
    return not any(inner.tag in never for inner in cell.iterdescendants())


def _align(cell: Element) -> str:
    style = _ALIGNED.search(cell.get("style", ""))
    value = (style[1] if style else cell.get("align", "")).lower()
    return {"right": "r", "end": "r", "center": "c"}.get(value, "l")


def _span(cell: Element) -> int:
    value = cell.get("colspan", "1")
    return min(int(value), 50) if value.isascii() and value.isdigit() and int(value[:4]) > 0 else 1


def is_table(content: str) -> bool:
    """Whether the content of a line is one table and nothing else."""
    return content.startswith(marks.TABLE_START) and content.find(marks.TABLE_END) == len(content) - 1


def table_rows(run: str) -> tuple[int, list[list[Cell]]]:
    """Take a run of :func:`grid_of` apart: how many rows are headings, and all rows."""
    heads, *rows = run[1:-1].split(marks.ROW)
    return int(heads), [[_cell(cell) for cell in row.split(marks.CELL)] for row in rows]


def _cell(written: str) -> Cell:
    spec, text = written.split(marks.SPEC, 1)
    return Cell(spec[0], int(spec[1:]), text)


def set_rows(heads: int, rows: list[list[Cell]], width: int) -> list[str]:
    """Set rows in columns of together ``width`` at most (0: any), else cell by cell.

    The text of the cells is set already, but for its breaks.
    """
    rows_of_lines = [lines_of(row) for row in rows]
    grid = Grid.of(heads, rows_of_lines)
    texts = [cell.text for lines in rows_of_lines for line in lines for cell in line]
    simple = grid.set_simple(texts, width)
    if simple is not None:
        return simple
    widths = grid.widths(texts, columns_of)
    if width and _total(widths) > width:
        widest = max(range(len(widths)), key=widths.__getitem__)
        widths[widest] -= _total(widths) - width
        if widths[widest] < _NARROWEST or len(rows) == 1:
            return _cell_by_cell(heads, rows)
        rows_of_lines = [lines_of(_wrapped(row, widths)) for row in rows]
        lines = [line for lines in rows_of_lines for line in lines]
        if any(columns_of(cell.text) > room for line in lines for cell, room in _measured(line, widths)):
            return _cell_by_cell(heads, rows)
    set_lines = [_set_line(line, widths) for lines in rows_of_lines for line in lines]
    if heads:
        set_lines.insert(sum(map(len, rows_of_lines[:heads])), _rule(widths))
    return set_lines


@dataclass(frozen=True, slots=True)
class Grid:
    """How the cells of a table stand, one line each, whatever is in them.

    ``columns`` has for each column the numbers of the cells that are in it alone, ``spanning`` those of the
    others with the first column they take and the one behind the last. ``kinds`` has the alignments and spans
    of lines, and ``lines`` for each line the number of its kind.
    """

    columns: tuple[tuple[int, ...], ...]
    spanning: tuple[tuple[int, int, int], ...]
    kinds: tuple[tuple[tuple[str, int], ...], ...]
    lines: tuple[int, ...]
    rule: int  # the number of lines above the rule under the headings, 0 without one

    @classmethod
    def of(cls, heads: int, rows: list[list[list[Cell]]]) -> Grid:
        """Return the grid of rows that are split into lines."""
        lines = [line for row in rows for line in row]
        columns: list[list[int]] = [[] for _ in range(max(sum(cell.span for cell in line) for line in lines))]
        spanning = []
        number = 0
        for line in lines:
            column = 0
            for cell in line:
                if cell.span == 1:
                    columns[column].append(number)
                else:
                    spanning.append((number, column, column + cell.span))
                column += cell.span
                number += 1
        kinds: dict[tuple[tuple[str, int], ...], int] = {}
        numbers = [
            kinds.setdefault(tuple((cell.align, cell.span) for cell in line), len(kinds)) for line in lines
        ]
        rule = sum(map(len, rows[:heads]))
        return cls(tuple(map(tuple, columns)), tuple(spanning), tuple(kinds), tuple(numbers), rule)

    def widths(self, texts: Sequence[str], measure: Callable[[str], int]) -> list[int]:
        """Return the width of each column; a cell over several stretches the last of them when it must."""
        sizes = list(map(measure, texts))
        widths = [max(map(sizes.__getitem__, column), default=0) for column in self.columns]
        for number, start, end in self.spanning:
            if sizes[number]:
                widths[end - 1] += max(0, sizes[number] - _total(widths[start:end]))
        return widths

    def set_simple(self, texts: Sequence[str], width: int) -> list[str] | None:
        """Set cells whose characters all take one column, or return ``None`` when they are too wide."""
        if len(self.lines) == 1 and not (self.spanning or self.rule):  # as wide as what stands in it
            line = _GAP.join(texts)
            return [line.rstrip()] if is_simple(line) and (not width or len(line) <= width) else None
        if not is_simple("".join(texts)):
            return None
        widths = self.widths(texts, len)
        if width and _total(widths) > width:
            return None
        if any(align == "c" for kind in self.kinds for align, _ in kind):
            texts = self._centred(texts, widths)
        forms = [_form(kind, widths) for kind in self.kinds]
        form = "\n".join([forms[number] for number in self.lines])
        lines = [line.rstrip() for line in (form % tuple(texts)).split("\n")]
        if self.rule:
            lines.insert(self.rule, _rule(widths))
        return lines

    def _centred(self, texts: Sequence[str], widths: list[int]) -> list[str]:
        places = (place for number in self.lines for place in _places(self.kinds[number], widths))
        return [
            _aligned(text, align, room) if align == "c" else text
            for text, (align, room) in zip(texts, places, strict=True)
        ]


def _form(kind: tuple[tuple[str, int], ...], widths: list[int]) -> str:
    """Return what sets a line when it is given its cells by ``%``, those in the middle set already."""
    return _GAP.join([f"%{'' if align == 'r' else '-'}{room}s" for align, room in _places(kind, widths)])


def _places(kind: tuple[tuple[str, int], ...], widths: list[int]) -> Iterator[tuple[str, int]]:
    """Yield for each cell of a line its alignment and the room it has."""
    column = 0
    for align, span in kind:
        yield align, _total(widths[column : column + span])
        column += span


def _rule(widths: list[int]) -> str:
    return _GAP.join("-" * size for size in widths)


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


def _total(widths: list[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _set_line(line: list[Cell], widths: list[int]) -> str:
    return _GAP.join(_aligned(cell.text, cell.align, room) for cell, room in _measured(line, widths)).rstrip()


def _aligned(text: str, align: str, room: int) -> str:
    space = max(0, room - columns_of(text))
    before = {"l": 0, "r": space, "c": space // 2}[align]
    return " " * before + text + " " * (space - before)


def _measured(row: list[Cell], widths: list[int]) -> list[tuple[Cell, int]]:
    """Return the cells of a row with the room that each has."""
    rooms = [room for _, room in _places(tuple((cell.align, cell.span) for cell in row), widths)]
    return list(zip(row, rooms, strict=True))


def _wrapped(row: list[Cell], widths: list[int]) -> list[Cell]:
    return [
        cell._replace(
            text=marks.BREAK.join(part for line in cell.text.split(marks.BREAK) for part in wrap(line, room))
        )
        for cell, room in _measured(row, widths)
    ]


def _cell_by_cell(heads: int, rows: list[list[Cell]]) -> list[str]:
    """Set a table that is too wide: a line for each cell, under the name of its column when it has one."""
    names = [cell.text.replace(marks.BREAK, " ") for cell in rows[0] if cell.span == 1] if heads else []
    lines: list[str] = []
    for row in rows[heads:]:
        named = len(names) == len(row)
        for number, cell in enumerate(row):
            text = cell.text.replace(marks.BREAK, " ").strip()
            if text:
                lines.append(f"{names[number]}: {text}" if named and names[number] else text)
        lines.append("")
    return lines[:-1]
