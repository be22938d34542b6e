"""The reader of a document: it reduces the visible content to a few kinds of blocks and lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from lxml import etree

from aerogram.plaintext import marks
from aerogram.plaintext.generated import quotation_marks
from aerogram.plaintext.marks import clean, clean_url, is_blank
from aerogram.plaintext.structure import PARAGRAPH, RULE, Structure
from aerogram.plaintext.style import (
    BLOCKS,
    BOXES,
    DEFAULT,
    PREFORMATTED,
    SCOPED,
    UNREAD,
    Scope,
    is_seen,
    style_of,
    tags,
)
from aerogram.plaintext.table import table_run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aerogram.document import Element
    from aerogram.plaintext.style import StyleInfo

_HEADINGS = tags("h1 h2 h3 h4 h5 h6")
_NAMES = {"menu": "ul", "dir": "ul"}
_BLOCKS_IN_ITEMS = tags("ul ol menu dir li blockquote dl dt dd")  # html2text may get them inside an item
_KEPT_BLOCKS = _HEADINGS | _BLOCKS_IN_ITEMS
_HANDLED = BLOCKS | tags("a area br hr img")  # elements that are more than the words in them
_STRUCK = tags("s strike del")
_WRAPPED = {
    "sup": (marks.RAISED, marks.RAISED_END),
    "rt": ("(", ")"),
    **dict.fromkeys(_STRUCK, ("~", f"~{marks.URL_END}")),
}
_WRAPPED["q"] = "", ""  # by its language
_ALWAYS_WRAPPED = _WRAPPED.keys() - _STRUCK
_PLAIN_BLOCKS = BLOCKS - PREFORMATTED - {"table", "tr"}  # elements that are nothing but blocks
_SECTIONS = tags("thead tbody tfoot")
_PIXEL = re.compile(r"\s*[01](?:\.0*)?(?:px)?\s*$")
_LINE_EDGES = re.compile(f"[{marks.BREAK}{marks.SOFT}]")
_PRE_EDGES = re.compile(f"{marks.SOFT}+{marks.BREAK}?")
_SPACES = re.compile("  +")
_FOOT_CLASS = re.compile(r"(?:^|[\s_-])footer(?:\s|$)", re.IGNORECASE)


class _Opened(NamedTuple):
    """An open element that does more than contain text."""

    element: Element
    tag: str
    outer: Scope | None  # the scope around it, if that inside is another one


class Reader:
    """One walk over an element, which writes the ``structure`` of its visible content.

    If it is ``flat``, for a cell of a table or preformatted text, all is in one line.
    """

    def __init__(self, *, flat: bool = False, scope: Scope | None = None) -> None:
        self.structure = Structure()
        self._lines = self.structure.lines
        self._flat = flat
        self._scope = scope or Scope()
        self._opened: list[_Opened] = []
        self._links = 0  # open links: the label of one is a single line
        self._unseen = self._unread = 0  # hidden elements in it, images in it that have no text

    def read(self, root: Element) -> None:
        """Read an element."""
        walk = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
        for event, element in walk:
            if event == "start":
                if not self._open(element, is_root=element is root):
                    walk.skip_subtree()
                elif text := element.text:
                    self._write_text(text)
                continue
            if self._opened and self._opened[-1].element is element:
                self._close(self._opened.pop())
            if element is not root and (text := element.tail):
                self._write_text(text)

    def _open(self, element: Element, *, is_root: bool) -> bool:
        """Begin an element; return whether to read its content."""
        style, tag, scope = style_of(element), element.tag, self._scope
        if not (is_root or is_seen(element, style)):
            self._unseen += tag not in UNREAD  # of which some can be seen, but not read
            return False
        if style.display == "inline" and tag in BOXES:
            tag = "item" if tag == "li" else "span"
        is_scope = style.changes_text or tag in SCOPED or not scope.is_plain
        is_wrapped = style.is_struck or tag in (_WRAPPED if style.is_struck is None else _ALWAYS_WRAPPED)
        if not (is_scope or is_wrapped or tag in _HANDLED):
            return True
        opened = _Opened(element, tag, scope if is_scope else None)
        if is_scope:
            self._scope = scope.inside(element, tag, style)
            self._write_edge(self._scope.edge)
        if tag in BLOCKS and not (self._flat or self._links) and _is_foot(element):
            self.structure.begin_foot(element)
        if tag in _HANDLED and not self._begin(element, tag, style):
            self._leave(opened)
            return False
        if is_wrapped:
            self._wrap(element, tag)
        self._opened.append(opened)
        return True

    def _wrap(self, element: Element, tag: str) -> None:
        """Put marks around the words of an element."""
        around = quotation_marks(element) if tag == "q" else _WRAPPED.get(tag, _WRAPPED["s"])
        if self._scope.shows_text and not (around[0] == "~" and self._lines.is_inside("~")):
            self._lines.wrap(element, *around)

    def _begin(self, element: Element, tag: str, style: StyleInfo) -> bool:
        """Begin an element that does more than contain text; return whether to read its content."""
        in_line = self._links or self._flat
        if tag in _PLAIN_BLOCKS:
            self._write_boundary(element, tag, is_opening=True)
        elif tag == "br":
            self._write_edge(marks.BREAK)
        elif tag == "img":
            self._write_image(element, style)
        elif tag == "hr" and in_line:
            self._lines.pieces.append(" ")
        elif tag == "hr":
            self.structure.write_tag(RULE)
        elif tag == "a":
            self._begin_link(element)
        elif tag == "area":
            self._write_area(element)
        elif tag in PREFORMATTED and not in_line and not _has_blocks(element):
            self._write_preformatted(element)
            return False
        elif tag == "table" and not in_line and self._write_table(element):
            return False
        elif tag == "tr" and not in_line and (row := self._table_run(element, [element])):
            self.structure.write_paragraph(row)
            return False
        elif tag in BLOCKS:
            self._write_boundary(element, tag, is_opening=True)
        return True

    def _close(self, opened: _Opened) -> None:
        element, tag, _ = opened
        if tag == "a":
            self._end_link(element)
        elif tag in BLOCKS:
            self._write_boundary(element, tag, is_opening=False)
        self._leave(opened)

    def _leave(self, opened: _Opened) -> None:
        """End what any element may have: marks around its words, a footer, a scope."""
        element, _, outer = opened
        self._lines.unwrap(element)
        self.structure.end_foot(element)
        if outer is not None:
            self._write_edge(self._scope.edge)
            self._scope = outer

    def _write_text(self, text: str) -> None:
        """Write a text, unless it is invisible."""
        scope = self._scope
        if not scope.keeps and text.isspace():
            if self._lines.pieces:
                self._lines.pieces.append(" ")
            return
        keeps = "" if scope.keeps != marks.PRE and (self._links or self._flat) else scope.keeps
        text = marks.CLEANERS[keeps](text)
        if scope.shows_text:
            self._lines.write_text(text, keeps)
        else:
            self._unseen += not is_blank(text)

    def _write_edge(self, edge: str) -> None:
        """Write a line break, or the edge of a line; inside a link a space."""
        if edge:
            self._lines.pieces.append(" " if self._links else edge)

    def _write_boundary(self, element: Element, tag: str, *, is_opening: bool) -> None:
        """Write the start or end of a block, as far as its context allows one."""
        is_typed = tag == "div" and not element.attrib  # a line typed in a mail client
        if is_typed or self._links or self._flat or (self.structure.items and tag not in _BLOCKS_IN_ITEMS):
            self._write_edge(marks.SOFT)
        elif tag not in _KEPT_BLOCKS or (tag in _HEADINGS and _has_blocks(element)):
            self.structure.write_tag(PARAGRAPH)
        elif is_opening:
            self.structure.begin_block(element, _NAMES.get(tag, tag))
        else:
            self.structure.end_block(_NAMES.get(tag, tag))

    def _write_image(self, element: Element, style: StyleInfo) -> None:
        """Write an image's alternative text, except for tracking pixels."""
        sizes = element.get("width", ""), element.get("height", "")
        if style.is_pixel or any(map(_PIXEL.match, sizes)) or not self._scope.is_visible:
            self._unseen += 1
        elif is_blank(text := clean(element.get("alt", "")).strip()):
            self._unread += 1
        else:
            self._lines.write_image(text)

    def _write_area(self, element: Element) -> None:
        if not self._links and element.get("href") is not None:
            self._write_edge(marks.SOFT)
            self._lines.write(
                f"{marks.LINK_START}{clean(element.get('alt', '')).strip()}{_link_end(element)}"
            )
            self._write_edge(marks.SOFT)

    def _begin_link(self, element: Element) -> None:
        """Begin a link; a nested link is part of the outer label."""
        if element.get("href") is not None:
            self._links += 1
            if self._links == 1:
                self._unread, self._unseen = 0, int(not self._scope.is_visible)
                self._lines.wrap(element, marks.LINK_START, _link_end(element))

    def _end_link(self, element: Element) -> None:
        """End a link; a link without words is written as its URL, unless all its content is hidden."""
        if element.get("href") is not None:
            self._links -= 1
            if not (self._links or self._lines.unwrap(element)) and (self._unread or not self._unseen):
                self._lines.write(marks.LINK_START + _link_end(element))

    def _write_preformatted(self, element: Element) -> None:
        reader = Reader(flat=True, scope=self._scope._replace(keeps=marks.PRE))
        reader.read(element)
        text = _PRE_EDGES.sub(marks.BREAK, "".join(reader.structure.lines.pieces)).strip(marks.BREAK)
        if not is_blank(text):
            self.structure.write_tag(PARAGRAPH)
            self._lines.write(marks.PRE + text)
            self.structure.write_tag(PARAGRAPH)

    def _write_table(self, table: Element) -> bool:
        """Write a data table as one run; return false if it is not one."""
        run = self._table_run(table, [row for row in _rows_of(table) if is_seen(row)])
        if run is None:
            return False
        for caption in filter(is_seen, table.iterchildren("caption")):
            if text := _cell_text(caption, self._scope):
                self.structure.write_paragraph(text)
        self.structure.write_paragraph(run)
        return True

    def _table_run(self, table: Element, rows: Sequence[Element]) -> str | None:
        if all(len(row) < 2 for row in rows):
            return None
        scopes = {table: self._scope}
        return table_run(rows, lambda cell: _cell_text(cell, _scope_in(cell.getparent(), scopes)), is_seen)


