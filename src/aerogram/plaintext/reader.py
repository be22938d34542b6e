"""The reader of a document: it writes down, in few plain elements, what a person sees of it.

The result is HTML for html2text: paragraphs, headings, lists, quotes, and a number for each run of text.
html2text never gets the texts themselves: it cannot escape them, and they cannot change the structure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lxml import etree

from aerogram.plaintext import marks
from aerogram.plaintext.generated import Numbering, quotation_marks
from aerogram.plaintext.marks import clean, clean_url, is_blank
from aerogram.plaintext.scope import BLOCKS, BOXES, PREFORMATTED, SCOPED, Scope
from aerogram.plaintext.style import DEFAULT, UNREAD, style_of, tags
from aerogram.plaintext.table import table_run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aerogram.document import Element
    from aerogram.plaintext.style import StyleInfo

_HEADINGS = tags("h1 h2 h3 h4 h5 h6")
_KEPT_BLOCKS = _HEADINGS | tags("p ul ol li blockquote dl dt dd")
_HANDLED = BLOCKS | tags("a area br hr img")  # elements that are more than the words in them
_EDGED = BLOCKS - PREFORMATTED - {"table", "tr"}  # elements that are nothing but blocks
_BLOCKS_IN_ITEMS = tags("ul ol li blockquote dl dt dd")  # those that html2text may get inside a list item
_STRUCK = tags("s strike del")
_WRAPPED = {"sup": (marks.RAISED, marks.RAISED_END), "rt": ("(", ")"), **dict.fromkeys(_STRUCK, ("~", "~"))}
_ROWS: Any = etree.XPath("tr | thead/tr | tbody/tr | tfoot/tr")
_MOST_WRAPPED = 20  # elements inside each other with marks around them
_PIXEL = re.compile(r"\s*[01](?:\.0*)?(?:px)?\s*$")
_LINE_EDGES = re.compile(f"[{marks.BREAK}{marks.SOFT}]")
_PRE_EDGES = re.compile(f"{marks.SOFT}+{marks.BREAK}?")
_SPACES = re.compile("  +")
_FOOT_CLASS = re.compile(r"(?:^|[\s_-])footer(?:\s|$)", re.IGNORECASE)


class Reader:
    """One walk over an element.

    It writes ``html`` and the ``runs`` whose numbers stand in it, or, when ``flat``, the texts of one table
    cell or of preformatted text.
    """

    def __init__(self, *, flat: bool = False, scope: Scope | None = None) -> None:
        self.html: list[str] = []
        self.runs: list[str] = []
        self.images: set[int] = set()  # numbers of the runs that are alternative texts
        self._flat = flat
        self._items: list[int] = []  # where the words of the open list items begin in html
        self._lists: list[Numbering | None] = []
        self._links = 0  # open links: the label of one is a single line
        self._link_start = 0  # where the open link begins in html
        self._unseen = self._unread = 0  # hidden elements in it, images in it that have no text
        self._last_image = -1  # the length of html behind the last image
        self._scopes: list[Scope] = [scope or Scope()]
        self._wrapped: list[tuple[Element, int, str, str]] = []  # where it begins, and the marks around it
        self._has_foot = flat

    def read(self, root: Element) -> None:
        """Read all that is inside ``root``."""
        walk = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
        skipped = None
        open_tags: list[str] = []
        for event, element in walk:
            if event != "start":
                if event == "end" and element is not skipped:
                    self._close(element, open_tags.pop())
                if element is not root and (text := element.tail):
                    self._write_text(text)
                continue
            style = style_of(element)
            tag = _role(element, style)
            if element is not root and not _is_seen(element, style):
                self._unseen += element.tag not in UNREAD  # of which some can be seen, but not read
            elif self._open(element, tag, style):
                open_tags.append(tag)
                if text := element.text:
                    self._write_text(text)
                continue
            else:
                self._leave(element)
            skipped = element
            walk.skip_subtree()

    def _open(self, element: Element, tag: str, style: StyleInfo) -> bool:
        """Begin an element; return whether to read what is inside."""
        if style.changes_text or tag in SCOPED or self._scopes[-1].is_flex:
            self._scopes.append(self._scopes[-1].inside(element, tag, style))
            self._write_edge(self._scopes[-1].edge)
        if tag in BLOCKS and not self._has_foot and _is_foot(element) and not (self._links or self._items):
            self._wrapped.append((element, len(self.html), marks.FOOT, ""))
            self._has_foot = True
        if tag in _HANDLED and not self._begin(element, tag, style):
            self._end_wraps(element)
            return False
        if tag == "q" or style.is_struck or (tag in _WRAPPED and style.is_struck is None):
            around = quotation_marks(element) if tag == "q" else _WRAPPED.get(tag, _WRAPPED["s"])
            is_open = around[0] == "~" and any(mark == "~" for _, _, mark, _ in self._wrapped)
            if self._scopes[-1].shows_text and not is_open and len(self._wrapped) < _MOST_WRAPPED:
                self._wrapped.append((element, len(self.html), *around))
        return True

    def _begin(self, element: Element, tag: str, style: StyleInfo) -> bool:
        """Begin an element that is more than the words in it; return whether to read what is inside."""
        in_line = self._links or self._flat
        if tag in _EDGED:
            self._write_boundary(element, tag, is_opening=True)
        elif tag == "br":
            self._write_edge(marks.BREAK)
        elif tag == "img":
            self._write_image(element, style)
        elif tag == "hr":
            self.html.append(" " if in_line else "<hr>")
        elif tag == "a":
            self._begin_link(element)
        elif tag == "area":
            self._write_area(element)
        elif tag in PREFORMATTED and not in_line and not _has_blocks(element):
            self._write_preformatted(element)
            return False
        elif tag == "table" and not in_line:
            return not self._write_table(element)
        elif tag == "tr" and not in_line and (row := self._table_run(element, [element])):
            self._write_paragraph(row)
            return False
        elif tag in BLOCKS:
            self._write_boundary(element, tag, is_opening=True)
        return True

    def _close(self, element: Element, tag: str) -> None:
        if self._wrapped:
            self._end_wraps(element)
        if tag == "a" and element.get("href") is not None:
            self._links -= 1
            if not self._links:
                self._end_link(element)
        elif tag in BLOCKS:
            self._write_boundary(element, tag, is_opening=False)
        self._leave(element)

    def _leave(self, element: Element) -> None:
        """End an element whose style changes the text inside, if it is one."""
        if self._scopes[-1].element is element:
            self._write_edge(self._scopes.pop().edge)

    def _end_wraps(self, element: Element) -> None:
        """Put marks around the words of an element that has words."""
        while self._wrapped and self._wrapped[-1][0] is element:
            _, start, before, after = self._wrapped.pop()
            first = next((index for index in range(start, len(self.html)) if self._has_words(index)), None)
            if before == marks.FOOT:
                above = (index for index in range(start - 1, -1, -1) if self._has_words(index))
                last = None if first is None else next(above, None)
                self._has_foot = last is not None
                if last is not None and "<hr>" not in self.html[last:start]:
                    self.html.insert(start, f"<p>{self._entry(before)}</p>")
            elif first is not None:
                last = next(index for index in range(len(self.html) - 1, -1, -1) if self._has_words(index))
                self.html.insert(last + 1, self._entry(after))
                self.html.insert(first, self._entry(before))

    def _has_words(self, index: int) -> bool:
        entry = self.html[index]
        if not self._flat:
            entry = self.runs[int(entry[1:-1])] if entry[:1] == "\x02" else ""
        return not is_blank(entry.strip(marks.BREAK + marks.SOFT))

    def _write_text(self, text: str) -> None:
        """Write a run of text, unless its letters cannot be seen."""
        scope = self._scopes[-1]
        keeps = "" if scope.keeps != marks.PRE and (self._links or self._flat) else scope.keeps
        text = marks.CLEANERS[keeps](text)
        if not scope.shows_text:
            self._unseen += not is_blank(text)
        elif keeps == marks.PRE:
            self.html.append(text)
        elif is_blank(text) and not (keeps and len(text) > 1):
            self.html.append(" " if text else "")
        else:
            self.html.append(" " if text[0] == " " else "")
            self._write_run(f"{keeps}{text.strip(' ')}{keeps}")
            self.html.append(" " if text[-1] == " " else "")

    def _write_run(self, text: str) -> None:
        self.html.append(self._entry(text))

    def _entry(self, text: str) -> str:
        """Return what stands for a run of text in html."""
        if self._flat:
            return text
        self.runs.append(text)
        return f"\x02{len(self.runs) - 1}\x03"

    def _write_edge(self, edge: str) -> None:
        """Write a line break, or the edge of a line; inside a link a space."""
        if edge:
            self.html.append(" " if edge == " " or self._links else self._entry(edge))

    def _write_boundary(self, element: Element, tag: str, *, is_opening: bool) -> None:
        """Write the start or end of a block, in the way its surroundings allow."""
        tag = "ul" if tag in ("menu", "dir") else tag
        if self._links or self._flat or (self._items and tag not in _BLOCKS_IN_ITEMS):
            self._write_edge(marks.SOFT)
            return
        if tag == "div" and not element.attrib:  # a line typed in a mail client
            self._write_run(marks.SOFT)
            return
        if tag == "li":
            self._begin_item(element) if is_opening else self._end_item()
            return
        if tag not in _KEPT_BLOCKS or (tag in _HEADINGS and _has_blocks(element)):
            tag = "div"
        elif tag == "dd" and is_opening:
            self._items.append(len(self.html) + 1)
        elif tag == "dd":
            self._items.pop()
        elif tag in ("ol", "ul") and is_opening:
            items = sum(map(_is_seen, element.iterchildren("li")))
            self._lists.append(Numbering(element, items) if tag == "ol" else None)
            tag += f' start="{self._lists[-1].counted}"' if self._lists[-1] else ""
        elif tag in ("ol", "ul"):
            self._lists.pop()
        self.html.append(f"<{tag}>" if is_opening else f"</{tag}>")

    def _begin_item(self, element: Element) -> None:
        """Begin a list item, with its label if html2text would give it another one."""
        self.html.append("<li>")
        if self._lists and self._lists[-1] and (label := self._lists[-1].label(element)):
            self._write_run(f"{marks.ITEM}{label}{marks.ITEM}")
        self._items.append(len(self.html))

    def _end_item(self) -> None:
        """End a list item, or take it back if it is empty."""
        start = self._items.pop()
        if "".join(self.html[start:]).strip():
            self.html.append("</li>")
            return
        del self.html[start - 1 - (self.html[start - 1] != "<li>") :]
        if self._lists and self._lists[-1]:
            self._lists[-1].counted -= 1

    def _write_paragraph(self, run: str) -> None:
        """Write a run as a paragraph, or as lines where no block may stand."""
        if self._items:
            self._write_run(f"{marks.SOFT}{run}{marks.SOFT}")
        else:
            self.html += ["<p>", self._entry(run), "</p>"]

    def _write_image(self, element: Element, style: StyleInfo) -> None:
        """Write an image's alternative text; a pixel that counts readers has none worth reading."""
        sizes = element.get("width", ""), element.get("height", "")
        if style.is_pixel or any(map(_PIXEL.match, sizes)) or not self._scopes[-1].is_visible:
            self._unseen += 1
            return
        text = clean(element.get("alt", "")).strip()
        if is_blank(text):
            self._unread += 1
            return
        if self._last_image == len(self.html):
            self.html.append(" ")
        self.images.add(len(self.runs))
        self._write_run(text)
        self._last_image = len(self.html)

    def _write_area(self, element: Element) -> None:
        if not self._links and element.get("href") is not None:
            link = f"{clean(element.get('alt', '')).strip()}{marks.LINK_URL}{clean_url(element.get('href'))}"
            self._write_run(f"{marks.SOFT}{marks.LINK_START}{link}{marks.LINK_END}{marks.SOFT}")

    def _begin_link(self, element: Element) -> None:
        """Begin a link; one inside another is a part of its label."""
        self._links += element.get("href") is not None
        if self._links == 1 and element.get("href") is not None:
            self._link_start, self._unread = len(self.html), 0
            self._unseen = int(not self._scopes[-1].is_visible)
            self._write_run(marks.LINK_START)

    def _end_link(self, element: Element) -> None:
        """End a link, or take it back if all that is inside is hidden."""
        inside = "".join(self.html[self._link_start + 1 :])
        if inside.strip() or self._unread or not self._unseen:
            self._write_run(f"{marks.LINK_URL}{clean_url(element.get('href', ''))}{marks.LINK_END}")
        else:
            self.html[self._link_start :] = [inside]

    def _write_preformatted(self, element: Element) -> None:
        reader = Reader(flat=True, scope=self._scopes[-1]._replace(keeps=marks.PRE))
        reader.read(element)
        text = _PRE_EDGES.sub(marks.BREAK, "".join(reader.html)).strip(marks.BREAK)
        if not is_blank(text):
            self.html += ["<p>", self._entry(marks.PRE + text), "</p>"]

    def _write_table(self, element: Element) -> bool:
        """Write a table whose cells are lines of text as one run; return whether it is one."""
        rows = [row for row in _ROWS(element) if _is_seen(row) and _is_seen(row.getparent())]
        table = self._table_run(element, rows)
        if table is None:
            self._write_boundary(element, "table", is_opening=True)
            return False
        for caption in filter(_is_seen, element.iterchildren("caption")):
            if text := _cell_text(caption, {element: self._scopes[-1]}):
                self._write_paragraph(text)
        self._write_paragraph(table)
        return True

    def _table_run(self, table: Element, rows: Sequence[Element]) -> str | None:
        scopes = {table: self._scopes[-1]}
        return table_run(rows, lambda cell: _cell_text(cell, scopes), _is_seen)


