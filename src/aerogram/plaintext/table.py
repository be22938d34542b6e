"""Data tables: which HTML rows form one, and the run of text that carries it to the layout."""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, NamedTuple

from aerogram.plaintext import marks
from aerogram.plaintext.style import ALIGNMENTS, PREFORMATTED, style_of, tags

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aerogram.document import Element

_NEVER_IN_CELLS = PREFORMATTED | tags("table ul ol dl menu dir h1 h2 h3 h4 h5 h6 blockquote hr")
_ONLY_IN_DATA = tags("p div center section article header footer main aside nav figure fieldset")
_MOST_ROWSPANS = 50  # cells that reach down from one row; no table that somebody reads has more


class Cell(NamedTuple):
    """One cell."""

    align: str  # l, r or c
    span: int  # columns
    text: str  # lines with the mark of a break between them


def table_run(
    rows: Sequence[Element], text_of: Callable[[Element], str], is_seen: Callable[[Element], bool]
) -> str | None:
    """Write the rows of a data table as one run, or return ``None`` for a layout table.

    One row of links becomes a line for each.

    The cells of a table of words are lines of text, and in one row two at least hold some. What they say does
    not matter, only whether they are blank.
    """
    table = [[cell for cell in row if cell.tag in ("td", "th") and is_seen(cell)] for row in rows]
    if max((len(cells) for cells in table), default=0) < 2:
        return None
    has_heads = any(cell.tag == "th" for cells in table for cell in cells)
    is_data = has_heads or _is_ruled(rows[0])
    if not all(_holds_lines(cell, is_data) for cells in table for cell in cells):
        return None
    filled = _with_blanks(rows, table)
    if filled is None:
        return None
    written: list[list[Cell]] = []
    heads = 0
    feet: list[int] = []
    lined: list[int] = []
    for source, cells in zip(rows, filled, strict=True):
        row = [
            Cell("l", span, "") if cell is None else Cell(_align(cell), span, text_of(cell))
            for cell, span in cells
        ]
        if not any(cell.text for cell in row):
            continue
        if has_heads and heads == len(written) and all(cell is None or cell.tag == "th" for cell, _ in cells):
            heads += 1
        elif source.getparent().tag == "tfoot":
            feet.append(len(written))
        if all(cell is None or style_of(cell).has_rule for cell, _ in cells):
            lined.append(len(written))
        written.append(row)
    written = _without_blank_columns(written)
    if max((sum(bool(cell.text) for cell in row) for row in written), default=0) < 2:
        return None
    if len(written) == 1 and all(marks.LINK_START in cell.text for cell in written[0] if cell.text):
        # Buttons or a menu: each link reads better on a line of its own.
        texts = [cell.text for cell in written[0] if cell.text]
        return marks.SOFT.join(texts) if all(map(_is_link, texts)) else None
    lines = [
        marks.CELL.join(f"{align}{span}{marks.SPEC}{text}" for align, span, text in row) for row in written
    ]
    ruled = {*feet[:1], *(row for row in lined if row - 1 not in lined and 2 * len(lined) <= len(written))}
    rules = ",".join(map(str, [heads, *sorted(ruled)]))
    return f"{marks.TABLE_START}{marks.ROW.join([rules, *lines])}{marks.TABLE_END}"


def _is_ruled(row: Element) -> bool:
    """Return whether a row is in a table with visible borders, which layout tables do not have."""
    table = next(row.iterancestors("table"), row)
    has_border = table.get("border", "0").strip() not in ("0", "", "none")
    return has_border or "MsoTableGrid" in table.get("class", "")


def _holds_lines(cell: Element, is_data: bool) -> bool:
    """Return whether a cell contains only lines of text."""
    if not is_data and cell.get("rowspan", "1") != "1":
        return False
    if not len(cell):
        return True
    never = _NEVER_IN_CELLS if is_data else _NEVER_IN_CELLS | _ONLY_IN_DATA
    # Microsoft Word makes a paragraph of each line of a cell.
    return not any(
        inner.tag in never and not (inner.tag == "p" and inner.get("class", "").startswith("Mso"))
        for inner in cell.iterdescendants()
    )


def _with_blanks(
    rows: Sequence[Element], table: list[list[Element]]
) -> list[list[tuple[Element | None, int]]] | None:
    """Return the cells of each row with their spans; ``None`` for a place that a cell above spans.

    Too many of these make no table.
    """
    found = []
    below: dict[int, tuple[int, int]] = {}  # by first column: the rows left, and the span
    part = None
    for row, cells in zip(rows, table, strict=True):
        if row.getparent() is not part:
            part, below = row.getparent(), {}
        after = {start: (left - 1, span) for start, (left, span) in below.items() if left > 1}
        filled: list[tuple[Element | None, int]] = []
        column = 0
        for cell in [*cells, None]:
            while column in below:
                filled.append((None, below[column][1]))
                column += below[column][1]
            if cell is not None:
                span = _span(cell)
                if (rows_over := cell.get("rowspan")) and (count := _number(rows_over)) != 1:
                    after[column] = (count or 65534) - 1, span  # 0 stands for all that are left
                filled.append((cell, span))
                column += span
        below = after
        if len(below) > _MOST_ROWSPANS:
            return None
        found.append(filled)
    return found


def _align(cell: Element) -> str:
    """Return l, r or c: the alignment of a cell, or of the first paragraph in it."""
    align = style_of(cell).align or ALIGNMENTS.get(cell.get("align", "").lower())
    if not align and len(cell) and (paragraph := next(cell.iterchildren("p"), None)) is not None:
        align = style_of(paragraph).align or ALIGNMENTS.get(paragraph.get("align", "").lower())
    return align or "l"


def _span(cell: Element) -> int:
    value = cell.get("colspan")
    return max(min(_number(value), 50), 1) if value else 1


def _number(value: str | None) -> int:
    return int(value[:5]) if value and value.isascii() and value.isdigit() else 1


def _without_blank_columns(rows: list[list[Cell]]) -> list[list[Cell]]:
    """Remove the columns that only separate their neighbours."""
    starts = [list(accumulate((cell.span for cell in row), initial=0)) for row in rows]
    used = {
        start
        for row, columns in zip(rows, starts, strict=True)
        for cell, start in zip(row, columns, strict=False)
        if cell.text and cell.span == 1
    }
    if len(used) == max((columns[-1] for columns in starts), default=0):
        return rows
    kept = []
    for row, columns in zip(rows, starts, strict=True):
        spans = [len(used.intersection(range(*ends))) for ends in pairwise(columns)]
        kept.append(
            [
                cell._replace(span=max(span, 1))
                for cell, span in zip(row, spans, strict=True)
                if span or cell.text
            ]
        )
    return kept


def _is_link(text: str) -> bool:
    """Return whether a text is one link and nothing else."""
    return text[0] == marks.LINK_START and text.find(marks.LINK_END) == len(text) - 1


def is_table(content: str) -> bool:
    """Return whether the content of a line is one table and nothing else."""
    return content.startswith(marks.TABLE_START) and content.find(marks.TABLE_END) == len(content) - 1


def parse_table(run: str) -> tuple[int, list[list[Cell]], list[int]]:
    """Return the arguments of :func:`~aerogram.plaintext.grid.arrange` for a run of :func:`table_run`."""
    rules, *rows = run[1:-1].split(marks.ROW)
    written = [[cell.split(marks.SPEC) for cell in row.split(marks.CELL)] for row in rows]
    heads, *ruled = map(int, rules.split(","))
    return heads, [[Cell(spec[0], int(spec[1:]), text) for spec, text in row] for row in written], ruled