def _rows_of(table: Element) -> list[Element]:
    """Return the visible rows of a table."""
    rows = []
    for part in table:
        if part.tag == "tr":
            rows.append(part)
        elif part.tag in _SECTIONS and is_seen(part):
            rows += part.iterchildren("tr")
    return rows


def _cell_text(cell: Element, scope: Scope) -> str:
    """Return the text of a cell: lines with the marks of breaks and links."""
    style = style_of(cell)
    if not (len(cell) or style.changes_text or style.is_struck) and scope.shows_text:
        text = clean(cell.text or "").strip()
        return "" if is_blank(text) else text
    reader = Reader(flat=True, scope=scope)
    reader.read(cell)
    lines = (
        _SPACES.sub(" ", line).strip() for line in _LINE_EDGES.split("".join(reader.structure.lines.pieces))
    )
    return marks.BREAK.join([line for line in lines if not is_blank(line)])


def _scope_in(element: Element, scopes: dict[Element, Scope]) -> Scope:
    """Return the scope inside an element; ``scopes`` has that of an ancestor, and receives the others."""
    if element not in scopes:
        outer, style = _scope_in(element.getparent(), scopes), style_of(element)
        scopes[element] = outer if style is DEFAULT else outer.inside(element, element.tag, style)
    return scopes[element]


def _link_end(element: Element) -> str:
    return f"{marks.LINK_URL}{clean_url(element.get('href', ''))}{marks.LINK_END}"


def _has_blocks(element: Element) -> bool:
    return any(inner.tag in BLOCKS for inner in element.iterdescendants())


def _is_foot(element: Element) -> bool:
    """Return whether an element is the footer of the page, and not of a quoted one."""
    name = element.get("class")
    is_foot = element.tag == "footer" or (name is not None and _FOOT_CLASS.search(name) is not None)
    is_foot = is_foot or element.get("role") == "contentinfo"
    return is_foot and next(element.iterancestors("blockquote"), None) is None
