"""Tables in text: which rows of HTML read as a table, and how they are written for the layout."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from aerogram.plaintext import marks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aerogram.document import Element

__all__ = ["Cell", "grid_of", "is_table", "table_rows"]

_NEVER_IN_CELLS = frozenset(
    ("table", "ul", "ol", "dl", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "hr")
)
_ONLY_IN_DATA = frozenset(("p", "div", "center", "section", "article"))
_MOST_REACHING = 50  # cells that reach down from a row
_ALIGNED = re.compile(r"text-align\s*:\s*(right|end|center)", re.IGNORECASE)
_ALIGNMENTS = {"right": "r", "end": "r", "center": "c"}


class Cell(NamedTuple):
    """What stands in a cell: its alignment (l, r, c), how many columns it takes, and its text."""

    align: str
    span: int
    text: str  # lines with the mark of a break between them


def grid_of(
    rows: Sequence[Element], inline: Callable[[Element], str], is_seen: Callable[[Element], bool]
) -> str | None:
    """Write rows of a table as one run for the layout, or return ``None`` when they only arrange the page.

    A table is one whose cells are lines of text, two of them at least side by side. What the cells say does
    not matter, only whether they are blank.
    """
    table = [[cell for cell in row if cell.tag in ("td", "th") and is_seen(cell)] for row in rows]
    if max((len(cells) for cells in table), default=0) < 2:
        return None
    has_heads = any(cell.tag == "th" for cells in table for cell in cells)
    is_data = has_heads or _is_ruled(rows[0])
    if not all(_is_line(cell, is_data) for cells in table for cell in cells):
        return None
    written: list[list[tuple[str, int, str]]] = []
    heads = 0
    below = _blanks_below(rows, table)
    if below is None:
        return None
    for cells, blanks in zip(table, below, strict=True):
        texts = [inline(cell) for cell in cells]
        if not any(texts):
            continue
        if has_heads and heads == len(written) and all(cell.tag == "th" for cell in cells):
            heads += 1
        line = [(_align(cell), _columns(cell), text) for cell, text in zip(cells, texts, strict=True)]
        for place, span in blanks:
            line.insert(place, ("l", span, ""))
        written.append(line)
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
    if all(text and span == 1 for cells in rows for _, span, text in cells):
        return rows
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


def _is_ruled(row: Element) -> bool:
    """Whether the rows stand in a table whose lines are drawn, as nobody has it in a layout."""
    table = next(row.iterancestors("table"), row)
    return table.get("border", "0").strip() not in ("0", "", "none") or "MsoTableGrid" in table.get(
        "class", ""
    )


def _is_line(cell: Element, is_data: bool) -> bool:
    if not is_data and cell.get("rowspan", "1") != "1":
        return False
    if len(cell) == 0:
        return True
    never = _NEVER_IN_CELLS if is_data else _NEVER_IN_CELLS | _ONLY_IN_DATA
    return not any(inner.tag in never and not _is_of_word(inner) for inner in cell.iterdescendants())


def _is_of_word(element: Element) -> bool:
    """Whether this is a paragraph of Word, where each line of a cell is one."""
    return bool(element.tag == "p" and element.get("class", "").startswith("Mso"))


def _blanks_below(rows: Sequence[Element], table: list[list[Element]]) -> list[list[tuple[int, int]]] | None:
    """Return for each row the blank cells below those that reach down to it: their places and spans.

    A place is the number of the cell in the row, the blank ones before it included. ``None`` for more cells
    that reach down than any table has that somebody reads.
    """
    if all(cell.get("rowspan", "1") == "1" for cells in table for cell in cells):
        return [[]] * len(table)
    found = []
    below: dict[int, tuple[int, int]] = {}  # by the first column: how many rows are left, and the span
    part = None
    for row, cells in zip(rows, table, strict=True):
        if row.getparent() is not part:
            part, below = row.getparent(), {}
        blanks, below = _blanks_in(cells, below)
        if len(below) > _MOST_REACHING:
            return None
        found.append(blanks)
    return found


def _blanks_in(
    cells: list[Element], below: dict[int, tuple[int, int]]
) -> tuple[list[tuple[int, int]], dict[int, tuple[int, int]]]:
    """Return the blank cells of a row, below those that reach down to it, and what reaches the next row."""
    blanks = []
    after = {start: (left - 1, span) for start, (left, span) in below.items()}
    column = place = 0
    for cell in [*cells, None]:
        while column in below:
            span = below[column][1]
            blanks.append((place, span))
            column += span
            place += 1
        if cell is not None:
            span = _columns(cell)
            after[column] = _rows(cell) - 1, span
            column += span
            place += 1
    return blanks, {start: reach for start, reach in after.items() if reach[0] > 0}


def _align(cell: Element) -> str:
    """Return l, r or c: as the cell is aligned, or the first paragraph in it."""
    for element in (cell, cell.find("p")) if len(cell) else (cell,):
        if element is None:
            continue
        style = element.get("style")
        aligned = _ALIGNED.search(style) if style else None
        value = (aligned[1] if aligned else element.get("align", "")).lower()
        if align := _ALIGNMENTS.get(value):
            return align
    return "l"


def _columns(cell: Element) -> int:
    value = cell.get("colspan")
    return max(min(int(value[:5]), 50), 1) if value and value.isascii() and value.isdigit() else 1


def _rows(cell: Element) -> int:
    value = cell.get("rowspan", "1")
    if not (value.isascii() and value.isdigit()):
        return 1
    return int(value[:5]) or 65534  # 0 means all that are left


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
