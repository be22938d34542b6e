"""The reader of a document: it writes down, in few plain elements, what a person sees of it.

The result is HTML for html2text: paragraphs, headings, lists, quotes, and a number for each run of text.
html2text never gets the texts themselves: it cannot escape them, and they cannot change the structure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from lxml import etree

from aerogram.plaintext import marks
from aerogram.plaintext.marks import clean, clean_lines, clean_pre_lines, clean_url, is_blank
from aerogram.plaintext.style import UNREAD, is_hidden, style_of
from aerogram.plaintext.table import table_run

if TYPE_CHECKING:
    from aerogram.document import Element
    from aerogram.plaintext.style import StyleInfo


def _tags(names: str) -> frozenset[str]:
    return frozenset(names.split())


_KEPT_BLOCKS = _tags("p h1 h2 h3 h4 h5 h6 ul ol li blockquote dl dt dd")
_BLOCKS = _KEPT_BLOCKS | _tags(
    "address article aside body caption center details div fieldset figcaption figure footer form header "
    "hgroup main nav section summary table tbody td tfoot th thead tr"
)
_HANDLED = _BLOCKS | _tags("a area br hr img pre")  # elements that are more than the words in them
_BLOCKS_IN_ITEMS = _tags("ul ol li blockquote dl dt dd")  # those that html2text may get inside a list item
_PIXEL = re.compile(r"\s*[01](?:\.0*)?(?:px)?\s*$")
_LINE_EDGES = re.compile(f"[{marks.BREAK}{marks.SOFT}]")
_SPACES = re.compile("  +")


class _Scope(NamedTuple):
    """An element whose style changes the text inside, with the styles around it."""

    element: Element = None
    has_lines: bool = False
    keeps_lines: bool = False
    has_visible_font: bool = True
    has_visible_color: bool = True


class Reader:
    """One walk over an element.

    It writes ``html`` and the ``runs`` whose numbers stand in it, or, when ``flat``, the texts of one table
    cell.
    """

    def __init__(self, hidden: frozenset[str], *, flat: bool = False) -> None:
        self.html: list[str] = []
        self.runs: list[str] = []
        self.images: set[int] = set()  # numbers of the runs that are alternative texts
        self._hidden = hidden
        self._flat = flat
        self._items: list[int] = []  # where the open list items begin in html
        self._links = 0  # open links: the label of one is a single line
        self._link_start = 0  # where the open link begins in html
        self._unseen = self._unread = 0  # hidden elements in it, images in it that have no text
        self._last_image = -1  # the length of html behind the last image
        self._scopes: list[_Scope] = [_Scope()]

    def read(self, root: Element) -> None:
        """Read all that is inside ``root``."""
        walk = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
        skipped = None
        for event, element in walk:
            if event != "start":
                if event == "end" and element is not skipped:
                    self._close(element, element.tag)
                if element is not root:
                    self._write_text(element.tail)
                continue
            style = style_of(element)
            if element is not root and (element.tag in UNREAD or is_hidden(element, style, self._hidden)):
                self._unseen += element.tag not in UNREAD  # of which some can be seen, but not read
            elif self._open(element, element.tag, style):
                self._write_text(element.text)
                continue
            else:
                self._leave(element)
            skipped = element
            walk.skip_subtree()

    def _open(self, element: Element, tag: str, style: StyleInfo) -> bool:
        """Begin an element; return whether to read what is inside."""
        if style.changes_text:
            self._enter(element, tag, style)
        if tag not in _HANDLED:
            return True
        in_line = self._links or self._flat
        if tag == "br":
            if self._links:
                self.html.append(" ")
            else:
                self._write_run(marks.BREAK)
        elif tag == "img":
            self._write_image(element, style)
        elif tag == "hr":
            self.html.append(" " if in_line else "<hr>")
        elif tag == "pre" and not in_line:
            text = clean_pre_lines(self._preformatted_text(element)).strip(marks.BREAK)
            if not is_blank(text):
                self.html.append("<p>")
                self._write_run(marks.PRE + text)
                self.html.append("</p>")
            return False
        elif tag == "a" and element.get("href") is not None:
            self._links += 1
            if self._links == 1:
                self._link_start, self._unseen, self._unread = len(self.html), 0, 0
                self._write_run(marks.LINK_START)
        elif tag == "area" and not self._links and element.get("href") is not None:
            label = clean(element.get("alt", "")).strip()
            link = f"{label}{marks.LINK_URL}{clean_url(element.get('href'))}"
            self._write_run(f"{marks.SOFT}{marks.LINK_START}{link}{marks.LINK_END}{marks.SOFT}")
        elif tag == "table" and not in_line:
            return not self._write_table(element)
        elif tag == "tr" and not in_line and (row := table_run([element], self._cell_text, self._is_seen)):
            self._write_paragraph(row)
            return False
        elif tag in _BLOCKS:
            self._write_boundary(element, tag, is_opening=True)
        return True

    def _close(self, element: Element, tag: str) -> None:
        """End an element."""
        if tag == "a" and element.get("href") is not None:
            self._links -= 1
            if not self._links:
                self._end_link(element)
        elif tag in _BLOCKS:
            self._write_boundary(element, tag, is_opening=False)
        self._leave(element)

    def _enter(self, element: Element, tag: str, style: StyleInfo) -> None:
        """Begin an element whose style changes the text inside."""
        outer = self._scopes[-1]
        has_lines = style.has_lines and tag not in _BLOCKS
        self._scopes.append(
            _Scope(
                element,
                has_lines,
                outer.keeps_lines if style.keeps_lines is None else style.keeps_lines,
                outer.has_visible_font if style.has_visible_font is None else style.has_visible_font,
                outer.has_visible_color if style.has_visible_color is None else style.has_visible_color,
            )
        )
        if has_lines:
            self._write_edge()

    def _leave(self, element: Element) -> None:
        """End an element whose style changes the text inside, if it is one."""
        if self._scopes[-1].element is element and self._scopes.pop().has_lines:
            self._write_edge()

    def _write_text(self, text: str | None) -> None:
        """Write a run of text, unless its letters cannot be seen."""
        scope = self._scopes[-1]
        if not (text and scope.has_visible_font and scope.has_visible_color):
            return
        keeps_lines = scope.keeps_lines and not (self._links or self._flat)
        text = clean_lines(text) if keeps_lines else clean(text)
        if is_blank(text):
            self.html.append(" " if text else "")
            return
        words = text.strip(" ")
        self.html.append(" " if text[0] == " " else "")
        self._write_run(f"{marks.KEEP}{words}{marks.KEEP}" if keeps_lines else words)
        self.html.append(" " if text[-1] == " " else "")

    def _write_run(self, text: str) -> None:
        """Write a text that html2text must not see."""
        if self._flat:
            self.html.append(text)
        else:
            self.html.append(f"\x02{len(self.runs)}\x03")
            self.runs.append(text)

    def _write_edge(self) -> None:
        """Write the edge of a line."""
        if self._links:
            self.html.append(" ")
        else:
            self._write_run(marks.SOFT)

    def _write_boundary(self, element: Element, tag: str, *, is_opening: bool) -> None:
        """Write the start or end of a block, in the way its surroundings allow."""
        if self._links or self._flat or (self._items and tag not in _BLOCKS_IN_ITEMS):
            self._write_edge()
            return
        if tag == "div" and not element.attrib:  # a line typed in a mail client
            self._write_run(marks.SOFT)
            return
        if tag not in _KEPT_BLOCKS:
            tag = "div"
        elif tag in ("li", "dd") and is_opening:
            self._items.append(len(self.html))
        elif tag == "li" and not self._end_item():
            return
        elif tag == "dd" and not is_opening:
            self._items.pop()
        elif tag == "ol" and is_opening:
            start = element.get("start", "")
            tag += f' start="{start}"' if start.isdigit() and len(start) < 6 else ""
        self.html.append(f"<{tag}>" if is_opening else f"</{tag}>")

    def _end_item(self) -> bool:
        """End a list item; take it back and return false if it is empty."""
        start = self._items.pop() if self._items else 0
        if "".join(self.html[start + 1 :]).strip():
            return True
        del self.html[start:]
        return False

    def _write_paragraph(self, run: str) -> None:
        """Write a run as a paragraph, or as lines where no block may stand."""
        if self._items:
            self._write_run(f"{marks.SOFT}{run}{marks.SOFT}")
        else:
            self.html.append("<p>")
            self._write_run(run)
            self.html.append("</p>")

    def _write_image(self, element: Element, style: StyleInfo) -> None:
        """Write an image's alternative text; a pixel that counts readers has none worth reading."""
        sizes = element.get("width", ""), element.get("height", "")
        if style.is_pixel or any(map(_PIXEL.match, sizes)):
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

    def _end_link(self, element: Element) -> None:
        """End a link, or take it back if all that is inside is hidden."""
        inside = "".join(self.html[self._link_start + 1 :])
        if inside.strip() or self._unread or not self._unseen:
            self._write_run(f"{marks.LINK_URL}{clean_url(element.get('href', ''))}{marks.LINK_END}")
        else:
            self.html[self._link_start :] = [inside]

    def _preformatted_text(self, pre: Element) -> str:
        """Return the text inside ``pre``, white space included."""
        texts = []
        walk = etree.iterwalk(pre, events=("start", "end", "comment", "pi"))
        for event, element in walk:
            if event != "start":
                texts.append("" if element is pre else element.tail or "")
            elif element.tag in UNREAD or not self._is_seen(element):
                walk.skip_subtree()
            else:
                texts.append("\n" if element.tag == "br" else element.text or "")
        return "".join(texts)

    def _write_table(self, element: Element) -> bool:
        """Write a table whose cells are lines of text as one run; return whether it is one."""
        rows = element.xpath("tr | thead/tr | tbody/tr | tfoot/tr")
        rows.sort(key=lambda row: row.getparent().tag == "tfoot")
        rows = [row for row in rows if self._is_seen(row) and self._is_seen(row.getparent())]
        table = table_run(rows, self._cell_text, self._is_seen)
        if table is None:
            self._write_boundary(element, "table", is_opening=True)
            return False
        caption = element.find("caption")
        if caption is not None and (text := self._cell_text(caption)):
            self._write_paragraph(text)
        self._write_paragraph(table)
        return True

    def _is_seen(self, element: Element) -> bool:
        """Return whether an element is not hidden by itself."""
        return not is_hidden(element, style_of(element), self._hidden)

    def _cell_text(self, cell: Element) -> str:
        """Return the text of a cell: lines with the marks of breaks and links."""
        reader = Reader(self._hidden, flat=True)
        reader._scopes = self._scopes[-1:]
        reader.read(cell)
        lines = (_SPACES.sub(" ", line).strip() for line in _LINE_EDGES.split("".join(reader.html)))
        return marks.BREAK.join([line for line in lines if not is_blank(line)])
