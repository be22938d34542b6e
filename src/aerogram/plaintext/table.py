"""Tables in text: which rows of HTML read as a table, and how their cells stand in columns."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from aerogram.plaintext import marks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aerogram.document import Element

__all__ = ["grid_of", "set_table"]

_NEVER_IN_CELLS = frozenset(
    ("table", "ul", "ol", "dl", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "hr")
)
_ONLY_IN_DATA = frozenset(("p", "div", "center", "section", "article"))
_ALIGNED = re.compile(r"text-align\s*:\s*(right|end|center)", re.IGNORECASE)
_GAP = "  "
_NARROWEST = 16  # a column is not wrapped to fewer columns than this


class Cell(NamedTuple):
    """What stands in a cell: its lines, its alignment (l, r, c), and how many columns it takes."""

    lines: list[str]
    align: str
    span: int


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


def set_table(
    run: str,
    width: int,
    set_text: Callable[[str], str],
    columns: Callable[[str], int],
    wrap: Callable[[str, int], list[str]],
) -> list[str]:
    """Set a run of :func:`grid_of` in columns of together ``width`` at most, else row by row."""
    first, *written = run.split(marks.ROW)
    heads = int(first)
    rows = [[_cell(cell, set_text) for cell in row.split(marks.CELL)] for row in written]
    widths = _widths(rows, columns)
    room = width - len(_GAP) * (len(widths) - 1)
    if width and sum(widths) > room:
        widest = max(range(len(widths)), key=widths.__getitem__)
        left = room - sum(widths) + widths[widest]
        longest = max(
            columns(word) for row in rows for cell in row for line in cell.lines for word in line.split(" ")
        )
        if left < _NARROWEST or longest > left:
            return _row_by_row(rows, heads)
        widths[widest] = left
        rows = [_wrapped(row, widths, widest, wrap) for row in rows]
        if any(columns(line) > total for row in rows for line, total in _measured(row, widths)):
            return _row_by_row(rows, heads)
    lines = []
    for number, row in enumerate(rows, 1):
        lines += _row_lines(row, widths, columns)
        if number == heads:
            lines.append(_GAP.join("-" * size for size in widths))
    return lines


def _cell(written: str, set_text: Callable[[str], str]) -> Cell:
    spec, text = written.split(marks.SPEC, 1)
    return Cell([set_text(line) for line in text.split(marks.BREAK)], spec[0], int(spec[1:]))


def _widths(rows: list[list[Cell]], columns: Callable[[str], int]) -> list[int]:
    """Return the width of each column; a cell over several stretches the last of them when it must."""
    widths = [0] * max(sum(cell.span for cell in row) for row in rows)
    for spans in (False, True):
        for row in rows:
            column = 0
            for cell in row:
                end = column + cell.span
                if (cell.span > 1) is spans:
                    wanted = max(map(columns, cell.lines)) - len(_GAP) * (cell.span - 1)
                    widths[end - 1] += max(0, wanted - sum(widths[column:end]))
                column = end
    return widths


def _measured(row: list[Cell], widths: list[int]) -> list[tuple[str, int]]:
    measured = []
    column = 0
    for cell in row:
        total = sum(widths[column : column + cell.span]) + len(_GAP) * (cell.span - 1)
        measured += [(line, total) for line in cell.lines]
        column += cell.span
    return measured


def _wrapped(
    row: list[Cell], widths: list[int], widest: int, wrap: Callable[[str, int], list[str]]
) -> list[Cell]:
    wrapped = []
    column = 0
    for cell in row:
        end = column + cell.span
        if column <= widest < end:
            total = sum(widths[column:end]) + len(_GAP) * (cell.span - 1)
            cell = cell._replace(lines=[part for line in cell.lines for part in wrap(line, total)] or [""])
        wrapped.append(cell)
        column = end
    return wrapped


def _row_lines(row: list[Cell], widths: list[int], columns: Callable[[str], int]) -> list[str]:
    height = max(len(cell.lines) for cell in row)
    lines = []
    for number in range(height):
        parts = []
        column = 0
        for cell in row:
            total = sum(widths[column : column + cell.span]) + len(_GAP) * (cell.span - 1)
            text = cell.lines[number] if number < len(cell.lines) else ""
            space = max(0, total - columns(text))
            before = {"l": 0, "r": space, "c": space // 2}[cell.align]
            parts.append(" " * before + text + " " * (space - before))
            column += cell.span
        lines.append(_GAP.join(parts).rstrip())
    return lines


def _row_by_row(rows: list[list[Cell]], heads: int) -> list[str]:
    """Set a table that is too wide: a line for each cell, under the name of its column when it has one."""
    names = [" ".join(cell.lines) for cell in rows[0] if cell.span == 1] if heads else []
    lines: list[str] = []
    for row in rows[heads:]:
        named = len(names) == len(row)
        for number, cell in enumerate(row):
            text = " ".join(line for line in cell.lines if line)
            if text:
                lines.append(f"{names[number]}: {text}" if named and names[number] else text)
        lines.append("")
    return lines[:-1]