def _cell_text(cell: Element, scopes: dict[Element, Scope]) -> str:
    """Return the text of a cell: lines with the marks of breaks and links."""
    reader = Reader(flat=True, scope=_scope_in(cell.getparent(), scopes))
    reader.read(cell)
    lines = (_SPACES.sub(" ", line).strip() for line in _LINE_EDGES.split("".join(reader.html)))
    return marks.BREAK.join([line for line in lines if not is_blank(line)])


def _scope_in(element: Element, scopes: dict[Element, Scope]) -> Scope:
    """Return the scope in an element; ``scopes`` has that of one around it, and gets the others."""
    if element not in scopes:
        outer, style = _scope_in(element.getparent(), scopes), style_of(element)
        scopes[element] = outer if style is DEFAULT else outer.inside(element, element.tag, style)
    return scopes[element]


def _is_seen(element: Element, style: StyleInfo | None = None) -> bool:
    """Return whether an element is not hidden by itself; ``style`` is that of it where the caller has it."""
    style, tag = style or style_of(element), element.tag
    if tag in UNREAD or style.is_hidden or (style.display is None and element.get("hidden") is not None):
        return False
    return not (style.is_clipped and (style.is_box or (style.display is None and tag in BOXES)))


def _role(element: Element, style: StyleInfo) -> str:
    """Return the name of an element, ``span`` for a block whose style makes it a part of the line."""
    tag: str = element.tag
    return "span" if style is not DEFAULT and style.display == "inline" and tag in BOXES else tag


def _has_blocks(element: Element) -> bool:
    return any(inner.tag in BLOCKS for inner in element.iterdescendants())


def _is_foot(element: Element) -> bool:
    """Return whether an element is the footer of a page, and of no quoted one."""
    is_foot = element.tag == "footer" or element.get("role") == "contentinfo"
    is_foot = is_foot or _FOOT_CLASS.search(element.get("class", "")) is not None
    return is_foot and next(element.iterancestors("blockquote"), None) is None
